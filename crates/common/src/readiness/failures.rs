//! `failures[]`: what failed, in the form and the order that the shipped product's readers know (40 §5).

use jiff::Timestamp;

use super::blockers::Scene;
use super::catalogue;
use super::network::Live;
use super::observed::NetworkProbe;
use super::retry;
use super::setup::{self, Recorded};
use super::wire::{Blocker, Failure, Severity};

/// The live look, what is recorded, then the rest by category.
pub(super) fn all(scene: &Scene, blockers: &[Blocker]) -> Vec<Failure> {
    let install = &scene.seen.install;
    let last_action = setup::document(install)["lastAction"].as_str();
    let at = scene.seen.at;
    let with_retry = |failure: Failure| Failure {
        suggested_next_step: retry::next_step(
            install.auto_retry.as_ref(),
            failure.retry_safe,
            &failure.suggested_next_step,
            at,
        ),
        auto_retry: retry::note(install.auto_retry.as_ref(), failure.retry_safe, at),
        last_action: last_action.map(str::to_owned),
        ..failure
    };
    let mut failures = Vec::new();
    if let Live::Fails(probe) = scene.live {
        failures.push(with_retry(live(probe, scene.recorded)));
    }
    if let Some(recorded) = scene.recorded {
        match scene.live {
            Live::Resolves(probe) => failures.push(with_retry(resolved(recorded, probe.at))),
            Live::Fails(_) if setup::is_of_network(recorded) => {}
            Live::Fails(_) | Live::Silent => failures.push(with_retry(of_record(recorded))),
        }
    }
    failures.extend(of_blockers(scene, blockers, last_action));
    failures
}

fn live(probe: &NetworkProbe, recorded: Option<&Recorded>) -> Failure {
    Failure {
        category: probe.category.to_owned(),
        phase: recorded
            .map_or(probe.category, |recorded| recorded.phase.as_str())
            .to_owned(),
        suspected_cause: probe.message.clone(),
        suggested_next_step: probe.next_step.clone(),
        checked_at: Some(probe.at.into()),
        ..empty()
    }
}

/// Whatever it was, it was of the network, and the network answers.
fn resolved(recorded: &Recorded, checked_at: Timestamp) -> Failure {
    Failure {
        category: "network".to_owned(),
        suggested_next_step: retry::PASSED.to_owned(),
        resolved: true,
        checked_at: Some(checked_at.into()),
        ..of_record(recorded)
    }
}

fn of_record(recorded: &Recorded) -> Failure {
    let own = |key: &str| Some(recorded.text(key).to_owned()).filter(|text| !text.is_empty());
    let message = super::blockers::message(recorded);
    Failure {
        category: recorded.category.clone(),
        phase: recorded.phase.clone(),
        step: own("step"),
        code: own("code"),
        suspected_cause: own("suspectedCause").unwrap_or_else(|| message.clone()),
        message: Some(message),
        suggested_next_step: own("suggestedNextStep")
            .unwrap_or_else(|| guidance(&recorded.category).to_owned()),
        retry_safe: recorded.retry_safe,
        logs: logs(&recorded.category).map(str::to_owned).to_vec(),
        ..empty()
    }
}

fn of_blockers(scene: &Scene, blockers: &[Blocker], last_action: Option<&str>) -> Vec<Failure> {
    let is_told = |blocker: &Blocker| {
        scene
            .recorded
            .is_some_and(|recorded| recorded.category == blocker.component)
            || matches!(scene.live, Live::Fails(probe) if probe.category == blocker.component)
    };
    let mut failures: Vec<Failure> = Vec::new();
    for blocker in blockers.iter().filter(|blocker| !is_told(blocker)) {
        let category = category(blocker);
        match failures.iter_mut().find(|failure| failure.category == category) {
            Some(failure) => {
                failure.suspected_cause = format!("{}; {}", failure.suspected_cause, blocker.reason);
            }
            None => failures.push(Failure {
                category: category.to_owned(),
                phase: category.to_owned(),
                last_action: last_action.map(str::to_owned),
                suspected_cause: blocker.reason.clone(),
                suggested_next_step: blocker.next_action.clone(),
                logs: logs(category).map(str::to_owned).to_vec(),
                ..empty()
            }),
        }
    }
    failures
}

fn category(blocker: &Blocker) -> &'static str {
    if blocker.severity == Severity::Background {
        return "background-services";
    }
    catalogue::find(blocker.id).map_or("app-readiness", |(_, entry)| entry.layer.category())
}

fn empty() -> Failure {
    Failure {
        category: String::new(),
        phase: String::new(),
        step: None,
        message: None,
        code: None,
        last_action: None,
        suspected_cause: String::new(),
        suggested_next_step: String::new(),
        retry_safe: true,
        logs: Vec::new(),
        resolved: false,
        checked_at: None,
        auto_retry: None,
    }
}

/// What to do about a category, where the record does not say (40 §5).
fn guidance(category: &str) -> &'static str {
    match category {
        "dns" => "Check the DNS servers that were entered, and internal DNS.",
        "network" => "Check outbound HTTPS, the proxy and what filters traffic.",
        "registry-release-source" => "Check that the registry is reached and that the channel exists.",
        "licensing" => "Enter another install code.",
        "k3s" => "Read what k3s says on the box: systemctl status k3s.",
        "flux" => "Read what Flux' controllers say, then try again.",
        "storage" => "Check the disk and the StorageClass local-path.",
        "app-bootstrap" => "Read the log of the bootstrap Job and check what it needs.",
        "background-services" => "Read the workers' logs; users may be able to log in.",
        _ => "Look at pods, events and blockers below.",
    }
}

/// Two commands that show more.
fn logs(category: &str) -> [&'static str; 2] {
    match category {
        "dns" | "network" | "registry-release-source" | "licensing" => [
            "kubectl -n alga-appliance-control-plane logs deploy/appliance-control-plane --tail=200",
            "resolvectl status",
        ],
        "k3s" => ["systemctl status k3s", "journalctl -u k3s -n 200"],
        "flux" => [
            "kubectl -n flux-system get ocirepositories,kustomizations",
            "kubectl -n flux-system logs deploy/helm-controller --tail=200",
        ],
        "storage" => ["kubectl get storageclass,pv,pvc -A", "df -h /var/mnt/alga-data"],
        "app-bootstrap" => [
            "kubectl -n msp get jobs",
            "kubectl -n msp logs job/alga-core-sebastian-bootstrap --tail=200",
        ],
        _ => [
            "kubectl -n msp get pods -o wide",
            "kubectl -n msp get events --sort-by=.lastTimestamp",
        ],
    }
}
