use super::super::failure::Blame;
use super::super::plan::PLAN;
use super::*;

fn submitted() -> Event {
    Event::Submitted {
        submission: "s".into(),
    }
}

fn started() -> Event {
    Event::RunStarted {
        run: "r".into(),
        boot_id: "b".into(),
        trigger: Trigger::Operator,
        inputs: None,
    }
}

fn failed(step: StepId) -> Event {
    Event::StepFailed {
        step,
        failure: failure(),
    }
}

fn failure() -> Failure {
    Failure::new(Blame::InstallFlux, "c", "m", "why", "do")
}

fn done(step: StepId) -> Event {
    Event::StepDone {
        step,
        summary: "ok".into(),
        facts: serde_json::Map::new(),
    }
}

const STEP: StepId = StepId::Storage;

fn every_event() -> Vec<Event> {
    vec![
        submitted(),
        started(),
        Event::StepStarted { step: STEP },
        done(STEP),
        failed(STEP),
        Event::Interrupted,
        Event::Cancelled,
        Event::Completed,
    ]
}

fn every_state() -> Vec<Run> {
    let mut states = vec![Run::Empty, Run::Queued, Run::Complete];
    states.push(Run::Blocked {
        step: STEP,
        failure: failure(),
    });
    for step in [None, Some(STEP)] {
        states.push(Run::Running { step });
        states.push(Run::Interrupted { step });
        states.push(Run::Cancelled { step });
    }
    states
}

#[test]
fn every_pair_of_state_and_event_is_decided() {
    let legal: Vec<String> = every_state()
        .into_iter()
        .flat_map(|state| {
            every_event().into_iter().filter_map(move |event| {
                let at = match &state {
                    Run::Running { step: Some(_) } => "running a step",
                    state => state.name(),
                };
                let next = state.clone().on(&event).ok()?;
                Some(format!("{at} + {} = {}", event.name(), next.name()))
            })
        })
        .collect();
    let mut unique = legal.clone();
    unique.sort();
    unique.dedup();
    let expected = [
        "blocked + cancelled = cancelled",
        "blocked + run-started = running",
        "blocked + submitted = queued",
        "cancelled + run-started = running",
        "cancelled + submitted = queued",
        "empty + submitted = queued",
        "interrupted + cancelled = cancelled",
        "interrupted + run-started = running",
        "interrupted + submitted = queued",
        "queued + cancelled = cancelled",
        "queued + run-started = running",
        "queued + submitted = queued",
        "running + cancelled = cancelled",
        "running + completed = complete",
        "running + interrupted = interrupted",
        "running + step-started = running",
        "running a step + cancelled = cancelled",
        "running a step + interrupted = interrupted",
        "running a step + step-done = running",
        "running a step + step-failed = blocked",
    ];
    assert_eq!(unique, expected);
}

#[test]
fn nothing_leads_out_of_a_complete_run() {
    for event in every_event() {
        assert!(Run::Complete.on(&event).is_err(), "{event:?}");
    }
}

#[test]
fn only_the_step_under_way_ends() {
    for event in [done(StepId::Secrets), failed(StepId::Secrets)] {
        let running = Run::Running { step: Some(STEP) };
        assert!(running.on(&event).is_err(), "{event:?}");
    }
}

proptest::proptest! {
    /// Whatever happens in whatever order, a state that takes answers or an attempt does take them,
    /// and one that takes neither is under way or over.
    #[test]
    fn no_sequence_of_events_ends_in_a_dead_end(picks in proptest::collection::vec(0..8 + PLAN.len(), 0..60)) {
        let run = picks.into_iter().fold(Run::Empty, |run, pick| {
            let event = match PLAN.get(pick.wrapping_sub(8)) {
                Some(step) => Event::StepStarted { step: *step },
                None => every_event().swap_remove(pick),
            };
            run.clone().on(&event).unwrap_or(run)
        });
        let goes_on = run.clone().on(&started()).is_ok();
        let is_stopped = run.clone().on(&Event::Cancelled).is_ok();
        proptest::prop_assert_eq!(run.can_start(), goes_on && run != Run::Queued);
        proptest::prop_assert_eq!(
            run.accepts_submission(),
            run.clone().on(&submitted()).is_ok() && run != Run::Queued
        );
        proptest::prop_assert!(goes_on || is_stopped || matches!(run, Run::Empty | Run::Complete));
    }
}
