//! Questions that failed: what is told of them, and which of them are expected so early (40 §3).

use super::blockers::Scene;
use super::draft::{Draft, Gates};
use super::inventory::NAMESPACES;
use super::observed::{Cluster, Objects, Observed, Reading, Trouble, TroubleKind};
use super::setup;
use super::wire::{Question, ReadingError};
use super::words::since;
use crate::findings::FindingId;

/// Objects that will not decode and are named.
const NAMED: usize = 3;

/// What failed to be read.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) errors: Vec<ReadingError>,
    pub(super) warnings: Vec<String>,
    pub(super) suppressed: Vec<String>,
    pub(super) stale: bool,
    /// Every question that has no current answer, also one that is on its way.
    pub(super) open: Vec<String>,
    told: Vec<(Question, String)>,
}

/// One question: its name on the wire, its name for an operator, why it failed, when it last did not.
struct Asked<'a> {
    signal: Question,
    title: &'static str,
    trouble: Option<&'a Trouble>,
    at: Option<jiff::Timestamp>,
    unclear: Vec<String>,
}

pub(super) fn read(seen: &Observed, has_failure: bool) -> Readings {
    let is_early = !setup::is_installed(&seen.install) && !has_failure;
    let is_down = |trouble: &Trouble| trouble.kind == TroubleKind::Unreachable;
    let api_is_down = seen.cluster.api.current().err().is_some_and(is_down);
    let mut readings = Readings::default();
    for question in questions(&seen.cluster) {
        readings.unclear(&question);
        let Some(trouble) = question.trouble else {
            continue;
        };
        let open = format!("{} are not known: {}", question.title, trouble.message);
        readings.open.push(open);
        readings.stale |= question.at.is_some() || trouble.kind != TroubleKind::NotYet;
        if trouble.kind == TroubleKind::NotYet {
            continue;
        }
        readings.errors.push(error(&question, trouble));
        if api_is_down && question.signal != Question::Api && is_down(trouble) {
            continue;
        }
        let sentence = if question.signal == Question::Api && is_down(trouble) {
            format!("Kubernetes API unreachable{}", since(trouble.since))
        } else {
            format!("{} cannot be read: {}", question.title, trouble.message)
        };
        let is_expected =
            is_early && [TroubleKind::Unreachable, TroubleKind::NotServed].contains(&trouble.kind);
        if is_expected {
            readings.suppressed.push(sentence);
        } else {
            readings.told.push((question.signal, sentence.clone()));
            readings.warnings.push(sentence);
        }
    }
    readings
}

impl Readings {
    fn unclear(&mut self, question: &Asked) {
        if question.unclear.is_empty() {
            return;
        }
        let named = question.unclear.iter().take(NAMED).cloned().collect::<Vec<_>>();
        let more = question.unclear.len().saturating_sub(NAMED);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let message = format!("{}{more}", named.join("; "));
        self.warnings
            .push(format!("Some {} cannot be understood: {message}", question.title));
        self.errors.push(ReadingError {
            signal: question.signal,
            kind: TroubleKind::Unintelligible,
            message,
            since: None,
            last_known_at: None,
        });
    }

    /// One blocker for each question that failed unexpectedly.
    pub(super) fn drafts(&self, scene: &Scene) -> Vec<Draft> {
        self.told
            .iter()
            .map(|(signal, sentence)| draft(scene, *signal, sentence))
            .collect()
    }
}

fn draft(scene: &Scene, signal: Question, sentence: &str) -> Draft {
    let cluster = &scene.seen.cluster;
    let trouble = cluster.api.current().err();
    if signal == Question::Api {
        let is_awaited = !scene.is_installed() && scene.goes_on();
        let gates = if is_awaited {
            Gates::Nothing
        } else {
            Gates::Appliance
        };
        let draft = Draft::new(FindingId::ApiUnreachable, gates, "kubernetes-api", sentence);
        let draft = draft.since(trouble.and_then(|trouble| trouble.since));
        return if scene.basis.probe.is_ready() {
            draft.means(
                "The application still answers. What runs goes on running, but nothing is watched, repaired or \
                 updated, and what is shown here is old.",
            )
        } else {
            draft
        };
    }
    let tells_of_login = [Question::Deployments, Question::StatefulSets, Question::Jobs].contains(&signal);
    let gates = if tells_of_login && scene.is_installed() {
        Gates::Appliance
    } else {
        Gates::Nothing
    };
    Draft::new(FindingId::ClusterReading, gates, signal.as_str(), sentence)
}

/// Each question that is watched, in the order of [`Question::WATCHED`].
fn questions(cluster: &Cluster) -> [Asked<'_>; 11] {
    use Question as Of;
    [
        of(Of::Api, "The Kubernetes API", &cluster.api, Vec::new()),
        objects(Of::Nodes, "Nodes", &cluster.nodes),
        objects(Of::Pods, "Pods", &cluster.pods),
        objects(Of::Deployments, "Deployments", &cluster.deployments),
        objects(Of::StatefulSets, "StatefulSets", &cluster.stateful_sets),
        objects(Of::Jobs, "Jobs", &cluster.jobs),
        objects(Of::Claims, "Claims", &cluster.claims),
        objects(Of::Sources, "Flux sources", &cluster.sources),
        objects(Of::Kustomizations, "Kustomizations", &cluster.kustomizations),
        objects(Of::HelmReleases, "Helm releases", &cluster.helm_releases),
        of(Of::Events, "Events", &cluster.events, Vec::new()),
    ]
}

fn objects<'a, T>(signal: Question, title: &'static str, reading: &'a Reading<Objects<T>>) -> Asked<'a> {
    let unclear = reading.last.unclear.iter().filter(|(key, _)| is_ours(key));
    let unclear = unclear.map(|(key, why)| format!("{key}: {why}")).collect();
    of(signal, title, reading, unclear)
}

/// Without a namespace, or in one of the appliance's: others' objects are not judged.
fn is_ours(key: &str) -> bool {
    key.split_once('/')
        .is_none_or(|(namespace, _)| NAMESPACES.contains(&namespace))
}

fn of<'a, T>(
    signal: Question,
    title: &'static str,
    reading: &'a Reading<T>,
    unclear: Vec<String>,
) -> Asked<'a> {
    Asked {
        signal,
        title,
        trouble: reading.current().err(),
        at: reading.at,
        unclear,
    }
}

fn error(question: &Asked, trouble: &Trouble) -> ReadingError {
    ReadingError {
        signal: question.signal,
        kind: trouble.kind,
        message: trouble.message.clone(),
        since: trouble.since.map(Into::into),
        last_known_at: question.at.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_asked_and_told_in_its_order() {
        let cluster = Cluster::default();
        let told = questions(&cluster).map(|question| question.signal);
        assert_eq!(told, Question::WATCHED);
    }
}
