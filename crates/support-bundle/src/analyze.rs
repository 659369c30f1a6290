//! What is probably wrong, from the files of a bundle alone: the same for a run that just ended and for an archive.

mod cluster;
mod host;
mod report;
mod state;
#[cfg(test)]
mod tests;

use appliance_common::findings::FindingId;
use serde::Serialize;
use serde_json::Value;

use crate::collect::{Report, Status};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Fail,
    Warn,
    Pass,
}

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    pub(crate) id: FindingId,
    pub(crate) severity: Severity,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// `member#line`.
    pub(crate) evidence: Vec<String>,
    pub(crate) next_step: &'static str,
}

/// All of them, the likeliest cause first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Analysis {
    pub(crate) findings: Vec<Finding>,
}

/// Reads a member.
pub(crate) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is wrong, and where that is seen.
pub(crate) struct Seen {
    pub(crate) is_fail: bool,
    pub(crate) detail: String,
    pub(crate) evidence: Vec<String>,
}

/// One analyzer. They stand in the order of causes: what is first explains what comes after.
pub(crate) struct Analyzer {
    pub(crate) id: FindingId,
    pub(crate) title: &'static str,
    /// The member without which nothing can be said.
    pub(crate) needs: &'static str,
    pub(crate) next_step: &'static str,
    pub(crate) judge: fn(Read<'_>) -> Vec<Seen>,
}

/// All of them, in the order of causes.
pub(crate) fn all() -> impl Iterator<Item = &'static Analyzer> {
    host::ANALYZERS
        .iter()
        .chain(cluster::ANALYZERS)
        .chain(state::ANALYZERS)
}

/// What the analyzers look for, for a page of documentation: id, title, the member they need, what to do.
pub fn catalogue() -> impl Iterator<Item = [&'static str; 4]> {
    all().map(|one| [one.id.as_str(), one.title, one.needs, one.next_step])
}

/// Judges.
pub(crate) fn analyze(read: Read<'_>, reports: &[Report]) -> Analysis {
    let mut findings: Vec<_> = reports.iter().filter_map(unreached).collect();
    for analyzer in all() {
        if read(analyzer.needs).is_none() {
            continue;
        }
        let seen = (analyzer.judge)(read);
        let finding = |severity, detail, evidence| Finding {
            id: analyzer.id,
            severity,
            title: analyzer.title,
            detail,
            evidence,
            next_step: analyzer.next_step,
        };
        if seen.is_empty() {
            findings.push(finding(Severity::Pass, String::new(), Vec::new()));
        }
        for Seen {
            is_fail,
            detail,
            evidence,
        } in seen
        {
            let severity = if is_fail { Severity::Fail } else { Severity::Warn };
            findings.push(finding(severity, detail, evidence));
        }
    }
    // Stable: among equals the order of causes stays.
    findings.sort_by_key(|finding| finding.severity);
    Analysis { findings }
}

/// Collectors that found nobody are findings themselves.
fn unreached(report: &Report) -> Option<Finding> {
    let (id, title, next_step) = match report.name.as_str() {
        "cluster" => (
            FindingId::ApiUnreachable,
            "The Kubernetes API server does not answer",
            "On the host: systemctl status k3s; journalctl -u k3s -n 200",
        ),
        "host-agent" => (
            FindingId::HostAgentUnreachable,
            "The host agent does not answer",
            "On the host: systemctl status alga-host-agent",
        ),
        _ => return None,
    };
    matches!(report.status, Status::Failed | Status::Timeout).then(|| Finding {
        id,
        severity: if id == FindingId::ApiUnreachable {
            Severity::Fail
        } else {
            Severity::Warn
        },
        title,
        detail: report.error.clone().unwrap_or_default(),
        evidence: vec!["collectors.json".to_owned()],
        next_step,
    })
}

impl Analysis {
    /// For a person: what fails, what is odd, and how much is fine.
    pub(crate) fn text(&self) -> String {
        report::text(self)
    }

    /// What is wrong, one line each.
    pub(crate) fn headlines(&self) -> Vec<String> {
        let wrong = self
            .findings
            .iter()
            .filter(|finding| finding.severity < Severity::Pass);
        wrong
            .map(|finding| format!("{}: {}: {}", finding.id, finding.title, finding.detail))
            .collect()
    }
}

/// The objects of a member, with the number of each's line.
fn objects(read: Read<'_>, plural: &str) -> Vec<(usize, Value)> {
    let text = read(&format!("cluster/resources/{plural}.jsonl")).unwrap_or_default();
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(at, line)| Some((at + 1, serde_json::from_str(line).ok()?)))
        .collect()
}

fn at(plural: &str, line: usize) -> String {
    format!("cluster/resources/{plural}.jsonl#{line}")
}

fn name(object: &Value) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    match text("namespace") {
        namespace if namespace.is_empty() => text("name"),
        namespace => format!("{namespace}/{}", text("name")),
    }
}

/// A condition of an object.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Lines of a member that have one of these words.
fn lines_with(read: Read<'_>, member: &str, any: &[&str]) -> Vec<(String, String)> {
    let text = read(member).unwrap_or_default();
    let found = text
        .lines()
        .enumerate()
        .filter(|(_, line)| any.iter().any(|word| line.contains(word)));
    found
        .map(|(at, line)| (format!("{member}#{}", at + 1), line.chars().take(200).collect()))
        .collect()
}

fn seen(is_fail: bool, detail: String, evidence: String) -> Seen {
    Seen {
        is_fail,
        detail,
        evidence: vec![evidence],
    }
}
