//! Which requests go through a proxy.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::OutboundError;

/// The proxy variables of the environment, as they were set.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// `HTTPS_PROXY` or `https_proxy`; may hold a password.
    pub https_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`: hosts, domains, addresses and networks, separated by commas.
    pub no_proxy: Option<String>,
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("https_proxy", &self.https_proxy.as_ref().map(|_| "…"))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl ProxySettings {
    /// Whether a proxy is named.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.https_proxy
            .as_deref()
            .is_some_and(|proxy| !proxy.trim().is_empty())
    }
}

/// Whether a `NO_PROXY` list exempts a host, on the port of HTTPS.
#[must_use]
pub fn is_bypassed(no_proxy: &str, host: &str) -> bool {
    Host::parse(host).is_ok_and(|host| {
        let mut entries = no_proxy.split(',').filter_map(Bypass::read);
        entries.any(|entry| entry.covers(&host, 443))
    })
}

/// The settings, understood.
#[derive(Clone)]
pub(super) struct ProxyRule {
    proxy: Option<Url>,
    bypassed: Vec<Bypass>,
}

impl fmt::Debug for ProxyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyRule")
    }
}

impl ProxyRule {
    pub(super) fn read(settings: &ProxySettings) -> Result<Self, OutboundError> {
        let proxy = match settings.https_proxy.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(proxy_url(text)?),
        };
        let bypassed = settings.no_proxy.as_deref().unwrap_or_default();
        Ok(Self {
            proxy,
            bypassed: bypassed.split(',').filter_map(Bypass::read).collect(),
        })
    }

    /// The proxy for `url`: only HTTPS is proxied, and never to this machine itself.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<&Url> {
        let proxy = self.proxy.as_ref()?;
        let host = url.host()?.to_owned();
        let port = url.port_or_known_default()?;
        let direct = url.scheme() != "https"
            || is_local(&host)
            || self.bypassed.iter().any(|entry| entry.covers(&host, port));
        (!direct).then_some(proxy)
    }
}

fn proxy_url(text: &str) -> Result<Url, OutboundError> {
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    url.ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(OutboundError::Proxy)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// One entry of `NO_PROXY`, with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bypass {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// A domain and everything below it.
    Domain(String),
    Network(IpAddr, u32),
}

impl Bypass {
    /// Reads an entry; one that makes no sense bypasses nothing.
    fn read(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if let Some(hosts) = Hosts::read(&entry) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = entry.rsplit_once(':')?;
        Some(Self {
            hosts: Hosts::read(host)?,
            port: Some(port.parse().ok()?),
        })
    }

    fn covers(&self, host: &Host, port: u16) -> bool {
        let host_covered = match (&self.hosts, host) {
            (Hosts::All, _) => true,
            (Hosts::Domain(domain), Host::Domain(name)) => name
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Hosts::Network(network, bits), Host::Ipv4(ip)) => within(IpAddr::V4(*ip), *network, *bits),
            (Hosts::Network(network, bits), Host::Ipv6(ip)) => within(IpAddr::V6(*ip), *network, *bits),
            (Hosts::Domain(_), _) | (Hosts::Network(..), Host::Domain(_)) => false,
        };
        host_covered && self.port.is_none_or(|only| only == port)
    }
}

impl Hosts {
    fn read(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text.trim_start_matches('[').trim_end_matches(']'), None),
        };
        if let Ok(ip) = address.parse::<IpAddr>() {
            let width = if ip.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(width);
            return (bits <= width).then_some(Self::Network(ip, bits));
        }
        let domain = text.trim_start_matches('*').trim_start_matches('.');
        let is_name = !domain.is_empty() && !domain.contains(['/', ':']);
        is_name.then(|| Self::Domain(domain.to_owned()))
    }
}

fn within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (ip.to_bits() ^ network.to_bits())
                .checked_shr(32 - bits)
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            (ip.to_bits() ^ network.to_bits())
                .checked_shr(128 - bits)
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no_proxy: &str, url: &str) -> bool {
        let settings = ProxySettings {
            https_proxy: Some("http://user:s3cret@proxy.example:3128".into()),
            no_proxy: Some(no_proxy.into()),
        };
        ProxyRule::read(&settings)
            .unwrap()
            .proxy_for(&url.parse().unwrap())
            .is_some()
    }

    #[test]
    fn only_https_to_other_machines_is_proxied() {
        assert!(proxied("", "https://ghcr.io/v2/"));
        for direct in [
            "http://ghcr.io/",
            "https://localhost:5000/",
            "https://127.0.0.1/",
            "https://[::1]/",
        ] {
            assert!(!proxied("", direct), "{direct}");
        }
    }

    #[test]
    fn no_proxy_names_hosts_domains_addresses_and_networks() {
        for (no_proxy, url, expected) in [
            ("ghcr.io", "https://ghcr.io/", false),
            ("GHCR.io", "https://ghcr.io/", false),
            ("ghcr.io", "https://pkg.ghcr.io/", false),
            (".ghcr.io", "https://pkg.ghcr.io/", false),
            ("*.ghcr.io", "https://pkg.ghcr.io/", false),
            ("ghcr.io", "https://notghcr.io/", true),
            ("a, ghcr.io ,b", "https://ghcr.io/", false),
            ("ghcr.io:5000", "https://ghcr.io:5000/", false),
            ("ghcr.io:5000", "https://ghcr.io/", true),
            ("*", "https://ghcr.io/", false),
            ("10.0.0.0/8", "https://10.9.8.7/", false),
            ("10.0.0.0/8", "https://11.0.0.1/", true),
            ("0.0.0.0/0", "https://11.0.0.1/", false),
            ("10.0.0.5", "https://10.0.0.5:5000/", false),
            ("10.0.0.0/99", "https://10.0.0.5/", true),
            ("fd00::/8", "https://[fd12::1]/", false),
            ("fd00::/8", "https://[fe00::1]/", true),
            ("[fd00::1]:443", "https://[fd00::1]/", false),
            (",,", "https://ghcr.io/", true),
        ] {
            assert_eq!(proxied(no_proxy, url), expected, "{no_proxy} {url}");
        }
    }

    #[test]
    fn a_proxy_that_is_none_is_refused_without_repeating_it() {
        let read = |text: &str| {
            ProxyRule::read(&ProxySettings {
                https_proxy: Some(text.into()),
                no_proxy: None,
            })
        };
        for bad in ["socks5://user:s3cret@proxy:1", "http://", "ht tp://s3cret"] {
            assert!(!format!("{:?}", read(bad).unwrap_err()).contains("s3cret"));
        }
        assert!(read("proxy.example:3128").unwrap().proxy.is_some());
        assert!(read("  ").unwrap().proxy.is_none());
    }

    #[test]
    fn debug_shows_no_password() {
        let settings = ProxySettings {
            https_proxy: Some("http://user:s3cret@proxy".into()),
            no_proxy: None,
        };
        let shown = format!("{settings:?} {:?}", ProxyRule::read(&settings).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
