//! Laws that hold whatever is observed.

use proptest::prelude::*;

use super::healthy::*;
use crate::names::APPLICATION;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity, document};
use crate::readiness::{Signal, TierName, Verdict, judge};

type Change = fn(&mut Observed);

/// Ways to break a box that may come together.
const BREAKS: [Change; 22] = [
    |s| down(stateful_set(s, "db"), 900),
    |s| down(deployment(s, "temporal"), 30),
    |s| down(deployment(s, APPLICATION), 900),
    |s| deployment(s, "email-service").desired = 0,
    |s| add_pod(s, "db-0", ("StatefulSet", "db"), waiting("CrashLoopBackOff", "")),
    |s| {
        add_pod(
            s,
            "alga-core-sebastian-77-a",
            ("ReplicaSet", "alga-core-sebastian-77"),
            waiting("ErrImagePull", "not found"),
        );
    },
    |s| {
        add_pod(
            s,
            "temporal-77-b",
            ("ReplicaSet", "temporal-77"),
            waiting("ErrImagePull", "context canceled"),
        );
    },
    |s| s.cluster.jobs = objects([job("b", Some("Failed"))]),
    |s| s.cluster.jobs = objects([job("b", None)]),
    |s| s.install.bootstrap = latch(BootstrapState::Failed, "a", Some("ERROR x")),
    |s| s.install.bootstrap = None,
    |s| s.login = Some(silent("refused")),
    |s| s.login = None,
    |s| release(s, "alga-core").conditions[0].status = "False".to_owned(),
    |s| kustomization(s, "alga-platform").generation = 8,
    |s| source(s, "alga-appliance").conditions[0].status = "False".to_owned(),
    |s| s.install.document = Err("damaged".to_owned()),
    |s| {
        s.install.document = Ok(Some(
            serde_json::json!({"status": "setup-blocked", "failure": {"message": "m"}}),
        ));
    },
    |s| s.install.is_installed = false,
    |s| s.cluster.nodes.last.known.get_mut("box").unwrap().conditions[0].status = "Unknown".to_owned(),
    |s| s.install.update_owner = Some(UpdateOwner::Gone),
    |s| {
        s.install.auto_retry = Some(AutoRetry {
            will_retry: true,
            exhausted: false,
            attempts: 1,
            max_attempts: 10,
            next_attempt_at: None,
            waiting_for: None,
        });
    },
];

const KINDS: [TroubleKind; 5] = [
    TroubleKind::NotYet,
    TroubleKind::Unreachable,
    TroubleKind::Forbidden,
    TroubleKind::NotServed,
    TroubleKind::Unintelligible,
];

/// Makes the reading of this number not current.
fn spoil(seen: &mut Observed, reading: usize, kind: TroubleKind) {
    let trouble = trouble(kind);
    let cluster = &mut seen.cluster;
    match reading {
        0 => cluster.api.trouble = trouble,
        1 => cluster.nodes.trouble = trouble,
        2 => cluster.pods.trouble = trouble,
        3 => cluster.deployments.trouble = trouble,
        4 => cluster.stateful_sets.trouble = trouble,
        5 => cluster.jobs.trouble = trouble,
        6 => cluster.claims.trouble = trouble,
        7 => cluster.sources.trouble = trouble,
        8 => cluster.kustomizations.trouble = trouble,
        9 => cluster.helm_releases.trouble = trouble,
        _ => cluster.events.trouble = trouble,
    }
}

/// Makes one object of the kind of this number one that will not decode.
fn muddle(seen: &mut Observed, kind: usize, object: prop::sample::Index) {
    fn of<T>(reading: &mut Reading<Objects<T>>, object: prop::sample::Index) {
        let objects = &mut reading.last;
        let keys: Vec<String> = objects.known.keys().cloned().collect();
        if !keys.is_empty() {
            let key = object.get(&keys);
            objects.known.remove(key);
            objects.unclear.insert(key.clone(), "no spec".to_owned());
        }
    }
    let cluster = &mut seen.cluster;
    match kind {
        0 => of(&mut cluster.nodes, object),
        1 => of(&mut cluster.pods, object),
        2 => of(&mut cluster.deployments, object),
        3 => of(&mut cluster.stateful_sets, object),
        4 => of(&mut cluster.jobs, object),
        5 => of(&mut cluster.claims, object),
        6 => of(&mut cluster.sources, object),
        7 => of(&mut cluster.kustomizations, object),
        _ => of(&mut cluster.helm_releases, object),
    }
}

