//! What the published status document says, as a sample.

use appliance_common::readiness::observed::TroubleKind;
use appliance_common::readiness::wire::{Blocker, ClusterSection, Question, ReadingError, Rollup};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::metrics::{BlockerSample, StatusSample, TierSample, WatchSample};
use crate::status::{Document, Status};

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

/// A question that failed says how old its answer is; the others are as old as the newest sign of life. Where
/// only some objects of a kind cannot be understood, the kind itself is current.
fn watches(errors: &[ReadingError], age_seconds: f64, now: Timestamp) -> Vec<WatchSample> {
    let watch = |question: Question| {
        let failed = errors
            .iter()
            .find(|error| error.signal == question && error.kind != TroubleKind::Unintelligible);
        WatchSample {
            kind: question.as_str().to_owned(),
            current: failed.is_none(),
            age_seconds: match failed {
                None => Some(age_seconds),
                Some(error) => error
                    .last_known_at
                    .map(|at| now.duration_since(at.0).as_secs_f64().max(0.0)),
            },
        }
    };
    Question::WATCHED.into_iter().map(watch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_current_unless_its_question_failed() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let error = |signal: Question, kind: TroubleKind, at: Option<&str>| ReadingError {
            signal,
            kind,
            message: String::new(),
            since: None,
            last_known_at: at.map(|at| at.parse::<Timestamp>().unwrap().into()),
        };
        let errors = [
            error(
                Question::Pods,
                TroubleKind::Unreachable,
                Some("2026-01-01T00:00:30Z"),
            ),
            error(Question::Nodes, TroubleKind::Forbidden, None),
            error(Question::Jobs, TroubleKind::Unintelligible, None),
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
        assert_eq!(found.len(), Question::WATCHED.len());
    }
}
