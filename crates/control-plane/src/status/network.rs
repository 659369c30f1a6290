//! The look at resolvers and registry: only while an operator may need its answer (40 §6).

use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::readiness::Observed;
use appliance_common::readiness::observed::NetworkProbe;
use tokio::sync::watch;
use tokio::time::timeout;

use super::local::{NetworkTrouble, Records};
use super::picture::Feed;

/// Phases of the state document in which the network can be what holds an install up.
const EARLY: [&str; 5] = ["setup", "dns", "network", "registry-release-source", "release"];
/// Phases of a failure that the network can have caused.
const NETWORK: [&str; 3] = ["network", "dns", "registry-release-source"];

/// Whether somebody needs a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted(bool);

/// How often is looked, and what one failure is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NetworkSettings {
    /// How long a look is believed.
    pub(crate) ttl: Duration,
    /// Failed looks in a row before a network that answered is said not to.
    pub(crate) debounce: u32,
}

impl Wanted {
    /// A run that is under way asks by itself, and says so; a box that is installed does not care.
    pub(super) fn of(observed: &Observed, is_running: bool) -> Self {
        let install = &observed.install;
        let Ok(Some(document)) = &install.document else {
            return Self(false);
        };
        let failure = document.get("failure").or(install.engine_failure.as_ref());
        let failed = failure.and_then(|failure| failure["phase"].as_str());
        let is_network = failed.is_some_and(|phase| NETWORK.contains(&phase));
        let phase = document["phase"].as_str().unwrap_or_default();
        let is_early = EARLY.contains(&phase) && !install.is_installed;
        Self(!is_running && (is_network || is_early))
    }
}

/// Looks while it is wanted, one look at a time, until the task is dropped.
pub(super) async fn keep(
    mut wanted: watch::Receiver<Wanted>,
    records: Arc<dyn Records>,
    feed: Feed,
    (clock, settings): (Clock, NetworkSettings),
) {
    loop {
        if wanted.wait_for(|wanted| wanted.0).await.is_err() {
            return;
        }
        let mut debounce = Debounce::default();
        loop {
            let found = records.look_at_network().await;
            let told = probe(debounce.take(found, settings.debounce), &clock);
            feed.send(move |picture| picture.show_network(Some(told))).await;
            if timeout(settings.ttl, wanted.wait_for(|wanted| !wanted.0))
                .await
                .is_ok()
            {
                break;
            }
        }
        feed.send(|picture| picture.show_network(None)).await;
    }
}

/// A network that answered is believed to until it fails so many times in a row.
#[derive(Debug, Default)]
struct Debounce {
    has_answered: bool,
    failures: u32,
}

impl Debounce {
    fn take(&mut self, found: Result<(), NetworkTrouble>, enough: u32) -> Result<(), NetworkTrouble> {
        let Err(trouble) = found else {
            *self = Self {
                has_answered: true,
                failures: 0,
            };
            return Ok(());
        };
        self.failures = self.failures.saturating_add(1);
        if self.has_answered && self.failures < enough {
            return Ok(());
        }
        self.has_answered = false;
        Err(trouble)
    }
}

fn probe(found: Result<(), NetworkTrouble>, clock: &Clock) -> NetworkProbe {
    let ok = found.is_ok();
    let trouble = found.err().unwrap_or_else(|| NetworkTrouble {
        category: "network",
        message: "resolvers and registry answer".to_owned(),
        next_step: String::new(),
    });
    NetworkProbe {
        ok,
        at: clock.now(),
        category: trouble.category,
        message: trouble.message,
        next_step: trouble.next_step,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wanted(document: Option<Value>, is_installed: bool, is_running: bool) -> bool {
        let mut observed = Observed::default();
        observed.install.document = Ok(document);
        observed.install.is_installed = is_installed;
        Wanted::of(&observed, is_running).0
    }

    #[test]
    fn a_healthy_box_never_asks_the_network() {
        let done = json!({"status": "release-config-complete", "phase": "registry-release-source"});
        let updated = json!({"status": "update-complete", "phase": "registry-release-source"});
        assert!(!wanted(None, false, false), "a fresh box");
        assert!(!wanted(Some(done), true, false));
        assert!(!wanted(Some(updated), true, false));
    }

    #[test]
    fn an_install_that_stopped_and_a_recorded_network_failure_are_looked_into() {
        let blocked =
            |phase: &str| json!({"status": "preflight-blocked", "phase": phase, "failure": {"phase": phase}});
        for phase in NETWORK {
            assert!(wanted(Some(blocked(phase)), false, false), "{phase}");
            assert!(wanted(Some(blocked(phase)), true, false), "{phase} of an update");
            assert!(
                !wanted(Some(blocked(phase)), false, true),
                "the run asks by itself"
            );
        }
        assert!(!wanted(Some(blocked("storage")), false, false));
        assert!(wanted(
            Some(json!({"status": "setup-interrupted", "phase": "setup"})),
            false,
            false
        ));
    }

    #[test]
    fn one_failure_after_a_success_is_not_told_yet() {
        let trouble = || {
            Err(NetworkTrouble {
                category: "dns",
                message: "no address".to_owned(),
                next_step: String::new(),
            })
        };
        let mut debounce = Debounce::default();
        assert!(debounce.take(trouble(), 2).is_err(), "it never answered");
        assert!(debounce.take(Ok(()), 2).is_ok());
        assert!(debounce.take(trouble(), 2).is_ok());
        assert!(debounce.take(trouble(), 2).is_err());
        assert!(debounce.take(trouble(), 2).is_err());
    }
}
