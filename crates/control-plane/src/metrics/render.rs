//! A sample as text, in the exposition format that Prometheus reads. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::{ProcessSample, Requests, Sample, StatusSample};

/// Signals of a tier.
const SIGNALS: [&str; 3] = ["ready", "not_ready", "unknown"];
/// States of the setup run.
const RUN_STATES: [&str; 8] = [
    "empty",
    "queued",
    "running",
    "blocked",
    "interrupted",
    "cancelled",
    "complete",
    "unknown",
];
/// States of a step.
const STEP_STATES: [&str; 6] = ["pending", "running", "done", "failed", "interrupted", "cancelled"];
/// Words of the verdict.
const ROLLUPS: [&str; 5] = [
    "fully_healthy",
    "ready_to_log_in",
    "ready_with_background_issues",
    "installing",
    "blocked",
];
/// Severities of a blocker.
const SEVERITIES: [&str; 3] = ["critical", "warning", "background"];

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// The text of a sample and of the requests so far.
///
/// # Errors
/// None that memory does not cause.
pub fn render(sample: &Sample, requests: &Requests) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    build(&mut registry);
    setup(&mut registry, sample);
    if let Some(status) = &sample.status {
        self::status(&mut registry, status);
    }
    process(&mut registry, &sample.process);
    registry.register(
        "alga_http_request_duration_seconds",
        "Time from a request to the head of its answer",
        requests.0.clone(),
    );
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn build(registry: &mut Registry) {
    let info = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("alga_build", "What runs here", info);
}

fn setup(registry: &mut Registry, sample: &Sample) {
    let run = family(
        registry,
        "alga_setup_run",
        "State of the setup run: 1 for the one it is in",
    );
    one_of(&run, &[], "state", &RUN_STATES, &sample.run);
    let steps = family(
        registry,
        "alga_setup_step",
        "State of each step of setup: 1 for the one it is in",
    );
    for step in &sample.steps {
        one_of(
            &steps,
            &[("step", step.id.clone())],
            "state",
            &STEP_STATES,
            &step.state,
        );
    }
}

fn status(registry: &mut Registry, status: &StatusSample) {
    let rollup = family(
        registry,
        "alga_rollup",
        "The verdict on the appliance: 1 for the one that holds",
    );
    one_of(&rollup, &[], "state", &ROLLUPS, &status.rollup);
    let tiers = family(
        registry,
        "alga_tier",
        "Readiness of each tier: 1 for the signal it gives",
    );
    for tier in &status.tiers {
        one_of(
            &tiers,
            &[("tier", tier.tier.clone())],
            "signal",
            &SIGNALS,
            &tier.signal,
        );
    }
    blockers(registry, status);
    let current = family(
        registry,
        "alga_watch_current",
        "Whether what a watch of the cluster holds is current",
    );
    let age = family(
        registry,
        "alga_watch_age_seconds",
        "How long ago a watch was last certain",
    );
    for watch in &status.watches {
        let label = vec![("kind", watch.kind.clone())];
        set(&current, &label, f64::from(u8::from(watch.current)));
        if let Some(seconds) = watch.age_seconds {
            set(&age, &label, seconds);
        }
    }
    if let Some(reachable) = status.cluster_reachable {
        let value = f64::from(u8::from(reachable));
        gauge(
            registry,
            "alga_cluster_reachable",
            "Whether the API server answers",
            value,
        );
    }
    gauge(
        registry,
        "alga_status_age_seconds",
        "Age of the newest confirmed observation",
        status.age_seconds,
    );
}

/// A severity without blockers is 0, so that an alert on it can end.
fn blockers(registry: &mut Registry, status: &StatusSample) {
    let mut counts: BTreeMap<&str, u32> = SEVERITIES.map(|severity| (severity, 0)).into();
    let mut by_id: BTreeMap<_, u32> = BTreeMap::new();
    for blocker in &status.blockers {
        *counts.entry(&blocker.severity).or_default() += 1;
        *by_id.entry(blocker).or_default() += 1;
    }
    let all = family(registry, "alga_blockers", "How much is wrong");
    for (severity, count) in counts {
        set(&all, &vec![("severity", severity.to_owned())], f64::from(count));
    }
    let each = family(
        registry,
        "alga_blocker",
        "What is wrong, by its id in the catalogue",
    );
    for (blocker, count) in by_id {
        let labels = vec![("id", blocker.id.clone()), ("severity", blocker.severity.clone())];
        set(&each, &labels, f64::from(count));
    }
}

