//! Which resolvers are asked for addresses, and asking them.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
    ServerOrderingStrategy,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Hosts, TokioResolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::OutboundError;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
const PORT: u16 = 53;
/// Wait for an answer to one question.
const QUERY: Duration = Duration::from_secs(2);
/// How often a question is asked.
const ROUNDS: u32 = 2;
/// Most servers of one policy, all of which are asked at once.
const MAX_SERVERS: usize = 16;
/// Most bytes read of the system's files.
const MAX_FILE: u64 = 1024 * 1024;

/// Which resolvers are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DnsPolicy {
    /// Those of `/etc/resolv.conf`, after `/etc/hosts`.
    #[default]
    System,
    /// Exactly these, and nothing else.
    Custom(Vec<SocketAddr>),
}

/// Why an operator's DNS settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsInputError {
    /// Neither of the two modes.
    #[error("Invalid DNS mode {0:?}: expected system or custom")]
    Mode(String),
    /// Custom mode without a server.
    #[error("Custom DNS needs at least one server, such as 10.0.0.53")]
    NoServer,
    /// More servers than are ever asked.
    #[error("Custom DNS takes at most {MAX_SERVERS} servers")]
    TooMany,
    /// Some entries are no addresses.
    #[error("Invalid DNS servers: {}: expected IP addresses, a port only if it is not 53", .0.join(", "))]
    Servers(Vec<String>),
}

/// Why a host has no address.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The system names no resolver.
    #[error("{host} cannot be resolved: {RESOLV_CONF} names no DNS server")]
    NoServers {
        /// The host.
        host: String,
    },
    /// No resolver answered.
    #[error("{host} cannot be resolved: no answer from {}", shown(servers))]
    NoAnswer {
        /// The host.
        host: String,
        /// Who was asked.
        servers: Vec<SocketAddr>,
    },
    /// The resolvers gave no address.
    #[error("{host} has no address: asked {}", shown(servers))]
    NoAddress {
        /// The host.
        host: String,
        /// Who was asked.
        servers: Vec<SocketAddr>,
        /// What came of it.
        source: Box<NetError>,
    },
}

impl LookupError {
    /// Whether a server said something, be it that there is no address.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::NoAddress { source, .. } if matches!(**source, NetError::Dns(_)))
    }
}

fn shown(servers: &[SocketAddr]) -> String {
    let text = |server: &SocketAddr| match server.port() {
        PORT => server.ip().to_string(),
        _ => server.to_string(),
    };
    servers.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl DnsPolicy {
    /// Reads an operator's `dnsMode` and comma-separated `dnsServers`. In system mode the servers are not
    /// looked at.
    ///
    /// ```
    /// use appliance_common::outbound::DnsPolicy;
    /// assert!(DnsPolicy::from_inputs("custom", "10.0.0.53, [fd00::53]:5353").is_ok());
    /// ```
    ///
    /// # Errors
    /// [`DnsInputError`], naming the values that are refused.
    pub fn from_inputs(mode: &str, servers: &str) -> Result<Self, DnsInputError> {
        match mode.trim() {
            "" | "system" => Ok(Self::System),
            "custom" => custom(servers),
            other => Err(DnsInputError::Mode(other.chars().take(40).collect())),
        }
    }

    /// The servers that are asked under this policy; none if the system names none.
    #[must_use]
    pub fn servers(&self) -> Vec<SocketAddr> {
        match self {
            Self::System => resolvers_in(&system_file(RESOLV_CONF)),
            Self::Custom(servers) => servers.clone(),
        }
    }
}

fn custom(list: &str) -> Result<DnsPolicy, DnsInputError> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let mut servers = Vec::new();
    let mut refused = Vec::new();
    for entry in entries {
        match server(entry) {
            Some(address) => servers.push(address),
            None => refused.push(entry.chars().take(40).collect()),
        }
    }
    match (servers.len(), refused.len()) {
        (_, 1..) => Err(DnsInputError::Servers(refused)),
        (0, 0) => Err(DnsInputError::NoServer),
        (1..=MAX_SERVERS, 0) => Ok(DnsPolicy::Custom(servers)),
        (_, 0) => Err(DnsInputError::TooMany),
    }
}

