//! What the published status document says, as a sample.

use appliance_common::readiness::wire::{Blocker, ClusterSection, ReadingError, Rollup};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::metrics::{BlockerSample, StatusSample, TierSample, WatchSample};
use crate::status::{Document, Status};

/// What is watched, by the names that failed questions have in the document's `errors`.
const WATCHED: [&str; 11] = [
    "api",
    "nodes",
    "pods",
    "deployments",
    "statefulSets",
    "jobs",
    "claims",
    "sources",
    "kustomizations",
    "helmReleases",
    "events",
];

/// Some objects of a kind cannot be understood; the kind itself is current.
const UNINTELLIGIBLE: &str = "unintelligible";

/// The newest document; `None` when it does not say what it should.
pub(super) fn sample(status: &Status, now: Timestamp) -> Option<StatusSample> {
    let document = status.latest();
    let age_seconds = status.age(&document).as_secs_f64();
    let errors: Vec<ReadingError> = section(&document, "errors")?;
    let tiers: Map<String, Value> = section(&document, "readinessTiers")?;
    let blockers: Vec<Blocker> = section(&document, "topBlockers")?;
    let rollup: Rollup = section(&document, "rollup")?;
    let cluster: ClusterSection = section(&document, "cluster")?;
    Some(StatusSample {
        rollup: word(&rollup.state),
        tiers: tiers
            .into_iter()
            .map(|(tier, says)| TierSample {
                tier,
                signal: says["signal"].as_str().unwrap_or_default().to_owned(),
            })
            .collect(),
        blockers: blockers
            .iter()
            .map(|blocker| BlockerSample {
                id: blocker.id.as_str().to_owned(),
                severity: word(&blocker.severity),
            })
            .collect(),
        watches: watches(&errors, age_seconds, now),
        cluster_reachable: cluster.reachable,
        age_seconds,
    })
}

fn section<T: DeserializeOwned>(document: &Document, key: &str) -> Option<T> {
    serde_json::from_value(document.value(key)?).ok()
}

/// A unit variant as it is written.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// A question that failed says how old its answer is; the others are as old as the newest sign of life.
fn watches(errors: &[ReadingError], age_seconds: f64, now: Timestamp) -> Vec<WatchSample> {
    let failed = |kind: &str| {
        errors
            .iter()
            .find(|error| error.signal == kind && error.kind != UNINTELLIGIBLE)
    };
    WATCHED
        .into_iter()
        .map(|kind| WatchSample {
            kind: kind.to_owned(),
            current: failed(kind).is_none(),
            age_seconds: match failed(kind) {
                None => Some(age_seconds),
                Some(error) => error
                    .last_known_at
                    .map(|at| now.duration_since(at.0).as_secs_f64().max(0.0)),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_current_unless_its_question_failed() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let error = |signal: &str, kind: &str, at: Option<&str>| ReadingError {
            signal: signal.to_owned(),
            kind: kind.to_owned(),
            message: String::new(),
            since: None,
            last_known_at: at.map(|at| at.parse::<Timestamp>().unwrap().into()),
        };
        let errors = [
            error("pods", "unreachable", Some("2026-01-01T00:00:30Z")),
            error("nodes", "forbidden", None),
            error("jobs", "unintelligible", None),
        ];
        let found = watches(&errors, 2.0, now);
        let of = |kind: &str| {
            let watch = found.iter().find(|watch| watch.kind == kind).unwrap();
            (watch.current, watch.age_seconds)
        };
        assert_eq!(of("pods"), (false, Some(30.0)));
        assert_eq!(of("nodes"), (false, None));
        assert_eq!(of("jobs"), (true, Some(2.0)));
        assert_eq!(of("events"), (true, Some(2.0)));
        assert_eq!(found.len(), WATCHED.len());
    }
}
