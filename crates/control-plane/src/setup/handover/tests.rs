//! The rules of the record, in the words of 40 §4.3.

use appliance_common::names::SERVICES;
use serde_json::{Value, json};

use appliance_common::readiness::observed::BootstrapState;

use super::record::BootstrapRecord;
use super::seen::{Evidence, Job, Observed, Release};

fn job(status: &Value) -> Job {
    let object = json!({"metadata": {"name": "j", "uid": "u1"}, "status": status});
    Job::read(&serde_json::from_value(object).unwrap())
}

fn running(failed: u32) -> Job {
    job(&json!({"active": 1, "failed": failed}))
}

fn ended(kind: &str) -> Job {
    let condition = json!({"type": kind, "status": "True", "reason": "R", "message": "m"});
    job(&json!({"failed": 1, "conditions": [condition]}))
}

fn releases(ready: bool) -> Vec<Release> {
    let release = |name: &&str| Release {
        ready,
        ..Release::absent(name)
    };
    SERVICES.iter().map(release).collect()
}

fn seen(job: Result<Option<Job>, String>) -> Observed {
    Observed {
        job,
        releases: Ok(releases(false)),
        evidence: None,
        release: Some("1.0.0".to_owned()),
    }
}

fn with_evidence(evidence: Evidence) -> Observed {
    Observed {
        evidence: Some(evidence),
        ..seen(Ok(None))
    }
}

/// The state after each look in turn.
fn states(looks: &[Observed]) -> Vec<BootstrapState> {
    let mut record = BootstrapRecord::nothing_yet("t0");
    let look = |look: &Observed| {
        record = record.after(look, "t1");
        record.state
    };
    looks.iter().map(look).collect()
}

#[test]
fn a_job_that_is_gone_after_its_success_was_complete() {
    use BootstrapState::{Complete, Pending, Running};
    let looks = [
        seen(Ok(None)),
        seen(Ok(Some(running(0)))),
        seen(Ok(Some(ended("Complete")))),
        seen(Ok(None)),
        seen(Err("forbidden".into())),
        seen(Ok(Some(ended("Failed")))),
    ];
    assert_eq!(
        states(&looks),
        [Pending, Running, Complete, Complete, Complete, Complete]
    );
}

#[test]
fn a_failed_job_stays_failed_until_another_starts() {
    use BootstrapState::{Complete, Failed, Running};
    let looks = [
        seen(Ok(Some(ended("Failed")))),
        seen(Ok(None)),
        seen(Err("x".into())),
        with_evidence(Evidence::Works),
        seen(Ok(Some(running(0)))),
        seen(Ok(Some(ended("Complete")))),
    ];
    assert_eq!(
        states(&looks),
        [Failed, Failed, Failed, Failed, Running, Complete]
    );
}

#[test]
fn a_query_that_failed_is_unknown_and_never_complete() {
    let record = BootstrapRecord::nothing_yet("t0").after(&seen(Err("jobs: forbidden".into())), "t1");
    assert_eq!(record.state, BootstrapState::Unknown);
    assert_eq!(record.last_error.as_deref(), Some("jobs: forbidden"));
    assert!(!record.is_proven());
}

#[test]
fn what_is_only_inferred_proves_nothing() {
    let nothing = BootstrapRecord::nothing_yet("t0");
    let inferred = nothing.after(&with_evidence(Evidence::Works), "t1");
    assert_eq!(
        (inferred.state, inferred.inferred),
        (BootstrapState::Complete, true)
    );
    assert!(!inferred.is_proven());
    let later = inferred.after(&seen(Ok(Some(running(0)))), "t2");
    assert_eq!(later.state, BootstrapState::Complete);
    assert!(later.after(&seen(Ok(Some(ended("Complete")))), "t3").is_proven());
    assert!(
        nothing
            .after(
                &with_evidence(Evidence::Ended {
                    job: None,
                    failure: None
                }),
                "t1"
            )
            .is_proven()
    );
    let failed = nothing.after(
        &with_evidence(Evidence::Ended {
            job: None,
            failure: Some("limit".into()),
        }),
        "t1",
    );
    assert_eq!(failed.state, BootstrapState::Failed);
}

#[test]
fn a_release_that_is_tried_again_and_again_makes_one_line() {
    let failing = |under_way: bool, reason: &str| Observed {
        releases: Ok(vec![Release {
            is_under_way: under_way,
            reason: Some(reason.into()),
            ..Release::absent("alga-core")
        }]),
        ..seen(Ok(None))
    };
    let first = BootstrapRecord::nothing_yet("t0").after(&failing(false, "InstallFailed"), "t1");
    let mut last = first.clone();
    for (under_way, reason) in [
        (true, "Progressing"),
        (false, "InstallFailed"),
        (true, "Progressing"),
    ] {
        let next = last.after(&failing(under_way, reason), "t2");
        assert!(!next.tells_more_than(&last), "{next:?}");
        last = next;
    }
    assert!(
        last.after(&failing(false, "UpgradeFailed"), "t3")
            .tells_more_than(&last)
    );
}

