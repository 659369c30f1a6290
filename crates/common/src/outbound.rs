//! HTTPS out of the appliance: one client whose DNS, proxy and certificate policy are the operator's.
//!
//! Every request that leaves the box (registry, licence service) goes through here, so that a network
//! on which one of them works is a network on which all of them do. Redirects are the caller's: it knows
//! which targets it may follow with what.

mod dns;
mod proxy;
mod retry_after;
mod tls;

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use dns::{DnsInputError, DnsPolicy, LookupError, lookup_at, resolvers_in};
use proxy::ProxyRule;
pub use proxy::{ProxySettings, is_bypassed};
pub use retry_after::retry_after;
use url::Url;

/// How long an idle connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(10);
/// Most header lines of an answer.
const MAX_HEADERS: usize = 100;

/// How the appliance reaches other hosts.
#[derive(Debug, Clone, Default)]
pub struct OutboundSettings {
    /// Which resolvers are asked.
    pub dns: DnsPolicy,
    /// Which proxy is used for what.
    pub proxy: ProxySettings,
    /// PEM file of further certification authorities.
    pub ca_bundle: Option<PathBuf>,
}

/// Why the settings do not make a client.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The proxy's address may hold a password and is therefore not repeated.
    #[error("HTTPS_PROXY is not a proxy address such as http://proxy.example:3128")]
    Proxy,
    /// The CA bundle cannot be read or holds something other than certificates.
    #[error("reading the certificates of {}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The TLS or HTTP library refused the settings.
    #[error("setting up the HTTPS client")]
    Client {
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What went wrong between us and another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The host has no address.
    Dns,
    /// No connection came about.
    Connect,
    /// The other side could not prove who it is, or speaks no TLS we accept.
    Tls,
    /// It took too long.
    Timeout,
    /// The connection broke, or the answer was cut short or malformed.
    Interrupted,
}

impl Transport {
    /// The kind of a failed request.
    #[must_use]
    pub fn of(error: &reqwest::Error) -> Self {
        if error.is_dns() {
            Self::Dns
        } else if tls_error(error).is_some() {
            Self::Tls
        } else if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::Interrupted
        }
    }
}

/// Whether the other side speaks TLS, but with a certificate that is not trusted.
#[must_use]
pub fn is_untrusted(error: &reqwest::Error) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// TLS errors travel inside `io::Error`, whose `source` skips what it wraps.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = || {
        error
            .downcast_ref::<io::Error>()?
            .get_ref()
            .and_then(|inner| tls_error(inner))
    };
    error
        .downcast_ref()
        .or_else(wrapped)
        .or_else(|| error.source().and_then(tls_error))
}

/// A client under the operator's network policy. Follows no redirects, decodes no content encodings.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    hosts: Arc<dns::HostLookup>,
    proxy: ProxyRule,
}

/// Shows nothing of the proxy, whose address may hold a password.
impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Outbound {
    /// Reads the CA bundle and, for system DNS, `/etc/resolv.conf` and `/etc/hosts`; sends nothing.
    /// `connect` bounds the making of one connection.
    ///
    /// # Errors
    /// [`OutboundError`], naming the setting.
    pub fn open(settings: &OutboundSettings, connect: Duration) -> Result<Self, OutboundError> {
        Self::with_tls(
            settings,
            connect,
            tls::client_config(settings.ca_bundle.as_deref())?,
        )
    }

    /// The same, but whatever certificate the other side shows is accepted: only to find out whether
    /// somebody answers, never to send or to believe anything.
    ///
    /// # Errors
    /// [`OutboundError`], naming the setting.
    pub fn open_unverified(settings: &OutboundSettings, connect: Duration) -> Result<Self, OutboundError> {
        Self::with_tls(settings, connect, tls::unverified_config()?)
    }

    fn with_tls(
        settings: &OutboundSettings,
        connect: Duration,
        tls: rustls::ClientConfig,
    ) -> Result<Self, OutboundError> {
        let hosts = Arc::new(dns::HostLookup::open(&settings.dns)?);
        let proxy = ProxyRule::read(&settings.proxy)?;
        let rule = proxy.clone();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::clone(&hosts))
            .no_proxy()
            .proxy(reqwest::Proxy::custom(move |url| rule.proxy_for(url).cloned()))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Features of the library are unified over the workspace: what another crate switches on
            // must not decode bodies behind the back of the digest.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .connect_timeout(connect)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("alga-appliance/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| OutboundError::Client {
                source: source.into(),
            })?;
        Ok(Self { client, hosts, proxy })
    }

    /// The HTTP client.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Addresses of a URL's host, from exactly the resolvers that requests use. Empty when a proxy is used
    /// for that URL: then the proxy resolves it.
    ///
    /// # Errors
    /// [`LookupError`], naming host and servers.
    pub async fn lookup(&self, url: &Url) -> Result<Vec<IpAddr>, LookupError> {
        match url.host_str() {
            Some(host) if self.proxy.proxy_for(url).is_none() => self.hosts.lookup(host).await,
            _ => Ok(Vec::new()),
        }
    }
}
