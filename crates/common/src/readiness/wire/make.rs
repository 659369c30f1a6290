//! Makes the document of a verdict.

use super::{
    Certificate, ClusterSection, Document, FlatTiers, Kubernetes, LoginProbeSection, Moment, NetworkSection,
    NodeRow, RecentEvent, Urls,
};
use crate::names::namespace;
use crate::readiness::observed::{Cluster, Event, LoginOutcome, Observed, Reading, TroubleKind};
use crate::readiness::verdict::Verdict;

/// Events that the page shows.
const EVENTS_SHOWN: usize = 40;

/// The judged sections of `GET /api/status`.
#[must_use]
pub fn document(seen: &Observed, verdict: &Verdict) -> Document {
    let tiers = &verdict.tiers;
    Document {
        collected_at: seen.at.into(),
        stale: verdict.stale,
        current_phase: recorded(seen, "phase", "setup"),
        status: recorded(seen, "status", "unknown"),
        rollup: verdict.rollup.clone(),
        top_blockers: verdict.blockers.clone(),
        tiers: flat(verdict),
        readiness_tiers: tiers.each().map(|(name, tier)| (name, tier.clone())).into(),
        failures: verdict.failures.clone(),
        last_recorded_error: verdict.recorded.clone(),
        components: verdict.components.clone(),
        active_operations: verdict.operations.clone(),
        recent_events: recent_events(&seen.cluster.events),
        bootstrap: verdict.bootstrap.clone(),
        urls: Urls {
            login_url: seen.install.login_url.clone(),
            status_url: seen.install.status_url.clone(),
        },
        login_probe: login_probe(seen, &verdict.login),
        network: network(seen),
        flux: verdict.flux.clone(),
        kubernetes: kubernetes(&seen.cluster, verdict),
        errors: verdict.errors.clone(),
        cluster: cluster(&seen.cluster.api),
    }
}

fn recorded(seen: &Observed, key: &str, default: &str) -> String {
    let document = seen.install.document.as_ref().ok().and_then(Option::as_ref);
    let text = document.and_then(|document| document[key].as_str());
    text.unwrap_or(default).to_owned()
}

fn flat(verdict: &Verdict) -> FlatTiers {
    let tiers = &verdict.tiers;
    FlatTiers {
        platform_ready: tiers.platform.ready,
        core_ready: tiers.core.ready,
        bootstrap_ready: tiers.bootstrap.ready,
        login_ready: tiers.login.ready,
        background_ready: tiers.background.ready,
        fully_healthy: tiers.full.ready,
        background_issues: tiers.background.reasons.clone(),
    }
}

fn recent_events(events: &Reading<Vec<Event>>) -> Vec<RecentEvent> {
    let mut newest: Vec<&Event> = events.last.iter().collect();
    newest.sort_by_key(|event| event.at);
    let from = newest.len().saturating_sub(EVENTS_SHOWN);
    newest[from..].iter().map(|event| recent(event)).collect()
}

fn recent(event: &Event) -> RecentEvent {
    let or = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
    RecentEvent {
        kind: or(&event.kind, "Normal"),
        reason: or(&event.reason, "Event"),
        namespace: event.namespace.clone(),
        involved_object: format!("{}/{}", event.about_kind, event.about_name),
        message: event.message.clone(),
        timestamp: event.at.map(Moment),
        count: event.count.max(1),
    }
}

fn login_probe(seen: &Observed, judged: &Result<(), String>) -> LoginProbeSection {
    let probe = seen.login.as_ref();
    let (status_code, location) = match probe.map(|probe| &probe.outcome) {
        Some(LoginOutcome::Answered { status, location }) => (Some(*status), location.clone()),
        Some(LoginOutcome::Silent(_)) | None => (None, None),
    };
    LoginProbeSection {
        checked: probe.is_some(),
        reachable: probe.is_some() && judged.is_ok(),
        status_code,
        location,
        url: probe.map(|probe| probe.url.clone()),
        checked_at: probe.map(|probe| probe.at.into()),
        error: probe.and(judged.as_ref().err().cloned()),
        certificate: match probe.and_then(|probe| probe.certificate_trusted) {
            Some(true) => Certificate::Trusted,
            Some(false) => Certificate::Untrusted,
            None => Certificate::None,
        },
    }
}

fn network(seen: &Observed) -> Option<NetworkSection> {
    seen.network.as_ref().map(|probe| NetworkSection {
        ok: probe.ok,
        checked_at: probe.at.into(),
        message: probe.message.clone(),
    })
}

fn kubernetes(cluster: &Cluster, verdict: &Verdict) -> Kubernetes {
    let is_ready = |node: &crate::readiness::observed::Node| {
        let ready = node.conditions.iter().find(|condition| condition.kind == "Ready");
        ready.is_some_and(|ready| ready.status == "True")
    };
    let nodes = cluster.nodes.last.known.values().map(|node| NodeRow {
        name: node.name.clone(),
        ready: is_ready(node),
    });
    let of = |wanted: &str, namespaces: &mut dyn Iterator<Item = &String>| {
        namespaces.filter(|namespace| *namespace == wanted).count()
    };
    let known = &cluster.jobs.last.known;
    let jobs = of(namespace::MSP, &mut known.values().map(|job| &job.namespace));
    let known = &cluster.helm_releases.last.known;
    let releases = of(
        namespace::ALGA_SYSTEM,
        &mut known.values().map(|release| &release.namespace),
    );
    Kubernetes {
        nodes: nodes.collect(),
        pod_count: cluster.pods.at.map(|_| cluster.pods.last.known.len()),
        job_count: cluster.jobs.at.map(|_| jobs),
        helm_release_count: cluster.helm_releases.at.map(|_| releases),
        warnings: verdict.warnings.clone(),
        suppressed_warnings: verdict.suppressed_warnings.clone(),
    }
}

fn cluster(api: &Reading<()>) -> ClusterSection {
    let trouble = api.current().err();
    ClusterSection {
        reachable: match trouble.map(|trouble| trouble.kind) {
            None => Some(true),
            Some(TroubleKind::NotYet) => None,
            Some(
                TroubleKind::Unreachable
                | TroubleKind::Forbidden
                | TroubleKind::NotServed
                | TroubleKind::Unintelligible,
            ) => Some(false),
        },
        since: trouble.and_then(|trouble| trouble.since).map(Moment),
        message: trouble.map(|trouble| trouble.message.clone()),
    }
}
