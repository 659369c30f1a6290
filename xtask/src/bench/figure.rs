//! One measured figure beside its goal.

use std::fmt::Write;

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Only told.
    None,
}

/// A figure and every run of it.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    pub(crate) runs: Vec<f64>,
}

impl Figure {
    fn median(&self) -> f64 {
        let mut sorted = self.runs.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    fn reached(&self) -> Option<bool> {
        match self.goal {
            Goal::AtMost(most) => Some(self.median() <= most),
            Goal::AtLeast(least) => Some(self.median() >= least),
            Goal::None => None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let goal = match self.goal {
            Goal::AtMost(most) => json!({"atMost": most}),
            Goal::AtLeast(least) => json!({"atLeast": least}),
            Goal::None => Value::Null,
        };
        json!({
            "what": self.what,
            "unit": self.unit,
            "measured": self.median(),
            "goal": goal,
            "reached": self.reached(),
            "runs": self.runs,
        })
    }
}

/// A line for each figure.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = format!("{:<38} {:>18} {:>20}  reached", "what", "measured", "goal");
    for figure in figures {
        let unit = figure.unit;
        let goal = match figure.goal {
            Goal::AtMost(most) => format!("≤ {} {unit}", number(most)),
            Goal::AtLeast(least) => format!("≥ {} {unit}", number(least)),
            Goal::None => "–".to_owned(),
        };
        let reached = match figure.reached() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        let measured = format!("{} {unit}", number(figure.median()));
        // Writing to a string does not fail.
        let _ = write!(text, "\n{:<38} {measured:>18} {goal:>20}  {reached}", figure.what);
    }
    text
}

/// Three digits that say something.
fn number(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(goal: Goal, runs: &[f64]) -> Figure {
        Figure {
            what: "idle RSS",
            unit: "MiB",
            goal,
            runs: runs.to_vec(),
        }
    }

    #[test]
    fn the_median_is_what_is_compared() {
        assert_eq!(
            figure(Goal::AtMost(10.0), &[30.0, 1.0, 9.0]).reached(),
            Some(true)
        );
        assert_eq!(
            figure(Goal::AtMost(10.0), &[30.0, 1.0, 11.0, 12.0]).reached(),
            Some(false)
        );
        assert_eq!(
            figure(Goal::AtLeast(10.0), &[30.0, 1.0, 9.0]).reached(),
            Some(false)
        );
        assert_eq!(figure(Goal::None, &[1.0]).reached(), None);
    }

    #[test]
    fn the_table_has_the_goal_beside_each_figure() {
        let figures = [
            figure(Goal::AtMost(10.0), &[7.25]),
            figure(Goal::AtLeast(50_000.0), &[40_123.4]),
        ];
        let table = table(&figures);
        let lines: Vec<_> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "what measured goal reached",
                "idle RSS 7.2 MiB ≤ 10 MiB yes",
                "idle RSS 40123 MiB ≥ 50000 MiB NO"
            ]
        );
    }
}
