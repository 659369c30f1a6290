//! Random installs that a seed repeats.

use appliance_control_plane::setup::plan::PLAN;

use super::disk;
use super::fault;
use super::random::Random;
use super::script::{Rule, Verb};
use super::trouble::{Cell, Edge, Line, Trouble};

/// More requests than an install makes are not worth waiting for.
const REQUESTS: u32 = 45;

/// Journal lines of an install that meets no trouble.
const LINES: u32 = 27;

/// The `index`-th install of a seed: one or two things go wrong.
#[must_use]
pub fn cell(seed: u64, index: u64, can_mount: bool) -> Cell {
    let mut random = Random::of_run(seed, index);
    let mut troubles = vec![trouble(&mut random, can_mount)];
    if random.chance(50) {
        troubles.push(trouble(&mut random, can_mount));
    }
    Cell {
        name: format!("run {index}"),
        troubles,
        must_happen: false,
    }
}

fn trouble(random: &mut Random, can_mount: bool) -> Trouble {
    // Drawn in any case, so that a machine without mounts has the same other troubles.
    let (what, step) = (random.up_to(100), random.pick(PLAN));
    match what {
        1..=15 if can_mount => Trouble::Disk {
            step,
            fault: random.pick(disk::ALL),
        },
        16..=40 => Trouble::Kill {
            after: line(random),
            torn: random.chance(30),
        },
        _ => requests(random),
    }
}

fn line(random: &mut Random) -> Line {
    let step = random.pick(PLAN);
    match random.up_to(3) {
        1 => Line::Started(step),
        2 => Line::Done(step),
        // The first line is the submission: nobody can be killed before it.
        _ => Line::Number(random.up_to(LINES) as usize),
    }
}

fn requests(random: &mut Random) -> Trouble {
    let edge = random.pick([Edge::Api, Edge::Api, Edge::Api, Edge::Registry, Edge::License]);
    let during = random.chance(60).then(|| random.pick(PLAN));
    let fault = random.pick(fault::ALL);
    let first = if during.is_some() || edge != Edge::Api {
        5
    } else {
        REQUESTS
    };
    let times = random.up_to(3);
    let rule = Rule {
        during,
        verb: random.pick([Verb::Any, Verb::Read, Verb::Write]),
        path: String::new(),
        nth: random.up_to(first),
        fault,
        times: (!fault.lasts()).then_some(if fault.kills() { 1 } else { times }),
    };
    Trouble::Requests { edge, rule }
}
