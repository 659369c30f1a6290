//! Proof that the setup token was given, for the ten minutes until a password is chosen. Held in
//! memory: after a restart the token is asked for again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use appliance_common::secret::Secret;
use jiff::Timestamp;

use super::token::Token;
use appliance_common::random;

/// What shows that the setup token is known.
#[derive(Debug)]
pub(crate) enum Proof {
    /// The token itself.
    Token(Secret<String>),
    /// A ticket from an earlier redemption.
    Ticket(String),
}

/// How long a ticket is good.
pub(crate) const LIFE: Duration = Duration::from_mins(10);
/// Only holders of the token get tickets; this many are plenty.
const MAX_TICKETS: usize = 64;

#[derive(Debug)]
struct Ticket {
    peer: IpAddr,
    expires: Timestamp,
    /// A token written since then by the reset command voids the ticket.
    token: Token,
}

/// The tickets that are out.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, Ticket>>);

impl Tickets {
    /// A ticket for `peer`, who gave `token`.
    pub(crate) fn issue(&self, peer: IpAddr, token: Token, now: Timestamp) -> String {
        let value = random::url_safe::<32>();
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.retain(|_, ticket| ticket.expires > now);
        if out.len() >= MAX_TICKETS {
            let oldest = out.iter().min_by_key(|(_, ticket)| ticket.expires);
            if let Some(oldest) = oldest.map(|(value, _)| value.clone()) {
                out.remove(&oldest);
            }
        }
        let expires = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        out.insert(value.clone(), Ticket { peer, expires, token });
        value
    }

    /// The token that the holder of the ticket gave.
    pub(crate) fn token(&self, value: &str, peer: IpAddr, now: Timestamp) -> Option<Token> {
        let out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = out.get(value)?;
        (ticket.peer == peer && ticket.expires > now).then(|| ticket.token.clone())
    }

    /// Voids all tickets: a password is set.
    pub(crate) fn burn(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_its_address_its_time_and_one_use() {
        let peer = IpAddr::from([192, 0, 2, 1]);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let tickets = Tickets::default();
        let token = Token::parse("01234567890123456789").unwrap();
        let ticket = tickets.issue(peer, token.clone(), now);
        assert!(tickets.token(&ticket, peer, now).unwrap().is(&token));
        assert!(
            tickets
                .token(&ticket, IpAddr::from([192, 0, 2, 2]), now)
                .is_none()
        );
        assert!(tickets.token("other", peer, now).is_none());
        assert!(tickets.token(&ticket, peer, now + LIFE).is_none());
        tickets.burn();
        assert!(tickets.token(&ticket, peer, now).is_none());
    }

    #[test]
    fn tickets_are_bounded() {
        let peer = IpAddr::from([192, 0, 2, 1]);
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let tickets = Tickets::default();
        let token = Token::parse("01234567890123456789").unwrap();
        let issued: Vec<_> = (0..=MAX_TICKETS as u64)
            .map(|n| tickets.issue(peer, token.clone(), start + Duration::from_secs(n)))
            .collect();
        let now = start + Duration::from_secs(100);
        assert!(tickets.token(&issued[0], peer, now).is_none());
        assert!(tickets.token(&issued[1], peer, now).is_some());
    }
}
