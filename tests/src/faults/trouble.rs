//! What goes wrong in one install: a cell of the table, or a random mix.

use std::fmt;

use appliance_control_plane::setup::plan::StepId;
use serde::Serialize;
use serde_json::Value;

use super::disk::DiskFault;
use super::script::Rule;

/// The server that a proxy stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// The API server.
    Api,
    /// The registry.
    Registry,
    /// The licence service.
    License,
}

/// All of them.
pub(super) const EDGES: [Edge; 3] = [Edge::Api, Edge::Registry, Edge::License];

/// A line of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The step begins.
    Started(StepId),
    /// The step is done.
    Done(StepId),
    /// The line of this number, from 1.
    Number(usize),
}

impl Line {
    /// Whether the newest of `count` lines is this one.
    pub(super) fn is(self, event: &Value, count: usize) -> bool {
        let is = |name: &str, step: StepId| event["event"] == name && event["step"] == step.as_str();
        match self {
            Self::Started(step) => is("step-started", step),
            Self::Done(step) => is("step-done", step),
            Self::Number(number) => count == number,
        }
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// Requests to a server.
    Requests {
        /// Which server.
        edge: Edge,
        /// Which requests, and what happens to them.
        rule: Rule,
    },
    /// The state volume, from the beginning of a step until the state says so.
    Disk {
        /// Which step.
        step: StepId,
        /// What happens.
        fault: DiskFault,
    },
    /// The program is killed once a line is in the journal.
    Kill {
        /// Which line.
        after: Line,
        /// Half of that line did not reach the disk.
        torn: bool,
    },
}

impl Trouble {
    /// Its word in figures: `api refuse`.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Requests { edge, rule } => format!("{edge} {}", rule.fault),
            Self::Disk { fault, .. } => format!("disk {}", word(fault)),
            Self::Kill { torn: false, .. } => "kill".to_owned(),
            Self::Kill { torn: true, .. } => "kill torn".to_owned(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind())?;
        match self {
            Self::Requests { rule, .. } => {
                write!(f, " from {} {} on", word(&rule.verb), rule.nth)?;
                rule.times.map_or(Ok(()), |times| write!(f, ", {times} times"))?;
                rule.during.map_or(Ok(()), |step| write!(f, ", in {step}"))
            }
            Self::Disk { step, .. } => write!(f, " in {step}"),
            Self::Kill { after, .. } => match after {
                Line::Started(step) => write!(f, " after the start of {step}"),
                Line::Done(step) => write!(f, " after the end of {step}"),
                Line::Number(number) => write!(f, " after line {number}"),
            },
        }
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&word(self))
    }
}

/// An enum's word in documents.
fn word(of: &impl Serialize) -> String {
    let value = serde_json::to_value(of).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// One install and what goes wrong in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// Its place: `secrets × api write cut-after`, `run 17`.
    pub name: String,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// Whether each of them must really happen.
    pub must_happen: bool,
}

impl Cell {
    /// Whether it needs a state volume that can go wrong.
    #[must_use]
    pub fn needs_a_mount(&self) -> bool {
        self.troubles
            .iter()
            .any(|trouble| matches!(trouble, Trouble::Disk { .. }))
    }

    /// The rules for the proxy before `edge`.
    pub(super) fn rules(&self, edge: Edge) -> Vec<Rule> {
        let rule = |trouble: &Trouble| match trouble {
            Trouble::Requests { edge: at, rule } if *at == edge => Some(rule.clone()),
            _ => None,
        };
        self.troubles.iter().filter_map(rule).collect()
    }
}