fn broken() -> impl Strategy<Value = Observed> {
    prop::collection::vec(0..BREAKS.len(), 0..5).prop_map(|breaks| {
        let mut seen = healthy();
        for each in breaks {
            BREAKS[each](&mut seen);
        }
        seen
    })
}

fn holds_together(verdict: &Verdict) {
    let state = verdict.rollup.state;
    let has_critical = verdict
        .blockers
        .iter()
        .any(|blocker| blocker.severity == Severity::Critical);
    assert_eq!(has_critical, state == RollupState::Blocked, "{verdict:#?}");
    assert!(!(has_critical && verdict.tiers.login.ready), "{verdict:#?}");
    let is_green = [
        RollupState::FullyHealthy,
        RollupState::ReadyToLogIn,
        RollupState::ReadyWithBackgroundIssues,
    ];
    assert_eq!(
        is_green.contains(&state),
        verdict.tiers.login.ready,
        "{verdict:#?}"
    );
    assert_eq!(state == RollupState::FullyHealthy, verdict.tiers.full.ready);
    if verdict.tiers.full.ready {
        assert_eq!(
            (verdict.blockers.len(), verdict.warnings.len()),
            (0, 0),
            "{verdict:#?}"
        );
    }
    let severities: Vec<_> = verdict.blockers.iter().map(|blocker| blocker.severity).collect();
    assert!(severities.is_sorted(), "worst first: {severities:?}");
    for (name, tier) in verdict.tiers.each() {
        assert_eq!(tier.ready, tier.signal == Signal::Ready, "{name:?}");
        assert_eq!(tier.ready, tier.reasons.is_empty(), "{name:?} {tier:?}");
    }
    for blocker in &verdict.blockers {
        assert!(!blocker.login_blocking || blocker.severity == Severity::Critical);
        assert!(
            ![&blocker.reason, &blocker.meaning, &blocker.next_action]
                .iter()
                .any(|text| text.is_empty()),
            "{blocker:#?}"
        );
    }
}

/// The tiers that each question holds down when it has no answer, by its number in [`spoil`].
const HOLDS_DOWN: [&[TierName]; 11] = {
    use TierName::{Background, Bootstrap, Core, Full, Login, Platform};
    [
        &[Full],
        &[Platform, Full],
        &[Full],
        &[Core, Bootstrap, Login, Background, Full],
        &[Core, Bootstrap, Login, Full],
        &[Bootstrap, Login, Full],
        &[Full],
        &[Platform, Full],
        &[Platform, Full],
        &[Full],
        &[Full],
    ]
};

#[test]
fn a_question_without_an_answer_holds_down_exactly_what_is_read_from_it() {
    for (question, down) in HOLDS_DOWN.into_iter().enumerate() {
        for kind in KINDS {
            let verdict = judge(&with(|seen| spoil(seen, question, kind)));
            for (name, tier) in verdict.tiers.each() {
                let what = format!("question {question}, {kind:?}: {name:?} {tier:?}");
                assert_eq!(tier.ready, !down.contains(&name), "{what}");
                // A failed question is also a warning, which makes the last tier plainly not ready.
                let is_unknown = tier.signal == Signal::Unknown || name == TierName::Full;
                assert!(tier.ready || is_unknown, "{what}");
            }
        }
    }
}