fn process(registry: &mut Registry, process: &ProcessSample) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the format has floating-point numbers only"
    )]
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Memory in use",
            process.resident_bytes.map(|bytes| bytes as f64),
        ),
        (
            "process_open_fds",
            "Open files and sockets",
            process.open_fds.map(|count| count as f64),
        ),
        (
            "process_max_fds",
            "Limit of open files and sockets",
            process.max_fds.map(|count| count as f64),
        ),
        (
            "process_start_time_seconds",
            "When the process began, since 1970",
            Some(process.started_at_seconds),
        ),
        (
            "alga_uptime_seconds",
            "How long the process has been running",
            Some(process.uptime_seconds),
        ),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            gauge(registry, name, help, value);
        }
    }
    if let Some(seconds) = process.cpu_seconds {
        let counter = Counter::<f64, AtomicU64>::default();
        counter.inc_by(seconds);
        registry.register("process_cpu_seconds", "Time on a processor", counter);
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Gauge::<f64, AtomicU64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn family(registry: &mut Registry, name: &str, help: &str) -> Gauges {
    let family = Gauges::default();
    registry.register(name, help, family.clone());
    family
}

fn set(family: &Gauges, labels: &Labels, value: f64) {
    family.get_or_create(labels).set(value);
}

/// 1 for the word that holds and 0 for the others; a word that is new here is added, not lost.
fn one_of(
    family: &Gauges,
    labels: &[(&'static str, String)],
    key: &'static str,
    words: &[&str],
    holds: &str,
) {
    let new = (!words.contains(&holds)).then_some(holds);
    for word in words.iter().copied().chain(new) {
        let mut all = labels.to_vec();
        all.push((key, word.to_owned()));
        set(family, &all, f64::from(u8::from(word == holds)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{BlockerSample, StepSample, TierSample, WatchSample};
    use super::*;

    fn text(sample: &Sample) -> String {
        render(sample, &Requests::default()).unwrap()
    }

    #[test]
    fn of_the_states_of_a_run_exactly_one_holds() {
        let sample = Sample {
            run: "blocked".to_owned(),
            steps: vec![StepSample {
                id: "storage".to_owned(),
                state: "failed".to_owned(),
            }],
            ..Sample::default()
        };
        let text = text(&sample);
        let held: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("alga_setup_run{"))
            .collect();
        assert_eq!(held.len(), RUN_STATES.len());
        assert_eq!(held.iter().filter(|line| line.ends_with(" 1.0")).count(), 1);
        assert!(text.contains("alga_setup_run{state=\"blocked\"} 1.0\n"), "{text}");
        assert!(text.contains("alga_setup_step{step=\"storage\",state=\"failed\"} 1.0\n"));
        assert!(
            !text.contains("alga_tier"),
            "nothing was observed: nothing is said"
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_status_is_tiers_blockers_and_watches() {
        let blocker = |id: &str| BlockerSample {
            id: id.to_owned(),
            severity: "critical".to_owned(),
        };
        let status = StatusSample {
            rollup: "blocked".to_owned(),
            tiers: vec![TierSample {
                tier: "core".to_owned(),
                signal: "unknown".to_owned(),
            }],
            blockers: vec![blocker("disk-full"), blocker("disk-full")],
            watches: vec![WatchSample {
                kind: "Pod".to_owned(),
                current: false,
                age_seconds: None,
            }],
            cluster_reachable: Some(true),
            age_seconds: 1.5,
        };
        let text = text(&Sample {
            status: Some(status),
            ..Sample::default()
        });
        for line in [
            "alga_rollup{state=\"blocked\"} 1.0",
            "alga_tier{tier=\"core\",signal=\"ready\"} 0.0",
            "alga_tier{tier=\"core\",signal=\"unknown\"} 1.0",
            "alga_blockers{severity=\"critical\"} 2.0",
            "alga_blockers{severity=\"background\"} 0.0",
            "alga_blocker{id=\"disk-full\",severity=\"critical\"} 2.0",
            "alga_watch_current{kind=\"Pod\"} 0.0",
            "alga_cluster_reachable 1.0",
            "alga_status_age_seconds 1.5",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(!text.contains("alga_watch_age_seconds{"));
        let page = include_str!("../../../../docs/metrics.md");
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = name.split(' ').next().unwrap_or_default();
            assert!(
                page.contains(&format!("`{name}")),
                "{name} is not in docs/metrics.md"
            );
        }
    }

    #[test]
    fn requests_are_counted_by_route_and_class_and_never_by_what_was_written() {
        let requests = Requests::default();
        for (route, status) in [
            (Some("/api/status"), 200),
            (Some("/api/status"), 304),
            (None, 404),
        ] {
            requests.answered(route, status, Duration::from_millis(1));
        }
        let text = render(&Sample::default(), &requests).unwrap();
        for line in [
            "alga_http_request_duration_seconds_count{route=\"/api/status\",status=\"2xx\"} 1",
            "alga_http_request_duration_seconds_count{route=\"/api/status\",status=\"3xx\"} 1",
            "alga_http_request_duration_seconds_count{route=\"none\",status=\"4xx\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
    }
}
