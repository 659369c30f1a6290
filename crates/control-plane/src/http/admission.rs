//! Who may open another connection: so many in all, so many per address, some kept for the node
//! itself so that the kubelet's probe gets through a flood (00, decision 12).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;

/// The open connections, counted.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place for one connection, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<Open>>,
    peer: IpAddr,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Arc::default(),
        }
    }

    /// A place for `peer`, or `None` when it has to go. `is_node` is asked only when that decides.
    pub(super) fn admit(&self, peer: IpAddr, is_node: impl FnOnce() -> bool) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.limits.connections {
            return None;
        }
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        let for_others = self.limits.connections.saturating_sub(self.limits.reserved);
        if (of_peer >= self.limits.per_peer || open.total >= for_others) && !is_node() {
            return None;
        }
        open.total += 1;
        *open.by_peer.entry(peer).or_default() += 1;
        Some(Place {
            open: Arc::clone(&self.open),
            peer,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

/// Whether `peer` is this node: loopback, the address it connected to, or another of ours.
pub(super) fn is_node(peer: IpAddr, local: IpAddr) -> bool {
    peer.is_loopback() || peer == local || has_address(peer)
}

fn has_address(peer: IpAddr) -> bool {
    let Ok(addresses) = nix::ifaddrs::getifaddrs() else {
        return false;
    };
    addresses
        .filter_map(|interface| interface.address)
        .any(|address| {
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            let v6 = address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
            v4.or(v6) == Some(peer)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const NODE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn admission(connections: usize, per_peer: usize, reserved: usize) -> Admission {
        Admission::new(Limits {
            connections,
            per_peer,
            reserved,
            ..Limits::default()
        })
    }

    #[test]
    fn one_address_gets_its_share_and_gets_it_back() {
        let admission = admission(10, 2, 0);
        let first = admission.admit(STRANGER, || false).unwrap();
        let _second = admission.admit(STRANGER, || false).unwrap();
        assert!(admission.admit(STRANGER, || false).is_none());
        drop(first);
        assert!(admission.admit(STRANGER, || false).is_some());
    }

    #[test]
    fn the_node_is_exempt_and_has_places_kept() {
        let admission = admission(4, 1, 2);
        let other = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
        let third = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 3));
        let _taken = [STRANGER, other].map(|peer| admission.admit(peer, || false).unwrap());
        assert!(admission.admit(third, || false).is_none());
        let _own = [NODE, NODE].map(|peer| admission.admit(peer, || true).unwrap());
        assert!(admission.admit(NODE, || true).is_none());
    }

    #[test]
    fn loopback_and_own_addresses_are_the_node() {
        assert!(is_node(NODE, STRANGER));
        assert!(is_node(STRANGER, STRANGER));
        assert!(!is_node(STRANGER, NODE));
    }
}