proptest! {
    /// No tier becomes ready, and no blocked box green, because a question failed.
    #[test]
    fn a_question_that_fails_never_makes_anything_ready(
        seen in broken(),
        spoiled in prop::collection::vec((0..11_usize, 0..KINDS.len()), 1..4),
    ) {
        let before = judge(&seen);
        let mut after = seen;
        for (reading, kind) in spoiled {
            spoil(&mut after, reading, KINDS[kind]);
        }
        let after = judge(&after);
        for ((name, was), (_, is)) in before.tiers.each().into_iter().zip(after.tiers.each()) {
            prop_assert!(was.ready || !is.ready, "{name:?} became ready");
        }
        holds_together(&after);
    }

    /// The same for an object of any kind that will not decode.
    #[test]
    fn an_object_that_will_not_decode_never_makes_anything_ready(
        seen in broken(),
        muddled in prop::collection::vec((0..9_usize, any::<prop::sample::Index>()), 1..4),
    ) {
        let before = judge(&seen);
        let mut after = seen;
        for (kind, object) in muddled {
            muddle(&mut after, kind, object);
        }
        let after = judge(&after);
        for ((name, was), (_, is)) in before.tiers.each().into_iter().zip(after.tiers.each()) {
            prop_assert!(was.ready || !is.ready, "{name:?} became ready");
        }
        holds_together(&after);
    }

    /// What the first line says is what stands under it.
    #[test]
    fn the_first_line_never_contradicts_what_stands_under_it(seen in broken()) {
        holds_together(&judge(&seen));
    }

    /// Events that come in another order make the same document.
    #[test]
    fn the_order_in_which_events_are_seen_does_not_matter(
        seen in broken(),
        mixed in Just((0..6_i64).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let with_events = |order: &[i64]| {
            let mut seen = seen.clone();
            let events = order.iter().map(|n| event("db-0", "Failed", &format!("pull {n}"), *n));
            seen.cluster.events.last = events.collect();
            document(&seen, &judge(&seen))
        };
        prop_assert_eq!(with_events(&[0, 1, 2, 3, 4, 5]), with_events(&mixed));
    }

    /// A verdict that names no moment, or one that lies ahead, stays as it is until then.
    #[test]
    fn nothing_changes_by_itself_before_the_named_moment(seen in broken(), part in 0.0..1.0_f64) {
        let verdict = judge(&seen);
        let gap = verdict.judge_again_at.map_or(jiff::SignedDuration::from_hours(1), |again| again.duration_since(seen.at));
        let later = seen.at + gap.mul_f64(part);
        let again = judge(&Observed { at: later, ..seen });
        prop_assert_eq!(&verdict.tiers, &again.tiers);
        prop_assert_eq!(&verdict.blockers, &again.blockers);
        prop_assert_eq!(&verdict.rollup, &again.rollup);
    }

    /// Foreign text of any kind, times at the ends of time, counts that cannot be: a verdict all the same.
    #[test]
    fn any_observation_has_a_verdict(
        seen in broken(),
        text in ".{0,40}",
        phase in "(Pending|Running|Unknown|.{0,5})",
        numbers in any::<(i64, i32, u32, u64)>(),
        end_of_time in any::<bool>(),
    ) {
        let mut seen = seen;
        let extreme = if end_of_time { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
        seen.at = extreme;
        add_pod(&mut seen, &text, (&text, &text), waiting(&text, &text));
        for pod in seen.cluster.pods.last.known.values_mut() {
            pod.phase.clone_from(&phase);
            pod.created = Some(extreme);
            for container in &mut pod.containers {
                container.restarts = numbers.2;
            }
        }
        for workload in seen.cluster.deployments.last.known.values_mut() {
            (workload.generation, workload.desired, workload.ready) = (numbers.0, numbers.1, numbers.1);
        }
        for release in seen.cluster.helm_releases.last.known.values_mut() {
            release.timeout = Some(std::time::Duration::from_secs(numbers.3));
            release.conditions[0].reason.clone_from(&text);
            release.conditions[0].message.clone_from(&text);
        }
        seen.install.login_url = Some(text.clone());
        if let Some(login) = &mut seen.login {
            login.url.clone_from(&text);
            login.outcome = LoginOutcome::Answered { status: 302, location: Some(text.clone()) };
        }
        let verdict = judge(&seen);
        holds_together(&verdict);
        prop_assert!(document(&seen, &verdict).into_map().is_ok());
    }
}
