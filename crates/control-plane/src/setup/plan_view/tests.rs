use std::time::Duration;

use serde_json::{Map, json};

use super::super::board::Waiting;
use super::super::failure::{Blame, Failure};
use super::super::run::Event;
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_309_200 + second).unwrap()
}

const POLICY: RetryPolicy = RetryPolicy {
    enabled: true,
    max_attempts: 1,
    base: Duration::from_secs(100),
    max: Duration::from_secs(100),
};

fn started(trigger: Trigger) -> Event {
    Event::RunStarted {
        run: "r".into(),
        boot_id: "b".into(),
        trigger,
        inputs: None,
    }
}

/// Preflight done, and storage begun a second later.
fn begun() -> Vec<Event> {
    let step = StepId::Preflight;
    vec![
        Event::Submitted {
            submission: "s".into(),
        },
        started(Trigger::Submitted),
        Event::StepStarted { step },
        Event::StepDone {
            step,
            summary: "ok".into(),
            facts: Map::new(),
        },
        Event::StepStarted {
            step: StepId::Storage,
        },
    ]
}

fn failed(failure: Failure) -> Event {
    Event::StepFailed {
        step: StepId::Storage,
        failure,
    }
}

fn view(events: &[Event]) -> View {
    let history = (0..)
        .zip(events)
        .fold(History::default(), |history, (second, event)| {
            history.on(event, &at(second).to_string()).unwrap()
        });
    View {
        history,
        ..View::default()
    }
}

fn plan(view: &View, document: Option<&Value>, second: i64) -> PlanView {
    PlanView::of(&Seen {
        view,
        document,
        policy: &POLICY,
        editable: true,
        can_retry: true,
        can_cancel: false,
        now: at(second),
    })
}

#[test]
fn a_step_under_way_shows_since_when_what_it_does_and_what_holds_it_up() {
    let mut view = view(&begun());
    view.progress = Some("2 of 7: waiting for the claim".into());
    view.waits_for = Some("the API does not answer".into());
    let plan = plan(&view, None, 34);
    assert_eq!(plan.state, "running");
    let (done, running, pending) = (&plan.steps[0], &plan.steps[1], &plan.steps[2]);
    assert_eq!((done.state.as_str(), done.elapsed_seconds), ("done", Some(1.0)));
    assert_eq!(
        (done.on_retry.action.as_str(), done.typical_seconds),
        ("check", Some(1.0))
    );
    assert_eq!(
        (running.state.as_str(), running.elapsed_seconds),
        ("running", Some(30.0))
    );
    assert_eq!(
        (&running.progress, &running.waits_for),
        (&view.progress, &view.waits_for)
    );
    assert_eq!(
        (pending.progress.as_ref(), pending.waits_for.as_ref()),
        (None, None)
    );
    assert_eq!(
        (pending.on_retry.action.as_str(), pending.typical_seconds),
        ("run", None)
    );
    let wire = json!(plan);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&wire["run"]),
        ["id", "attempt", "startedAt", "bootId", "heartbeatAt", "trigger"]
    );
    assert_eq!(serde_json::from_value::<PlanView>(wire).unwrap(), plan);
}

#[test]
fn a_failure_that_can_pass_says_when_it_is_tried_again_and_whom_it_waits_for() {
    let mut events = begun();
    events.push(failed(
        Failure::new(Blame::ReachGhcr, "connect", "m", "why", "do").passing(),
    ));
    let mut view = view(&events);
    let auto = plan(&view, None, 10).auto_retry.unwrap();
    assert!(auto.will_retry && !auto.exhausted);
    assert!(
        (75..=95).contains(&auto.next_attempt_in_seconds.unwrap()),
        "{auto:?}"
    );
    view.waiting = Some(Waiting {
        name: "ghcr.io".into(),
        since: at(5),
        next: at(230),
        cause: "connection refused".into(),
    });
    let plan = plan(&view, None, 210);
    let auto = plan.auto_retry.unwrap();
    assert_eq!(auto.next_attempt_in_seconds, Some(20));
    let waiting = auto.waiting_for.unwrap();
    assert!(
        waiting.starts_with("ghcr.io does not answer since 10:20 UTC"),
        "{waiting}"
    );
    assert!(waiting.contains("next look in 20 s"), "{waiting}");
    assert_eq!(plan.notice, Some(waiting));
    assert_eq!(plan.failure.unwrap()["retrySafe"], true);
}

#[test]
fn exhausted_attempts_leave_a_way_on() {
    let failure = || Failure::new(Blame::ReachGhcr, "connect", "m", "why", "do").passing();
    let mut events = begun();
    events.push(failed(failure()));
    events.push(started(Trigger::Automatic));
    let step = StepId::Storage;
    events.push(Event::StepStarted { step });
    events.push(failed(failure()));
    let plan = plan(&view(&events), None, 10);
    let auto = plan.auto_retry.unwrap();
    assert!(!auto.will_retry && auto.exhausted, "{auto:?}");
    assert_eq!((auto.attempts, auto.next_attempt_at), (1, None));
    assert!(plan.notice.unwrap().contains("try again"));
}

#[test]
fn a_resumed_run_says_where_and_when_it_was_interrupted() {
    let mut events = begun();
    events.push(Event::Interrupted);
    events.push(started(Trigger::Resumed));
    let plan = plan(&view(&events), None, 10);
    assert_eq!(plan.state, "running");
    assert_eq!(
        plan.notice.as_deref(),
        Some("Setup was interrupted at 10:20 UTC during “Preparing storage”, continuing")
    );
    assert_eq!(plan.steps[1].state, "interrupted");
}

#[test]
fn what_the_shipped_product_left_is_never_shown_as_empty() {
    for (status, state) in [
        ("release-config-complete", "complete"),
        ("update-blocked", "complete"),
        ("storage-install-blocked", "blocked"),
        ("flux-install-running", "interrupted"),
        ("setup-queued", "interrupted"),
    ] {
        let document = json!({"status": status, "failure": {"message": "m"}});
        let plan = plan(&View::default(), Some(&document), 0);
        assert_eq!((plan.state.as_str(), plan.steps.len()), (state, 12), "{status}");
        assert_eq!(plan.failure, Some(json!({"message": "m"})));
    }
    assert_eq!(plan(&View::default(), None, 0).state, "empty");
}