fn server(text: &str) -> Option<SocketAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Some(SocketAddr::new(ip.into(), PORT));
    }
    if let Some(ip) = dotted_quad(text) {
        return Some(SocketAddr::new(ip.into(), PORT));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| port.parse::<u16>().ok())??;
    let ip = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => IpAddr::V4(dotted_quad(host)?),
    };
    (port != 0).then(|| SocketAddr::new(ip, port))
}

/// Four decimal numbers; leading zeros, which the shipped product accepted, do not make them octal.
fn dotted_quad(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u8>().ok()).flatten()
    };
    let octets = text.split('.').map(number).collect::<Option<Vec<_>>>()?;
    <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from)
}

/// The servers that a `resolv.conf` names.
///
/// ```
/// let text = "# by hand\nnameserver\t10.0.0.53 # office\n;nameserver 9.9.9.9\nsearch lan\n";
/// let servers = appliance_common::outbound::resolvers_in(text);
/// assert_eq!(servers, ["10.0.0.53:53".parse().unwrap()]);
/// ```
#[must_use]
pub fn resolvers_in(resolv_conf: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("nameserver"), Some(address)) => address.parse::<IpAddr>().ok(),
            _ => None,
        }
    };
    resolv_conf
        .lines()
        .filter_map(address)
        .map(|ip| SocketAddr::new(ip, PORT))
        .take(MAX_SERVERS)
        .collect()
}

/// A file of the system as text; one that is not there says nothing.
fn system_file(path: &str) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::warn!(path, %error, "reading a file of the system's resolver");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks the servers of one policy: for A, and for AAAA only if there is no A.
#[derive(Clone)]
pub(super) struct HostLookup {
    servers: Vec<SocketAddr>,
    resolver: TokioResolver,
}

impl std::fmt::Debug for HostLookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostLookup")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl HostLookup {
    pub(super) fn open(policy: &DnsPolicy) -> Result<Self, OutboundError> {
        let hosts = match policy {
            DnsPolicy::System => system_file(HOSTS),
            DnsPolicy::Custom(_) => String::new(),
        };
        Self::asking(policy.servers(), &hosts)
    }

    fn asking(servers: Vec<SocketAddr>, hosts_file: &str) -> Result<Self, OutboundError> {
        let configs = servers.iter().map(name_server).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), configs);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = QUERY;
        options.attempts = ROUNDS as usize - 1; // further ones, after the first
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        options.num_concurrent_reqs = servers.len().max(1);
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = 0;
        let mut resolver = builder.build().map_err(|source| OutboundError::Client {
            source: source.into(),
        })?;
        let mut hosts = Hosts::default();
        hosts
            .read_hosts_conf(hosts_file.as_bytes())
            .map_err(|source| OutboundError::Client {
                source: source.into(),
            })?;
        resolver.set_hosts(Arc::new(hosts));
        Ok(Self { servers, resolver })
    }

    /// Addresses of `host`. A literal address is itself, and `localhost` is this machine (RFC 6761 §6.3).
    pub(super) async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(ip) = bare.parse() {
            return Ok(vec![ip]);
        }
        if host == "localhost" {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let host = host.trim_end_matches('.').to_owned();
        let asked = self.resolver.lookup_ip(format!("{host}."));
        let servers = self.servers.clone();
        // The limit spares the second question to servers that did not answer the first.
        match tokio::time::timeout(QUERY * ROUNDS, asked).await {
            Ok(Ok(found)) => Ok(found.iter().collect()),
            _ if servers.is_empty() => Err(LookupError::NoServers { host }),
            Err(_) | Ok(Err(NetError::Timeout)) => Err(LookupError::NoAnswer { host, servers }),
            Ok(Err(source)) => Err(LookupError::NoAddress {
                host,
                servers,
                source: Box::new(source),
            }),
        }
    }
}

/// Addresses of `host`, from this server alone.
///
/// # Errors
/// [`LookupError`]: it does not answer, or knows no address.
pub async fn lookup_at(server: SocketAddr, host: &str) -> Result<Vec<IpAddr>, LookupError> {
    match HostLookup::asking(vec![server], "") {
        Ok(lookup) => lookup.lookup(host).await,
        Err(error) => {
            tracing::warn!(%server, %error, "asking one DNS server");
            Err(LookupError::NoAnswer {
                host: host.to_owned(),
                servers: vec![server],
            })
        }
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    // A server that does not know a name is believed only if no other one knows it.
    NameServerConfig::new(address.ip(), false, connections.into())
}

/// The lookup as the HTTP client wants it.
impl Resolve for HostLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lookup(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
