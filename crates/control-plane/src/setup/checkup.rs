//! Checks of host and network: at the operator's word, as part of preflight, and as a watch afterwards.
//!
//! Nothing here writes to the cluster or to a state file. The last report is in memory; what preflight found
//! at the install is in the state document, and the watch compares with that.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use appliance_common::agent_api::AgentClient;
use appliance_common::agent_api::HostFacts;
use appliance_common::clock::{Clock, iso_millis};
use appliance_common::findings::FindingId;
use appliance_common::outbound::{DnsPolicy, OutboundSettings};
use appliance_common::preflight::network::Targets;
use appliance_common::preflight::{self, Outcome, Report, Scope, Stage};
use appliance_common::random;
use appliance_common::release::reference::Reference;
use appliance_common::release::registry::{Registry, RegistrySettings};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::Setup;
use super::context::SetupSettings;
use super::failure::Blame;
use super::inputs::NetworkAnswers;
use super::steps::registry_failure;

/// Longest time the host agent may take: it answers from memory, over a socket of this machine.
const AGENT_LIMIT: Duration = Duration::from_secs(1);
/// Part of the interval by which two boxes drift apart, in percent.
const JITTER_PERCENT: u32 = 20;

/// A run of the checks is under way.
#[derive(Debug)]
pub struct Busy;

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Checkup(Arc<Inner>);

struct Inner {
    setup: Setup,
    clock: Clock,
    one_at_a_time: tokio::sync::Mutex<()>,
    last: Mutex<Option<Asked>>,
    drift: Mutex<Option<Drift>>,
    watch: Mutex<Option<JoinHandle<()>>>,
}

/// What was found at the operator's word.
#[derive(Debug, Clone)]
struct Asked {
    report: Report,
    release: Value,
}

/// How the host differs from what it was at the install.
#[derive(Debug, Clone)]
struct Drift {
    at: Timestamp,
    changed: Vec<Value>,
}

impl fmt::Debug for Checkup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkup").finish_non_exhaustive()
    }
}

