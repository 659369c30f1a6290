//! The verifying pull: from a reference to a release whose every byte matches its digest (10 §3).
//!
//! Three requests at most: the manifest (with a token if the registry asks for one), then its config blob,
//! which is the release manifest. Nothing here writes; a caller stores what it resolved and verifies it
//! again when it reads it back.

mod auth;
mod error;
mod failure;
mod fetch;
mod image;
mod kinds;
mod oci;
mod redirect;
mod resolved;
mod retry;
mod scheme;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

pub use error::RegistryError;
pub use failure::Failure;
pub use kinds::{Category, Operation};
pub use resolved::{Resolved, StoredError, StoredRelease};

use super::manifest::ReleaseManifest;
use super::reference::{Digest, Reference, RegistryHost, Repository};
use crate::outbound::{DnsPolicy, Outbound, OutboundError, OutboundSettings, ProxySettings};
use auth::Token;
use fetch::{Fetch, MAX_BLOB, MAX_MANIFEST, MAX_PROBE};

/// Deadline of one request unless the operator says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(8);
/// A whole resolve may take this many times the deadline of one request.
const RESOLVE_TIMEOUTS: u32 = 3;
/// Media types of the manifests that are understood or at least recognised.
const MANIFEST_TYPES: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json";
const JSON: &str = "application/json";

/// Which registry is asked, and how it is reached.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// The registry.
    pub host: RegistryHost,
    /// The repository of releases.
    pub repository: Repository,
    /// Deadline of one request: name resolution, connection, redirects and body.
    pub timeout: Duration,
    /// Which resolvers are asked.
    pub dns: DnsPolicy,
    /// Which proxy is used.
    pub proxy: ProxySettings,
    /// PEM file of further certification authorities.
    pub ca_bundle: Option<PathBuf>,
}

impl RegistrySettings {
    /// A registry reached the plain way: the system's resolvers, no proxy, built-in authorities.
    #[must_use]
    pub fn new(host: RegistryHost, repository: Repository) -> Self {
        Self {
            host,
            repository,
            timeout: DEFAULT_TIMEOUT,
            dns: DnsPolicy::System,
            proxy: ProxySettings::default(),
            ca_bundle: None,
        }
    }
}

/// One repository of one registry. Remembers its token for as long as it is valid.
#[derive(Debug)]
pub struct Registry {
    host: RegistryHost,
    repository: Repository,
    timeout: Duration,
    base: Url,
    /// What the registry speaks; open while a registry of this machine was not spoken to.
    scheme: OnceLock<&'static str>,
    outbound: Outbound,
    token: Mutex<Option<Token>>,
}

impl Registry {
    /// Prepares the client; sends nothing.
    ///
    /// # Errors
    /// [`OutboundError`], naming the setting that does not work.
    pub fn open(settings: RegistrySettings) -> Result<Self, OutboundError> {
        let (first, scheme) = if settings.host.is_loopback() {
            (scheme::PLAIN, OnceLock::new())
        } else {
            (scheme::TLS, OnceLock::from(scheme::TLS))
        };
        let base =
            Url::parse(&format!("{first}://{}/", settings.host)).map_err(|source| OutboundError::Client {
                source: source.into(),
            })?;
        let outbound = OutboundSettings {
            dns: settings.dns,
            proxy: settings.proxy,
            ca_bundle: settings.ca_bundle,
        };
        Ok(Self {
            // Less than the deadline, so that a connection that does not come about is reported as that.
            outbound: Outbound::open(&outbound, settings.timeout * 3 / 4)?,
            host: settings.host,
            repository: settings.repository,
            timeout: settings.timeout,
            base,
            scheme,
            token: Mutex::new(None),
        })
    }

