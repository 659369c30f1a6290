use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What happens to a queue.
#[derive(Debug, Clone)]
enum Step {
    Submit(Lane),
    /// Of those that are here, the one at this place ends or goes away.
    Leave(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Submit(Lane::Read)),
        2 => Just(Step::Submit(Lane::Change)),
        4 => any::<prop::sample::Index>().prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 0..400)
}

/// A queue, and all that its answers said.
struct Told {
    lanes: Lanes,
    /// Everybody who was taken in and has not left: which lane, and whether it was told to run.
    here: BTreeMap<Id, (Lane, bool)>,
    /// Who was told to run, in that order.
    started: Vec<(Lane, Id)>,
}

impl Told {
    fn new() -> Self {
        Self {
            lanes: Lanes::default(),
            here: BTreeMap::new(),
            started: Vec::new(),
        }
    }

    fn count(&self, lane: Lane, runs: bool) -> usize {
        self.here.values().filter(|entry| **entry == (lane, runs)).count()
    }

    /// Who was told to run in a lane, in that order.
    fn of(&self, lane: Lane) -> impl Iterator<Item = Id> {
        let of_lane = self.started.iter().filter(move |(of, _)| *of == lane);
        of_lane.map(|(_, id)| *id)
    }

    fn submit(&mut self, lane: Lane) -> Admission {
        let (id, admission) = self.lanes.submit(lane);
        if admission != Admission::Refused {
            self.here.insert(id, (lane, false));
        }
        if admission == Admission::Runs {
            self.start(id);
        }
        admission
    }

    fn leave(&mut self, id: Id) {
        self.here.remove(&id);
        if let Some(next) = self.lanes.leave(id) {
            self.start(next);
        }
    }

    fn start(&mut self, id: Id) {
        let (lane, runs) = self.here.get_mut(&id).expect("only who is here may run");
        assert!(!*runs, "{id:?} was told twice");
        *runs = true;
        self.started.push((*lane, id));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Submit(lane) => {
                self.submit(*lane);
            }
            Step::Leave(_) if self.here.is_empty() => {}
            Step::Leave(place) => {
                let ids: Vec<_> = self.here.keys().copied().collect();
                self.leave(*place.get(&ids));
            }
        }
    }
}

const BOUNDS: [(Lane, usize); 2] = [(Lane::Read, READS_AT_ONCE), (Lane::Change, CHANGES_AT_ONCE)];

proptest! {
    #[test]
    fn at_most_three_reads_and_one_change_run_and_no_place_stays_free_while_somebody_waits(steps in steps()) {
        let mut told = Told::new();
        for step in &steps {
            told.step(step);
            for (lane, at_once) in BOUNDS {
                let (running, waiting) = (told.count(lane, true), told.count(lane, false));
                prop_assert!(running <= at_once && waiting <= DEPTH);
                prop_assert!(running == at_once || waiting == 0, "{lane:?}: {running} run, {waiting} wait");
            }
        }
    }

    #[test]
    fn in_each_lane_whoever_came_first_runs_first(steps in steps()) {
        let mut told = Told::new();
        for step in &steps {
            told.step(step);
        }
        for (lane, _) in BOUNDS {
            let order: Vec<_> = told.of(lane).collect();
            prop_assert!(order.is_sorted(), "{order:?}");
        }
    }

    #[test]
    fn what_happens_among_the_reads_changes_nothing_for_the_changes(steps in steps()) {
        let (mut both, mut alone) = (Told::new(), Told::new());
        // Each change's id in a queue that never sees a read.
        let mut twins = BTreeMap::new();
        for step in &steps {
            let before = both.here.clone();
            both.step(step);
            if matches!(step, Step::Submit(Lane::Change)) {
                alone.submit(Lane::Change);
                twins.insert(Id(both.lanes.entries), Id(alone.lanes.entries));
            }
            for id in before.keys().filter(|id| !both.here.contains_key(*id)) {
                twins.get(id).into_iter().for_each(|twin| alone.leave(*twin));
            }
        }
        let changes = both.of(Lane::Change).filter_map(|id| twins.get(&id).copied());
        prop_assert!(changes.eq(alone.of(Lane::Change)));
    }

    #[test]
    fn when_all_have_left_nobody_is_remembered(steps in steps()) {
        let mut told = Told::new();
        for step in &steps {
            told.step(step);
        }
        while let Some(id) = told.here.keys().next_back().copied() {
            told.leave(id);
        }
        for row in [&told.lanes.reads, &told.lanes.changes] {
            prop_assert!(row.running.is_empty() && row.waiting.is_empty());
        }
    }
}

#[test]
fn the_sixty_fifth_that_would_have_to_wait_is_refused_at_once_and_the_other_lane_is_open() {
    let mut told = Told::new();
    for _ in 0..READS_AT_ONCE {
        assert_eq!(told.submit(Lane::Read), Admission::Runs);
    }
    for _ in 0..DEPTH {
        assert_eq!(told.submit(Lane::Read), Admission::Waits);
    }
    assert_eq!(told.submit(Lane::Read), Admission::Refused);
    assert_eq!(told.submit(Lane::Change), Admission::Runs);
    told.leave(Id(1));
    assert_eq!(told.submit(Lane::Read), Admission::Waits);
}

#[test]
fn leaving_twice_or_without_a_place_frees_nothing() {
    let mut lanes = Lanes::default();
    let ids: Vec<_> = (0..3).map(|_| lanes.submit(Lane::Change).0).collect();
    assert_eq!(lanes.leave(Id(99)), None);
    assert_eq!(lanes.leave(ids[0]), Some(ids[1]));
    assert_eq!(lanes.leave(ids[0]), None);
    assert_eq!(lanes.leave(ids[2]), None);
    assert_eq!(lanes.leave(ids[1]), None);
}
