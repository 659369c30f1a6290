//! Where a release is published to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anyhow::{Error, Result, ensure};

/// `host[:port]` of an OCI registry.
///
/// ```
/// use xtask::bundle::registry::Registry;
/// assert!("127.0.0.1:5000".parse::<Registry>().unwrap().is_loopback());
/// assert!(!"ghcr.io".parse::<Registry>().unwrap().is_loopback());
/// assert!("https://ghcr.io".parse::<Registry>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry(String);

impl Registry {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is on this machine, where plain HTTP is good enough. Every other needs TLS.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = host_and_port(&self.0).0;
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

fn host_and_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

impl FromStr for Registry {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (host, port) = host_and_port(text);
        let legal = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
        ensure!(
            !host.is_empty() && host.chars().all(legal) && (text.contains(['.', ':']) || host == "localhost"),
            "registry {text:?} is not host[:port], such as ghcr.io or 127.0.0.1:5000"
        );
        if let Some(port) = port {
            ensure!(
                port.parse::<u16>().is_ok(),
                "registry {text:?}: {port:?} is not a port"
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
