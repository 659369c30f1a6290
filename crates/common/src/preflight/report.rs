//! What a run of the checks found, in the form that goes to documents and clients.

use jiff::Timestamp;
use serde::Serialize;

use super::checks::{Check, Group, Severity, catalogue};
use super::facts::{Facts, View};
use super::verdict::{Gap, Level};
use crate::clock::iso_millis;
use crate::findings::FindingId;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = CheckOutcome))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// Odd, but it does not stop anything.
    Warn,
    /// It stops an install, unless it is waived.
    Fail,
    /// It could not be measured; that is never a pass, and stops nothing.
    Unknown,
    /// It does not apply here.
    Skipped,
}

/// One check with its result; all a person needs to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Check))]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// Stable id.
    pub id: FindingId,
    /// What it is about.
    pub group: Group,
    /// Its name.
    pub title: &'static str,
    /// What a failure does.
    pub severity: Severity,
    /// Whether a failure cannot be waived.
    pub strict: bool,
    /// How it came out.
    pub outcome: Outcome,
    /// What was measured, or why it was not.
    pub measured: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// What the host could do by itself, where that is safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_fix: Option<&'static str>,
    /// Whether the operator chose to go on in spite of it.
    pub waived: bool,
}

impl CheckResult {
    /// Whether it stops an install.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.outcome == Outcome::Fail && (self.strict || !self.waived)
    }

    /// The finding in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.measured.starts_with(self.title) {
            return self.measured.clone();
        }
        format!("{}: {}", self.title, self.measured)
    }

    fn of(check: &Check, facts: &Facts, waived: &[FindingId]) -> Self {
        let (outcome, measured) = judge(check, facts);
        Self {
            id: check.id,
            group: check.group,
            title: check.title,
            severity: check.severity,
            strict: check.strict,
            outcome,
            measured,
            why: check.why,
            fix: check.fix,
            automatic_fix: check.automatic_fix,
            waived: !check.strict && waived.contains(&check.id),
        }
    }
}

fn judge(check: &Check, facts: &Facts) -> (Outcome, String) {
    if let Some(reason) = check.does_not_apply(facts.stage) {
        return (Outcome::Skipped, reason.to_owned());
    }
    match (check.judge)(facts) {
        Ok(verdict) => match (verdict.level, check.severity) {
            (Level::Good, _) => (Outcome::Pass, verdict.measured),
            // What a container sees of its host is a hint: limits, masked paths and namespaces are its own.
            (Level::Bad, Severity::Block)
                if check.group.is_of_host() && facts.host.view == View::Container =>
            {
                let measured = format!("{} (seen from inside a container)", verdict.measured);
                (Outcome::Warn, measured)
            }
            (Level::Bad, Severity::Block) => (Outcome::Fail, verdict.measured),
            (Level::Odd, _) | (Level::Bad, Severity::Warn) => (Outcome::Warn, verdict.measured),
        },
        Err(Gap::Unknown(reason)) => (Outcome::Unknown, reason),
        Err(Gap::Skipped(reason)) => (Outcome::Skipped, reason),
    }
}

/// The results of one run.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When the readings were taken; ISO-8601.
    pub checked_at: String,
    /// One result for each check of the catalogue, the worst first.
    pub checks: Vec<CheckResult>,
    /// The same time, for those who compute with it.
    #[serde(skip)]
    pub at: Timestamp,
}

impl Report {
    /// Judges facts.
    #[must_use]
    pub fn of(facts: &Facts, waived: &[FindingId]) -> Self {
        let mut checks: Vec<_> = catalogue()
            .map(|check| CheckResult::of(check, facts, waived))
            .collect();
        checks.sort_by_key(rank);
        Self {
            checked_at: iso_millis(facts.at),
            checks,
            at: facts.at,
        }
    }

    /// One check's result.
    #[must_use]
    pub fn check(&self, id: FindingId) -> Option<&CheckResult> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// What stops an install, the worst first.
    pub fn blockers(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().filter(|check| check.blocks())
    }

    /// How many came out so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks
            .iter()
            .filter(|check| check.outcome == outcome)
            .count()
    }
}

/// Failures that cannot be waived first, then the others, then what is odd; the catalogue's order within.
fn rank(check: &CheckResult) -> u8 {
    match (check.outcome, check.strict) {
        (Outcome::Fail, true) => 0,
        (Outcome::Fail, false) if !check.waived => 1,
        (Outcome::Fail, false) => 2,
        (Outcome::Warn, _) => 3,
        (Outcome::Unknown, _) => 4,
        (Outcome::Pass, _) => 5,
        (Outcome::Skipped, _) => 6,
    }
}
