//! Which DNS servers the control plane asks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Complaint;

/// Where DNS listens when no port is typed.
const DNS_PORT: u16 = 53;

/// Most servers in a list, and most characters in its text.
const MAX_SERVERS: usize = 8;
const MAX_CHARS: usize = 1024;

/// The operator's DNS choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dns {
    /// The system's resolvers. The text is what was typed beside that choice; it is never used.
    System {
        /// As typed.
        typed: String,
    },
    /// Exactly these servers.
    Custom {
        /// As typed.
        typed: String,
        /// At least one.
        servers: Vec<SocketAddr>,
    },
}

impl Dns {
    /// `system` or `custom`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::System { .. } => "system",
            Self::Custom { .. } => "custom",
        }
    }

    /// The list as typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        match self {
            Self::System { typed } | Self::Custom { typed, .. } => typed,
        }
    }

    /// The servers to ask instead of the system's; empty means the system's.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        match self {
            Self::System { .. } => &[],
            Self::Custom { servers, .. } => servers,
        }
    }
}

/// `dnsMode`: true for `custom`.
pub(super) fn is_custom(mode: &str) -> Result<bool, Complaint> {
    match mode.trim() {
        "" | "system" => Ok(false),
        "custom" => Ok(true),
        _ => Err("DNS mode must be \"system\" or \"custom\".".into()),
    }
}

/// `dnsServers`, judged only when they are used.
pub(super) fn parse(custom: bool, typed: &str) -> Result<Dns, Complaint> {
    let typed = typed.trim().to_owned();
    if typed.chars().count() > MAX_CHARS {
        return Err(format!("DNS servers: at most {MAX_CHARS} characters.").into());
    }
    if !custom {
        return Ok(Dns::System { typed });
    }
    let entries: Vec<&str> = typed
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    if entries.is_empty() {
        return Err("Custom DNS needs at least one DNS server.".into());
    }
    if entries.len() > MAX_SERVERS {
        return Err(format!("At most {MAX_SERVERS} DNS servers are used.").into());
    }
    let servers = entries
        .iter()
        .map(|entry| server(entry))
        .collect::<Option<Vec<_>>>()
        .ok_or(
            "Each DNS server must be an IP address, for example 10.0.0.53 or fd00::53, separated by commas.",
        )?;
    Ok(Dns::Custom { typed, servers })
}

/// `1.2.3.4`, `fd00::53`, `1.2.3.4:5353` or `[fd00::53]:5353`.
fn server(entry: &str) -> Option<SocketAddr> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, DNS_PORT));
    }
    if let Ok(address) = entry.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(address);
    }
    zero_padded(entry).map(|address| SocketAddr::new(address.into(), DNS_PORT))
}

/// Dotted decimal with leading zeros, which std refuses and operators type; the zeros mean nothing.
fn zero_padded(entry: &str) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut groups = entry.split('.');
    for octet in &mut octets {
        let group = groups.next()?;
        if group.is_empty() || !group.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = group.parse().ok()?;
    }
    groups.next().is_none().then(|| octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_servers_are_addresses_with_an_optional_port() {
        let parsed = parse(
            true,
            " 10.0.0.53, 010.000.0.054 ,,fd00::53,127.0.0.1:5353, [::1]:5353 ",
        )
        .unwrap();
        assert_eq!(
            parsed.typed(),
            "10.0.0.53, 010.000.0.054 ,,fd00::53,127.0.0.1:5353, [::1]:5353"
        );
        let servers: Vec<String> = parsed.servers().iter().map(ToString::to_string).collect();
        assert_eq!(
            servers,
            [
                "10.0.0.53:53",
                "10.0.0.54:53",
                "[fd00::53]:53",
                "127.0.0.1:5353",
                "[::1]:5353"
            ]
        );
    }

    #[test]
    fn custom_servers_that_are_none_are_refused() {
        let many = ["1.1.1.1"; MAX_SERVERS + 1].join(",");
        for typed in [
            "",
            " , ",
            "dns.example.com",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.-4",
            "1.2.3.4:0",
            "1.2.3.4,x",
            "1.2.3. 4",
            "fe80::1%eth0",
            "+1.2.3.4",
            &many,
        ] {
            assert!(parse(true, typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn the_list_beside_system_is_kept_and_never_used() {
        let parsed = parse(false, "garbage,,").unwrap();
        assert_eq!(
            (parsed.mode(), parsed.typed(), parsed.servers()),
            ("system", "garbage,,", &[][..])
        );
    }
}
