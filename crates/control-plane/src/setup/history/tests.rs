use super::super::failure::{Blame, Failure};
use super::*;

fn at(second: u32) -> String {
    format!("2026-06-01T10:20:{second:02}.000Z")
}

fn fold(events: &[Event]) -> History {
    (0..)
        .zip(events)
        .fold(History::default(), |history, (second, event)| {
            history.on(event, &at(second)).unwrap()
        })
}

fn submitted(submission: &str) -> Event {
    Event::Submitted {
        submission: submission.into(),
    }
}

fn started(trigger: Trigger, inputs: Option<&str>) -> Event {
    Event::RunStarted {
        run: "r".into(),
        boot_id: "b".into(),
        trigger,
        inputs: inputs.map(str::to_owned),
    }
}

fn failed() -> [Event; 2] {
    let step = StepId::Preflight;
    let failure = Failure::new(Blame::ReachGhcr, "c", "m", "why", "do").passing();
    [Event::StepStarted { step }, Event::StepFailed { step, failure }]
}

fn done() -> [Event; 2] {
    let step = StepId::Preflight;
    let (summary, facts) = ("ok".into(), serde_json::Map::new());
    [
        Event::StepStarted { step },
        Event::StepDone { step, summary, facts },
    ]
}

#[test]
fn automatic_attempts_are_counted_for_the_submission_only() {
    let mut events = vec![submitted("s"), started(Trigger::Submitted, None)];
    events.extend(failed());
    for trigger in [Trigger::Automatic, Trigger::Operator, Trigger::Automatic] {
        events.push(started(trigger, None));
        events.extend(failed());
    }
    events.push(started(Trigger::Resumed, None));
    assert_eq!(fold(&events).automatic, 2);
    assert_eq!(fold(&events).attempt, 5);
    events.push(Event::Interrupted);
    events.push(submitted("t"));
    assert_eq!((fold(&events).automatic, fold(&events).attempt), (0, 0));
}

#[test]
fn a_step_that_was_done_with_other_answers_is_done_again() {
    let mut events = vec![submitted("s"), started(Trigger::Submitted, Some("one"))];
    events.extend(done());
    events.push(Event::Interrupted);
    let interrupted = fold(&events);
    let resumed = |inputs| {
        interrupted
            .clone()
            .on(&started(Trigger::Resumed, inputs), "t")
            .unwrap()
    };
    assert!(resumed(Some("one")).is_recorded_done(StepId::Preflight));
    assert!(!resumed(Some("two")).is_recorded_done(StepId::Preflight));
    assert!(
        resumed(None).is_recorded_done(StepId::Preflight),
        "an older journal"
    );
}

#[test]
fn how_long_a_step_took_outlives_the_submission() {
    let mut events = vec![submitted("s"), started(Trigger::Submitted, None)];
    events.extend(done());
    events.extend([Event::Interrupted, submitted("t")]);
    let took = fold(&events).took;
    assert_eq!(took[0], Some(SignedDuration::from_secs(1)));
    assert_eq!(took[1], None);
}

#[test]
fn a_state_is_timed_from_its_beginning_and_a_heartbeat_changes_no_more_than_itself() {
    let mut events = vec![submitted("s"), started(Trigger::Submitted, None)];
    events.extend(done());
    let mut history = fold(&events);
    assert_eq!(history.since, Some(at(1)), "running since its start");
    history.beat("later");
    assert_eq!(history.last_run.as_ref().unwrap().heartbeat_at, "later");
    history = history.on(&Event::Cancelled, &at(9)).unwrap();
    assert_eq!(history.since, Some(at(9)));
    history.beat("never");
    assert_eq!(history.last_run.unwrap().heartbeat_at, "later");
}

#[test]
fn a_journal_from_before_triggers_folds_as_before() {
    let line = r#"{"event":"run-started","run":"r","bootId":"b"}"#;
    let event: Event = serde_json::from_str(line).unwrap();
    assert_eq!(event, started(Trigger::Resumed, None));
}