    /// Address of the registry's API, which answers 200 or 401.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.url("v2/").to_string()
    }

    /// Pulls the release that `reference` means now, and verifies it.
    ///
    /// # Errors
    /// [`RegistryError`]; nothing was written, and nothing unverified is ever returned.
    pub async fn resolve(&self, reference: &Reference) -> Result<Resolved, RegistryError> {
        let deadline = Instant::now() + self.timeout * RESOLVE_TIMEOUTS;
        let at = |operation| move |failure| self.error(Some(reference), operation, failure);
        let manifest = self.manifest(reference, deadline).await?;
        let manifest_digest = oci::verified_digest(&manifest, reference).map_err(at(Operation::Integrity))?;
        let config = oci::config(&manifest.body).map_err(|failure| {
            let operation = match failure {
                Failure::NotJson(_) => Operation::Parse,
                _ => Operation::Validate,
            };
            at(operation)(failure)
        })?;
        let raw = self.blob(Operation::Blob, reference, &config, deadline).await?;
        let release = ReleaseManifest::from_json(&raw).map_err(|error| {
            let operation = Operation::of(&error);
            self.error(Some(reference), operation, Failure::Manifest(error))
        })?;
        Ok(Resolved {
            reference: reference.clone(),
            manifest_digest,
            config_digest: config.digest,
            release,
            raw,
            created: config.created,
        })
    }

    /// Asks whether this is a registry and whether it answers.
    ///
    /// # Errors
    /// [`RegistryError`] for an answer other than 200 or 401, or none.
    pub async fn probe(&self) -> Result<(), RegistryError> {
        let request = Fetch::new(self.url("v2/"), JSON, MAX_PROBE);
        match self.send(&request, Instant::now() + self.timeout).await {
            Ok(_) | Err(Failure::Status { status: 401, .. }) => Ok(()),
            Err(failure) => Err(self.error(None, Operation::Probe, failure)),
        }
    }

    /// Addresses of the registry, from exactly the configured resolvers. Empty when a proxy is used for it:
    /// then the proxy resolves it.
    ///
    /// # Errors
    /// [`RegistryError`] of category `dns` or `timeout`.
    pub async fn lookup(&self) -> Result<Vec<IpAddr>, RegistryError> {
        let failure = match tokio::time::timeout(self.timeout, self.outbound.lookup(&self.base)).await {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(source)) => Failure::Lookup(source),
            Err(_) => Failure::Timeout { after: self.timeout },
        };
        Err(self.error(None, Operation::Dns, failure))
    }

    async fn manifest(
        &self,
        reference: &Reference,
        deadline: Instant,
    ) -> Result<fetch::Answer, RegistryError> {
        let url = self.url(&format!("v2/{}/manifests/{reference}", self.repository));
        let request = Fetch::new(url, MANIFEST_TYPES, MAX_MANIFEST).following();
        self.authorized(reference, Operation::Manifest, request, deadline)
            .await
    }

    async fn blob(
        &self,
        operation: Operation,
        reference: &Reference,
        config: &oci::Config,
        deadline: Instant,
    ) -> Result<Bytes, RegistryError> {
        let url = self.url(&format!("v2/{}/blobs/{}", self.repository, config.digest));
        let request = Fetch::new(url, JSON, config.size.min(MAX_BLOB)).following();
        let answer = match self.authorized(reference, operation, request, deadline).await {
            Err(error) if matches!(error.failure(), Failure::TooLarge { .. }) => {
                let failure =
                    Failure::Integrity(format!("{} is longer than its size says", operation.object()));
                return Err(self.error(Some(reference), Operation::Integrity, failure));
            }
            other => other?,
        };
        let found = Digest::of(&answer.body);
        if answer.body.len() != config.size || found != config.digest {
            let failure = Failure::Integrity(format!(
                "{} has {} bytes and digest {found}, promised were {} bytes and {}",
                operation.object(),
                answer.body.len(),
                config.size,
                config.digest
            ));
            return Err(self.error(Some(reference), Operation::Integrity, failure));
        }
        Ok(answer.body)
    }

    fn url(&self, path: &str) -> Url {
        // Every part was checked by its type, so nothing in the path can lead elsewhere.
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    fn error(&self, reference: Option<&Reference>, operation: Operation, failure: Failure) -> RegistryError {
        RegistryError::new(&self.host, &self.repository, reference, operation, failure)
    }
}

#[cfg(test)]
mod tests;
