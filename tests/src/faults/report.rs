//! What became of one disturbed install, and of many.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::trouble::Cell;

/// Longest time until the state must name what went wrong.
pub(super) const NAME_LIMIT: Duration = Duration::from_secs(30);

/// A promise that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// It came to no good end.
    Wedged,
    /// An install code was redeemed twice, or lost without need.
    DuplicateRedemption,
    /// A value of a Secret was lost or changed.
    LostSecret,
    /// The state blamed something that was not disturbed.
    Misnamed,
    /// The state named it too late, or never.
    NamedLate,
    /// The end is not that of an undisturbed install.
    DifferentEnd,
    /// What should have gone wrong did not.
    NotDisturbed,
}

/// One disturbed install.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Which.
    pub cell: Cell,
    /// What was injected, with the seconds since its beginning.
    pub injected: Vec<(f64, String)>,
    /// How often it was blocked.
    pub blocked: u32,
    /// How often the program was killed.
    pub kills: u32,
    /// How often the operator needed another install code, because an answer was lost.
    pub reissued: u32,
    /// Seconds from the first injection until the state named it; `None`: it was ridden out.
    pub named_after: Option<f64>,
    /// In which words.
    pub named_as: Option<String>,
    /// Seconds in all.
    pub took: f64,
    /// Promises that did not hold.
    pub broken: Vec<(Broken, String)>,
}

impl Report {
    /// An install of which nothing is known yet.
    pub(super) fn of(cell: &Cell) -> Self {
        Self {
            cell: cell.clone(),
            injected: Vec::new(),
            blocked: 0,
            kills: 0,
            reissued: 0,
            named_after: None,
            named_as: None,
            took: 0.0,
            broken: Vec::new(),
        }
    }

    /// Whether every promise held.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken.is_empty()
    }

    /// How it went, in a few words.
    fn outcome(&self) -> &'static str {
        match (self.is_good(), self.blocked, self.kills) {
            (false, ..) => "FAILED",
            (true, 0, 0) => "ridden out",
            (true, _, 0) => "blocked, then finished",
            (true, 0, _) => "killed, then finished",
            (true, ..) => "blocked and killed, then finished",
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let named = match (self.named_after, &self.named_as) {
            (Some(after), Some(words)) => format!("named after {after:.1} s as {words}"),
            _ => "-".to_owned(),
        };
        format!(
            "{:<46} {:<34} {:>5.1} s  {named}",
            self.cell.name,
            self.outcome(),
            self.took
        )
    }
}

/// Many of them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Installs.
    pub runs: usize,
    /// Injected faults by kind.
    pub injected: BTreeMap<String, usize>,
    /// Promises that did not hold, by kind.
    pub broken: BTreeMap<Broken, usize>,
    /// Install codes that had to be replaced, because an answer was lost.
    pub reissued: u32,
    /// Longest time until the state named a fault, in seconds.
    pub worst_naming: f64,
    /// The same for each kind of fault that was alone in its install.
    pub naming: BTreeMap<String, f64>,
}

impl Summary {
    /// The sum of all.
    #[must_use]
    pub fn of(reports: &[Report]) -> Self {
        let mut sum = Self {
            runs: reports.len(),
            ..Self::default()
        };
        for report in reports {
            for (_, kind) in &report.injected {
                *sum.injected.entry(kind.clone()).or_default() += 1;
            }
            for (kind, _) in &report.broken {
                *sum.broken.entry(*kind).or_default() += 1;
            }
            sum.reissued += report.reissued;
            let after = report.named_after.unwrap_or_default();
            sum.worst_naming = sum.worst_naming.max(after);
            if let [trouble] = report.cell.troubles.as_slice() {
                let worst = sum.naming.entry(trouble.kind()).or_default();
                *worst = worst.max(after);
            }
        }
        sum
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let count = |kind| self.broken.get(&kind).copied().unwrap_or_default();
        let faults: usize = self.injected.values().sum();
        let mut lines = vec![
            format!("runs                {}", self.runs),
            format!("faults injected     {faults}"),
        ];
        lines.extend(self.injected.iter().map(|(kind, number)| {
            let naming = self.naming.get(kind).filter(|after| **after > 0.0);
            let naming = naming.map_or_else(String::new, |after| format!("  named within {after:.1} s"));
            format!("  {kind:<24} {number:>5}{naming}")
        }));
        let promises = [
            ("wedged runs", Broken::Wedged),
            ("lost secrets", Broken::LostSecret),
            ("redeemed twice", Broken::DuplicateRedemption),
            ("different ends", Broken::DifferentEnd),
            ("misnamed faults", Broken::Misnamed),
            ("named too late", Broken::NamedLate),
            ("not disturbed", Broken::NotDisturbed),
        ];
        lines.extend(promises.map(|(what, kind)| format!("{what:<19} {}", count(kind))));
        lines.push(format!("codes replaced      {}", self.reissued));
        lines.push(format!("worst naming time   {:.1} s\n", self.worst_naming));
        lines.join("\n")
    }
}