impl Checkup {
    /// A handle that has checked nothing yet.
    #[must_use]
    pub fn new(setup: Setup, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            setup,
            clock,
            one_at_a_time: tokio::sync::Mutex::default(),
            last: Mutex::default(),
            drift: Mutex::default(),
            watch: Mutex::default(),
        }))
    }

    /// Checks host, network and release now.
    ///
    /// # Errors
    /// [`Busy`] while another run is under way.
    pub async fn run(&self, answers: &NetworkAnswers) -> Result<Value, Busy> {
        let _running = self.0.one_at_a_time.try_lock().map_err(|_| Busy)?;
        let settings = self.0.setup.settings();
        let dns = answers.dns.policy();
        let (report, release) = tokio::join!(
            check(settings, dns, &answers.waived_checks, &self.0.clock),
            resolve(settings, dns, &answers.reference),
        );
        *locked(&self.0.last) = Some(Asked { report, release });
        Ok(self.last())
    }

    /// The last report with its age, what preflight recorded, and how the host has changed since.
    #[must_use]
    pub fn last(&self) -> Value {
        let now = self.0.clock.now();
        let age = |at: Timestamp| now.duration_since(at).as_secs().max(0);
        let asked = locked(&self.0.last).clone();
        let drift = locked(&self.0.drift).clone();
        let changed = drift
            .as_ref()
            .map(|drift| drift.changed.clone())
            .unwrap_or_default();
        json!({
            "report": asked.as_ref().map(|asked| &asked.report),
            "release": asked.as_ref().map(|asked| &asked.release),
            "ageSeconds": asked.as_ref().map(|asked| age(asked.report.at)),
            "recorded": self.recorded(),
            "drift": !changed.is_empty(),
            "changed": changed,
            "driftCheckedAt": drift.map(|drift| iso_millis(drift.at)),
        })
    }

    /// Begins to look again at intervals, once the application is installed.
    pub fn watch(&self) {
        let interval = self.0.setup.settings().preflight.drift_interval;
        if interval.is_zero() {
            return;
        }
        let this = self.clone();
        let watching = tokio::spawn(async move {
            loop {
                tokio::time::sleep(jittered(interval)).await;
                this.look().await;
            }
        });
        *locked(&self.0.watch) = Some(watching);
    }

    /// Ends the watch.
    pub fn stop(&self) {
        if let Some(watching) = locked(&self.0.watch).take() {
            watching.abort();
        }
    }

    /// Checks the host, without the network and without writing, and compares with the install.
    pub async fn look(&self) {
        let installed = self
            .0
            .setup
            .selection()
            .is_some_and(|selection| selection.installed_at.is_some());
        let Some(before) = self.recorded().filter(|_| installed) else {
            return;
        };
        let settings = self.0.setup.settings();
        let scope = Scope {
            network: None,
            times_writes: false,
            ..scope(settings, &DnsPolicy::System, &[]).await
        };
        let report = preflight::run(&scope, &self.0.clock).await;
        let changed = changed(&before, &report);
        if !changed.is_empty() {
            tracing::warn!(
                count = changed.len(),
                "the host is no longer as it was at the install"
            );
        }
        *locked(&self.0.drift) = Some(Drift {
            at: report.at,
            changed,
        });
    }

    /// The checks that the state document keeps of the install.
    fn recorded(&self) -> Option<Value> {
        let mut state = self.0.setup.install_state().ok().flatten()?;
        Some(state["preflight"]["checks"].take()).filter(Value::is_array)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the checks for these DNS servers.
pub(super) async fn check(
    settings: &SetupSettings,
    dns: &DnsPolicy,
    waived: &[FindingId],
    clock: &Clock,
) -> Report {
    preflight::run(&scope(settings, dns, waived).await, clock).await
}

async fn scope(settings: &SetupSettings, dns: &DnsPolicy, waived: &[FindingId]) -> Scope {
    let state_dir = settings.state_file.parent().unwrap_or(&settings.state_file);
    Scope {
        host_root: settings.preflight.host_root.clone(),
        state_dir: state_dir.to_owned(),
        stage: Stage::InCluster,
        network: targets(settings, dns),
        times_writes: settings.preflight.times_writes,
        told: told(settings).await,
        waived: waived.to_vec(),
    }
}

fn targets(settings: &SetupSettings, dns: &DnsPolicy) -> Option<Targets> {
    let registry = registry(settings, dns)?;
    Some(Targets {
        registry: registry.endpoint().parse().ok()?,
        license_service: settings.preflight.license_service.clone(),
        outbound: OutboundSettings {
            dns: dns.clone(),
            proxy: settings.registry.proxy.clone(),
            ca_bundle: settings.registry.ca_bundle.clone(),
        },
        request_limit: settings.registry.timeout,
    })
}

fn registry(settings: &SetupSettings, dns: &DnsPolicy) -> Option<Registry> {
    let settings = RegistrySettings {
        dns: dns.clone(),
        ..settings.registry.clone()
    };
    let opened = Registry::open(settings);
    opened
        .inspect_err(|error| tracing::warn!(%error, "the registry's settings cannot be used"))
        .ok()
}

/// What the host agent knows; without one, the host's files tell what they can.
async fn told(settings: &SetupSettings) -> Option<HostFacts> {
    let agent = AgentClient::at(&settings.preflight.host_agent_socket).with_limit(AGENT_LIMIT);
    let facts = agent.host_facts().await;
    facts
        .inspect_err(|error| tracing::debug!(%error, "the host agent was not asked"))
        .ok()
}

/// Whether the release that is wanted is there, in a form for the wizard.
async fn resolve(settings: &SetupSettings, dns: &DnsPolicy, reference: &Reference) -> Value {
    let asked = async {
        let registry = registry(settings, dns)?;
        Some(registry.resolve(reference).await)
    };
    match tokio::time::timeout(preflight::LIMIT, asked).await {
        Ok(Some(Ok(resolved))) => json!({
            "ok": true,
            "reference": reference.to_string(),
            "version": resolved.release.version.as_str(),
        }),
        Ok(Some(Err(error))) => json!({
            "ok": false,
            "reference": reference.to_string(),
            "failure": registry_failure(Blame::ResolveReleaseManifest, &error),
        }),
        Ok(None) | Err(_) => json!({"ok": Value::Null, "reference": reference.to_string()}),
    }
}

/// The report as the state document keeps it: what passed by its id alone.
pub(super) fn brief(report: &Report) -> Value {
    let line = |check: &preflight::CheckResult| match check.outcome {
        Outcome::Pass => json!({"id": check.id, "outcome": check.outcome}),
        _ if check.waived => {
            json!({"id": check.id, "outcome": check.outcome, "measured": check.measured, "waived": true})
        }
        _ => json!({"id": check.id, "outcome": check.outcome, "measured": check.measured}),
    };
    report.checks.iter().map(line).collect()
}

/// Checks of the host that came out otherwise than at the install. What was or is unknown tells nothing.
fn changed(before: &Value, now: &Report) -> Vec<Value> {
    let known = |outcome: &Value| outcome != "unknown" && outcome != "skipped";
    let of_host = now.checks.iter().filter(|check| check.group.is_of_host());
    of_host
        .filter_map(|check| {
            let recorded = before
                .as_array()?
                .iter()
                .find(|line| line["id"] == check.id.as_str())?;
            let (was, is) = (&recorded["outcome"], json!(check.outcome));
            (known(was) && known(&is) && *was != is).then(|| {
                json!({
                    "id": check.id, "title": check.title, "before": was, "now": is,
                    "measured": check.measured, "fix": check.fix,
                })
            })
        })
        .collect()
}

/// A fleet that was switched on together must not look all at once.
fn jittered(interval: Duration) -> Duration {
    let [part] = random::bytes::<1>();
    interval + interval * JITTER_PERCENT / 100 * u32::from(part) / 255
}
