//! The table: each step of an install against each fault that can meet it.

use appliance_control_plane::setup::plan::{PLAN, StepId};

use super::disk;
use super::fault::{self, Fault};
use super::script::{Rule, Verb};
use super::trouble::{Cell, Edge, Line, Trouble};

/// Whom each step talks to, and how.
const TALKS: [(StepId, Edge, Verb); 13] = [
    (StepId::Preflight, Edge::Registry, Verb::Read),
    (StepId::Storage, Edge::Api, Verb::Read),
    (StepId::Storage, Edge::Api, Verb::Write),
    (StepId::FluxControllers, Edge::Api, Verb::Read),
    (StepId::Namespaces, Edge::Api, Verb::Write),
    (StepId::RedeemInstallCode, Edge::Api, Verb::Read),
    (StepId::RedeemInstallCode, Edge::Api, Verb::Write),
    (StepId::RedeemInstallCode, Edge::License, Verb::Write),
    (StepId::Secrets, Edge::Api, Verb::Read),
    (StepId::Secrets, Edge::Api, Verb::Write),
    (StepId::ConfigMaps, Edge::Api, Verb::Write),
    (StepId::FluxSource, Edge::Api, Verb::Write),
    (StepId::MaintenanceMetadata, Edge::Api, Verb::Read),
];

/// Which cells of every eleven run before each merge. The fifteen faults of a step and the five cells after
/// them share no divisor with eleven, so the choice shifts from step to step.
const SELECTED: [usize; 3] = [0, 4, 8];
const OF: usize = 11;

/// Every cell, in the order of the plan.
#[must_use]
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for step in PLAN {
        let talks = TALKS.iter().filter(|(at, ..)| *at == step);
        cells.extend(
            talks.flat_map(|(_, edge, verb)| fault::ALL.map(|fault| requests(step, *edge, *verb, fault))),
        );
        cells.extend(disk::ALL.map(|fault| {
            let trouble = Trouble::Disk { step, fault };
            cell(step, &trouble.kind(), trouble)
        }));
        let kills = [
            ("kill at the start", Line::Started(step), false),
            ("kill at the end", Line::Done(step), false),
            ("kill in the last line", Line::Done(step), true),
        ];
        let kill = |(name, after, torn): (&str, _, _)| cell(step, name, Trouble::Kill { after, torn });
        cells.extend(kills.map(kill));
    }
    cells
}

/// The cells that run before each merge: each step and each fault is in one.
#[must_use]
pub fn selection() -> Vec<Cell> {
    let chosen = |(place, cell): (usize, Cell)| SELECTED.contains(&(place % OF)).then_some(cell);
    cells().into_iter().enumerate().filter_map(chosen).collect()
}

/// One request of a step: its first of that kind.
fn requests(step: StepId, edge: Edge, verb: Verb, fault: Fault) -> Cell {
    let rule = Rule {
        during: Some(step),
        verb,
        path: String::new(),
        nth: 1,
        fault,
        times: (!fault.lasts()).then_some(1),
    };
    let does = match verb {
        Verb::Any => "ask",
        Verb::Read => "read",
        Verb::Write => "write",
    };
    cell(
        step,
        &format!("{edge} {does} {fault}"),
        Trouble::Requests { edge, rule },
    )
}

fn cell(step: StepId, what: &str, trouble: Trouble) -> Cell {
    Cell {
        name: format!("{step} × {what}"),
        troubles: vec![trouble],
        must_happen: true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_two_hundred_cells_and_its_selection_every_step_and_fault() {
        assert!(cells().len() >= 200, "{}", cells().len());
        let names: BTreeSet<_> = cells().into_iter().map(|cell| cell.name).collect();
        assert_eq!(names.len(), cells().len());
        let selected = selection();
        let has = |word: &str| selected.iter().any(|cell| cell.name.contains(word));
        for step in PLAN {
            assert!(has(step.as_str()), "{step}");
        }
        for fault in fault::ALL {
            assert!(has(&fault.to_string()), "{fault}");
        }
    }
}
