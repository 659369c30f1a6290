//! A look at whoever a failure was about, before another attempt is spent on it.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::meter::Meter;
use appliance_common::outbound::{DnsPolicy, Outbound, OutboundSettings};
use appliance_common::process::chain;
use appliance_common::release::reference::Reference;
use appliance_common::release::registry::{Category, Registry, RegistryError, RegistrySettings};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::Setup;
use super::retry::Target;
use super::seal_key::{self, SealKeyError};

/// Longest one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(8);
/// Longest connection attempt to the licence service.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What the last looks found. An attempt is spent only after one that succeeded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Health {
    checked: Option<(Target, Timestamp)>,
    failures: u32,
}

impl Health {
    /// Whether a look of less than `ttl` ago succeeded, and nothing has failed since `failed_at`.
    pub(super) fn is_known_good(
        &self,
        target: Target,
        now: Timestamp,
        ttl: Duration,
        failed_at: Option<Timestamp>,
    ) -> bool {
        let Some((seen, at)) = self.checked else {
            return false;
        };
        let age = now.duration_since(at);
        let is_fresh = SignedDuration::try_from(ttl).is_ok_and(|ttl| age < ttl) && !age.is_negative();
        seen == target && self.failures == 0 && is_fresh && failed_at.is_none_or(|failed| at > failed)
    }

    /// Takes a look's result; gives how many have failed in a row.
    pub(super) fn note(&mut self, target: Target, now: Timestamp, succeeded: bool) -> u32 {
        let is_same = self.checked.is_some_and(|(seen, _)| seen == target);
        self.failures = match (succeeded, is_same) {
            (true, _) => 0,
            (false, true) => self.failures + 1,
            (false, false) => 1,
        };
        self.checked = Some((target, now));
        self.failures
    }
}

/// What a look at the way to the release found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkFinding {
    /// `dns`, `network` or `registry-release-source`.
    pub(crate) category: &'static str,
    /// What was found.
    pub(crate) message: String,
    /// What to do.
    pub(crate) next_step: String,
}

impl NetworkFinding {
    fn of(error: &RegistryError) -> Self {
        let category = match error.category() {
            Category::Dns => "dns",
            Category::Connect | Category::Tls | Category::Timeout => "network",
            Category::Http401
            | Category::Http403
            | Category::NotFound
            | Category::RateLimited
            | Category::Http5xx
            | Category::Integrity
            | Category::InvalidManifest
            | Category::Protocol => "registry-release-source",
        };
        Self {
            category,
            message: chain(error),
            next_step: error.next_step(),
        }
    }
}

impl Setup {
    /// Whether the registry has an address, answers, and has the release that the operator chose (40 §6).
    pub(crate) async fn look_at_release_source(&self) -> Result<(), NetworkFinding> {
        let settings = RegistrySettings {
            dns: self.dns(),
            timeout: LOOK_LIMIT,
            ..self.settings.registry.clone()
        };
        let registry = Registry::open(settings).map_err(|error| NetworkFinding {
            category: "network",
            message: chain(&error),
            next_step: "Correct the setting that is named.".to_owned(),
        })?;
        let found = |error: RegistryError| NetworkFinding::of(&error);
        registry.lookup().await.map_err(found)?;
        registry.probe().await.map_err(found)?;
        let Some(reference) = self.chosen_reference() else {
            return Ok(());
        };
        registry.resolve(&reference).await.map(drop).map_err(found)
    }

    /// The release that the operator asked for, as far as it can be read.
    fn chosen_reference(&self) -> Option<Reference> {
        let stored = self.stored_inputs()?;
        let pin = stored.release_ref.parse().ok();
        pin.or_else(|| stored.channel.parse().ok().map(Reference::Channel))
    }

    /// Who `target` is, in the operator's words.
    pub(super) fn name_of(&self, target: Target) -> String {
        match target {
            Target::Registry => self.settings.registry.host.to_string(),
            Target::LicenseService => "the licence service".to_owned(),
            Target::Cluster => "the Kubernetes API server of this box".to_owned(),
        }
    }

    /// Whether `target` answers now; `Err` says what was found.
    pub(super) async fn look_at(&self, target: Target) -> Result<(), String> {
        let look = async {
            match target {
                Target::Registry => self.look_at_registry().await,
                Target::LicenseService => self.look_at_license_service().await,
                Target::Cluster => self.look_at_cluster().await,
            }
        };
        match timeout(LOOK_LIMIT, look).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer within {} s", LOOK_LIMIT.as_secs())),
        }
    }

    async fn look_at_registry(&self) -> Result<(), String> {
        let settings = RegistrySettings {
            dns: self.dns(),
            ..self.settings.registry.clone()
        };
        let registry = Registry::open(settings).map_err(|error| chain(&error))?;
        registry.probe().await.map_err(|error| chain(&error))
    }

    /// Any answer but a server error shows that it is there.
    async fn look_at_license_service(&self) -> Result<(), String> {
        let Ok(Some(address)) = &self.settings.license_service else {
            return Ok(());
        };
        let registry = &self.settings.registry;
        let settings = OutboundSettings {
            dns: self.dns(),
            proxy: registry.proxy.clone(),
            ca_bundle: registry.ca_bundle.clone(),
        };
        let outbound = Outbound::open(&settings, CONNECT_LIMIT).map_err(|error| chain(&error))?;
        let answer = outbound.client().get(address.as_str()).send().await;
        match answer.map_err(|error| chain(&error.without_url()))?.status() {
            status if status.is_server_error() => Err(format!("it answers {status}")),
            _ => Ok(()),
        }
    }

    /// What answers, answers; what it says is the attempt's to judge.
    pub(super) async fn look_at_cluster(&self) -> Result<(), String> {
        let cluster = self.settings.cluster.open(Arc::new(Meter::default())).await;
        let cluster = cluster.map_err(|error| chain(&error))?;
        match seal_key::get(&cluster).await {
            Err(SealKeyError::Cluster(error)) if error.transient() => Err(chain(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The operator's choice of resolvers, as far as it can be read.
    fn dns(&self) -> DnsPolicy {
        self.stored_inputs()
            .and_then(|stored| DnsPolicy::from_inputs(&stored.dns_mode, &stored.dns_servers).ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_look_counts_for_its_time_and_until_the_next_failure() {
        let (target, ttl) = (Target::Registry, Duration::from_secs(20));
        let mut health = Health::default();
        assert!(!health.is_known_good(target, at(0), ttl, None));
        assert_eq!(health.note(target, at(0), false), 1);
        assert_eq!(health.note(target, at(1), false), 2);
        assert_eq!(
            health.note(Target::Cluster, at(2), false),
            1,
            "another's failures"
        );
        assert_eq!(health.note(target, at(100), true), 0);
        for (now, failed_at, good) in [
            (at(110), None, true),
            (at(121), None, false),
            (at(99), None, false),
            (at(110), Some(at(99)), true),
            (at(110), Some(at(105)), false),
        ] {
            assert_eq!(
                health.is_known_good(target, now, ttl, failed_at),
                good,
                "{now} {failed_at:?}"
            );
        }
        assert!(!health.is_known_good(Target::Cluster, at(110), ttl, None));
    }
}
