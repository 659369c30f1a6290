//! Ports for servers that cannot say which one the kernel gave them.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Below the range from which the kernel serves outgoing connections and `:0`, so that nothing takes a
/// port between our look and the server's start.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// How many ports are tried before giving up.
const ATTEMPTS: u16 = 200;

/// A loopback port nobody listens on now.
pub(crate) fn free() -> Result<u16> {
    let span = RANGE.end - RANGE.start;
    let seed = RandomState::new().hash_one(std::process::id());
    let first = u16::try_from(seed % u64::from(span)).context("choosing a port")?;
    (0..ATTEMPTS)
        .map(|step| RANGE.start + (first + step) % span)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .with_context(|| format!("no free loopback port among {ATTEMPTS} from {RANGE:?}"))
}