#[test]
fn it_is_over_only_with_everything_ready_and_the_password_gone() {
    let all_ready = Observed {
        releases: Ok(releases(true)),
        ..seen(Ok(Some(ended("Complete"))))
    };
    let mut record = BootstrapRecord::nothing_yet("t0").after(&all_ready, "t1");
    assert!(record.is_proven() && !record.is_over());
    record.password_removed = true;
    assert!(record.is_over());
    assert!(!record.after(&seen(Ok(None)), "t2").is_over());
}

fn of(uid: &str, mut job: Job) -> Observed {
    job.uid = uid.to_owned();
    seen(Ok(Some(job)))
}

#[test]
fn a_job_of_a_later_release_is_followed_and_its_failure_stays_told_when_it_is_gone() {
    let first = BootstrapRecord::nothing_yet("t0").after(&seen(Ok(Some(ended("Complete")))), "t1");
    assert_eq!(first.release.as_deref(), Some("1.0.0"));
    let later = |look: Observed| Observed {
        release: Some("1.0.1".to_owned()),
        ..look
    };
    let same = first.after(&later(of("u1", running(0))), "t2");
    assert_eq!(
        (same.state, &same.since),
        (BootstrapState::Complete, &first.since)
    );
    assert_eq!(
        same.release.as_deref(),
        Some("1.0.0"),
        "it is about the first Job"
    );
    let running = first.after(&later(of("u2", running(0))), "t3");
    assert_eq!(running.state, BootstrapState::Running);
    assert!(
        running.is_proven() && !running.is_over(),
        "the company stays there"
    );
    let failed = running.after(&later(of("u2", ended("Failed"))), "t4");
    let gone = failed.after(&later(seen(Ok(None))), "t5");
    assert_eq!(
        (gone.state, gone.last_error.as_deref()),
        (BootstrapState::Failed, Some("R: m"))
    );
    assert_eq!(
        (gone.job_uid.as_deref(), gone.release.as_deref()),
        (Some("u2"), Some("1.0.1"))
    );
    let repaired = gone.after(&later(of("u3", ended("Complete"))), "t6");
    assert_eq!(
        (repaired.state, repaired.last_error),
        (BootstrapState::Complete, None)
    );
}

#[test]
fn the_log_of_one_job_is_not_told_of_another() {
    let mut failed = BootstrapRecord::nothing_yet("t0").after(&of("u1", ended("Failed")), "t1");
    (failed.log_excerpt, failed.log_pod) = (Some("ERROR".into()), Some("p".into()));
    let again = failed.after(&of("u2", ended("Failed")), "t2");
    assert_eq!(
        (&again.log_excerpt, &again.log_pod, again.since.as_str()),
        (&None, &None, "t2")
    );
    assert!(again.tells_more_than(&failed));
}

#[test]
fn a_job_that_came_and_went_unwatched_is_told_by_what_it_left() {
    let first = BootstrapRecord::nothing_yet("t0").after(&seen(Ok(Some(ended("Complete")))), "t1");
    let missed = Evidence::Ended {
        job: Some("u2".to_owned()),
        failure: Some("limit".to_owned()),
    };
    let failed = first.after(&with_evidence(missed), "t2");
    assert_eq!(
        (failed.state, failed.job_uid.as_deref()),
        (BootstrapState::Failed, Some("u2"))
    );
    assert!(failed.is_proven());
    assert_eq!(
        first.after(&with_evidence(Evidence::Works), "t2").state,
        BootstrapState::Complete
    );
    assert!(!first.after(&with_evidence(Evidence::Works), "t2").inferred);
}

#[test]
fn a_record_of_an_older_program_is_proven_by_its_state() {
    let mut old = serde_json::to_value(BootstrapRecord::nothing_yet("t0")).unwrap();
    old["state"] = json!("complete");
    let old: BootstrapRecord = serde_json::from_value(old).unwrap();
    assert!(old.is_proven() && !old.proven);
    assert!(old.after(&of("u2", running(0)), "t1").proven);
}

#[test]
fn the_event_of_a_failure_that_is_told_with_its_log_changes_nothing() {
    let mut failed = BootstrapRecord::nothing_yet("t0").after(&of("u1", ended("Failed")), "t1");
    failed.log_excerpt = Some("ERROR".into());
    let event = Evidence::Ended {
        job: Some("u1".to_owned()),
        failure: Some("limit".to_owned()),
    };
    let later = failed.after(&with_evidence(event), "t2");
    assert_eq!(
        (later.log_excerpt, later.last_error),
        (failed.log_excerpt, failed.last_error)
    );
}
