use super::super::plan::StepId;
use super::super::run::{Event, Trigger};
use super::*;

const POLICY: RetryPolicy = RetryPolicy {
    enabled: true,
    max_attempts: 3,
    base: Duration::from_secs(10),
    max: Duration::from_mins(1),
};

/// After everything that is blocked here.
const NOW: Timestamp = Timestamp::constant(2000, 0);

fn at(second: i64) -> String {
    Timestamp::from_second(second).unwrap().to_string()
}

fn failure() -> Failure {
    Failure::new(Blame::ReachGhcr, "connect", "m", "why", "do").passing()
}

/// A run that failed at second `end`, after so many automatic attempts.
fn blocked(automatic: u32, failure: Failure, end: i64) -> History {
    let step = StepId::Preflight;
    let mut events = vec![Event::Submitted {
        submission: "s".into(),
    }];
    for (attempt, failure) in (0..).zip(vec![failure; automatic as usize + 1]) {
        let trigger = if attempt == 0 {
            Trigger::Submitted
        } else {
            Trigger::Automatic
        };
        events.extend([
            Event::RunStarted {
                run: format!("run-{attempt}"),
                boot_id: "b".into(),
                trigger,
                inputs: None,
            },
            Event::StepStarted { step },
            Event::StepFailed { step, failure },
        ]);
    }
    events.iter().fold(History::default(), |history, event| {
        history.on(event, &at(end)).unwrap()
    })
}

fn wait(automatic: u32, failure: Failure) -> i64 {
    let policy = RetryPolicy {
        max_attempts: u32::MAX,
        ..POLICY
    };
    match policy.judge(&blocked(automatic, failure, 1000), NOW) {
        Verdict::DueAt(due) => due.as_second() - 1000,
        other => panic!("{other:?}"),
    }
}

#[test]
fn waits_grow_from_the_end_of_the_attempt_up_to_the_ceiling() {
    let waits: Vec<i64> = (0..5).map(|automatic| wait(automatic, failure())).collect();
    assert!(waits[0] < waits[1] && waits[1] < waits[2], "{waits:?}");
    for (index, (wait, full)) in waits.iter().zip([10, 20, 40, 60, 60]).enumerate() {
        assert!((full * 8 / 10..=full).contains(wait), "{index}: {waits:?}");
    }
    assert!(wait(200, failure()) <= 60, "no overflow");
}

#[test]
fn the_cap_counts_automatic_attempts_of_the_submission() {
    for (automatic, exhausted) in [(0, false), (2, false), (3, true), (4, true)] {
        let verdict = POLICY.judge(&blocked(automatic, failure(), 1000), NOW);
        assert_eq!(
            verdict == Verdict::Exhausted,
            exhausted,
            "{automatic}: {verdict:?}"
        );
    }
    let again = blocked(3, failure(), 1000)
        .on(
            &Event::Submitted {
                submission: "t".into(),
            },
            &at(1001),
        )
        .unwrap();
    assert_eq!((again.automatic, POLICY.judge(&again, NOW)), (0, Verdict::Rest));
}

#[test]
fn only_what_can_pass_by_itself_is_tried_again() {
    let base = || Failure::new(Blame::InstallFlux, "c", "m", "why", "do");
    for (failure, retried) in [
        (base().passing(), true),
        (base(), false),
        (base().passing().correctable(), false),
    ] {
        let verdict = POLICY.judge(&blocked(0, failure.clone(), 1000), NOW);
        assert_eq!(verdict != Verdict::Rest, retried, "{failure:?}");
    }
    let off = RetryPolicy {
        enabled: false,
        ..POLICY
    };
    assert_eq!(off.judge(&blocked(0, failure(), 1000), NOW), Verdict::Rest);
    let cancelled = blocked(0, failure(), 1000)
        .on(&Event::Cancelled, &at(1001))
        .unwrap();
    assert_eq!(POLICY.judge(&cancelled, NOW), Verdict::Rest);
}

#[test]
fn a_retry_after_is_honoured_within_bounds() {
    let asked = |seconds| wait(0, failure().retry_after(Duration::from_secs(seconds)));
    assert_eq!(asked(120), 120, "longer than the ceiling of the backoff");
    assert_eq!(asked(86400), 3600);
    assert_eq!(asked(1), wait(0, failure()), "never shorter than the backoff");
}

#[test]
fn a_failure_waits_for_whom_it_is_about() {
    let of = |blame, category: &str| target(&Failure::new(blame, category, "m", "why", "do"));
    assert_eq!(of(Blame::ReachGhcr, "connect"), Some(Target::Registry));
    assert_eq!(
        of(Blame::ResolveReleaseManifest, "timeout"),
        Some(Target::Registry)
    );
    assert_eq!(
        of(Blame::RedeemInstallCode, "connect"),
        Some(Target::LicenseService)
    );
    assert_eq!(
        of(Blame::ApplyRuntimeValues, "cluster-unreachable"),
        Some(Target::Cluster)
    );
    assert_eq!(of(Blame::InstallFlux, "not-ready-in-time"), None);
}

#[test]
fn a_clock_that_was_set_back_does_not_lengthen_a_wait() {
    let history = blocked(0, failure(), 1000);
    let before = Timestamp::constant(500, 0);
    match POLICY.judge(&history, before) {
        Verdict::DueAt(due) => assert!(due <= before, "{due}"),
        other => panic!("{other:?}"),
    }
    match POLICY.judge(&history, Timestamp::constant(1001, 0)) {
        Verdict::DueAt(due) => assert!(due > Timestamp::constant(1001, 0), "{due}"),
        other => panic!("{other:?}"),
    }
}
