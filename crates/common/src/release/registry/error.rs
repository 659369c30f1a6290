//! Why a release could not be had, and what to do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::failure::Failure;
use super::kinds::{Category, Operation};
use crate::release::reference::{Reference, RegistryHost, Repository};

/// Why a release could not be had: what was tried on what, and why it failed.
#[derive(Debug)]
pub struct RegistryError(Box<Context>);

#[derive(Debug)]
struct Context {
    host: RegistryHost,
    repository: Repository,
    reference: Option<Reference>,
    operation: Operation,
    failure: Failure,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context {
            host,
            repository,
            reference,
            operation,
            failure,
        } = &*self.0;
        let attempt = operation.attempt();
        match reference {
            Some(reference) => write!(f, "{attempt} {host}/{repository} at {reference}: {failure}"),
            None => write!(f, "{attempt} {host}/{repository}: {failure}"),
        }
    }
}

impl Error for RegistryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.failure.source()
    }
}

impl RegistryError {
    pub(super) fn new(
        host: &RegistryHost,
        repository: &Repository,
        reference: Option<&Reference>,
        operation: Operation,
        failure: Failure,
    ) -> Self {
        Self(Box::new(Context {
            host: host.clone(),
            repository: repository.clone(),
            reference: reference.cloned(),
            operation,
            failure,
        }))
    }

    /// The registry.
    #[must_use]
    pub fn host(&self) -> &RegistryHost {
        &self.0.host
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.0.repository
    }

    /// What was asked for, if anything particular.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        self.0.reference.as_ref()
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What happened.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.failure.category(self.0.operation)
    }

    /// Whether a person's retry, with nothing changed on this box, can succeed. Content that was asked for
    /// by its digest stays what it is.
    #[must_use]
    pub fn retry_safe(&self) -> bool {
        let pinned = matches!(self.0.reference, Some(Reference::Digest(_)));
        !(pinned && self.category() == Category::InvalidManifest)
    }

    /// Whether it may pass by itself, so that trying again needs no person.
    #[must_use]
    pub fn transient(&self) -> bool {
        !matches!(
            self.category(),
            Category::NotFound | Category::Integrity | Category::InvalidManifest
        )
    }

    /// How long the registry asked us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.failure.retry_after()
    }

    /// What an operator can do about it, as a sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        let host = self.host();
        match self.category() {
            Category::Dns => format!("Check the DNS servers in use: they must resolve {host}."),
            Category::Connect => {
                format!(
                    "Check that {host} is up and that this box can reach it: gateway, firewall, proxy settings."
                )
            }
            Category::Tls => format!(
                "Check the clock of this box. If a proxy inspects TLS to {host}, or {host} is a private registry, \
                 add its certification authority with ALGA_APPLIANCE_CA_BUNDLE."
            ),
            Category::Timeout => {
                format!("Check the connection to {host}: it is too slow, or a firewall drops the packets.")
            }
            Category::Http401 | Category::Http403 => format!(
                "{host} refuses to let {} be read without signing in. Check the registry and repository; \
                 a proxy in between can also be the cause.",
                self.repository()
            ),
            Category::NotFound => {
                "Check the channel or release pin: there is no such channel or release.".to_owned()
            }
            Category::RateLimited => format!("Wait a little: {host} limits how often it may be asked."),
            Category::Http5xx => {
                format!("Wait: {host} has a problem of its own. Nothing is wrong with this box.")
            }
            Category::Integrity => format!(
                "Do not use this release. Try again later; if it stays, something between this box and {host} \
                 changes what is downloaded, or the release is damaged: contact support."
            ),
            Category::InvalidManifest => {
                "Choose another release, or contact support: this one cannot be read.".to_owned()
            }
            Category::Protocol => {
                format!("Check that {host} is the registry and that no proxy or sign-in page answers for it.")
            }
        }
    }
}
