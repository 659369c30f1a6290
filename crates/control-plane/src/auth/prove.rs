//! Showing that one knows the token or the password: under the lockout, and every failure counted.

use std::net::IpAddr;

use appliance_common::password::StoredPassword;
use appliance_common::secret::Secret;

use super::credential::verify;
use super::gate::Attempt;
use super::ticket::Proof;
use super::token::Token;
use super::{Auth, AuthError, Session};

impl Auth {
    /// Checks a proof of the token under the lockout. The attempt is still counted as failed.
    pub(super) async fn prove(&self, peer: IpAddr, proof: &Proof) -> Result<(Attempt, Token), AuthError> {
        let attempt = self.0.gate.enter(peer, &self.generation()).await?;
        // Somebody else may have set a password while this request waited.
        if let Err(error) = self.check_unset() {
            attempt.refund();
            return Err(error);
        }
        if let Some(token) = self.token_of(peer, proof) {
            return Ok((attempt, token));
        }
        self.failed(attempt, "auth.token_failed", None).await;
        Err(AuthError::WrongToken)
    }

    pub(super) fn token_of(&self, peer: IpAddr, proof: &Proof) -> Option<Token> {
        let given = match proof {
            Proof::Token(text) => Token::parse(text.expose()),
            Proof::Ticket(ticket) => self.0.tickets.token(ticket, peer, self.0.clock.now()),
        };
        given
            .zip(self.0.token.current())
            .and_then(|(given, current)| given.is(&current).then_some(given))
    }

    pub(super) async fn check_password(
        &self,
        peer: IpAddr,
        password: &Secret<String>,
        failure: &'static str,
        session: Option<&Session>,
    ) -> Result<StoredPassword, AuthError> {
        let attempt = self.0.gate.enter(peer, &self.generation()).await?;
        let stored = match self.stored() {
            Ok(stored) => stored,
            Err(error) => {
                attempt.refund();
                return Err(error);
            }
        };
        match verify(&stored, &self.0.hasher, password.clone()).await {
            Ok(true) => {
                attempt.succeeded().await;
                Ok(stored)
            }
            Ok(false) => {
                self.failed(attempt, failure, session).await;
                Err(AuthError::WrongPassword)
            }
            Err(error) => {
                attempt.refund();
                Err(error.into())
            }
        }
    }

    /// Closes a failed attempt.
    async fn failed(&self, attempt: Attempt, event: &'static str, session: Option<&Session>) {
        let peer = attempt.peer();
        let lock = attempt.failed().await;
        self.record(event, peer, session, "refused").await;
        if lock.is_some() {
            tracing::warn!(%peer, "too many failed sign-ins: the address is locked out");
            self.record("auth.locked", peer, session, "refused").await;
        }
    }
}
