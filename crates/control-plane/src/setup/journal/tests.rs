use super::super::plan::StepId;
use super::super::run::{Run, Trigger};
use super::*;
use crate::setup::handover::BootstrapRecord;

fn journal(dir: &Path) -> Journal {
    Journal::open(&dir.join("journal.ndjson"), Clock::system()).unwrap()
}

fn run_started() -> Event {
    Event::RunStarted {
        run: "r".into(),
        boot_id: "b".into(),
        trigger: Trigger::Submitted,
        inputs: None,
    }
}

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = journal(dir.path());
    first
        .append(Event::Submitted {
            submission: "s".into(),
        })
        .unwrap();
    first.append(run_started()).unwrap();
    first
        .append(Event::StepStarted {
            step: StepId::Preflight,
        })
        .unwrap();
    let again = journal(dir.path());
    assert_eq!(again.history(), first.history());
    assert_eq!(
        again.history().run,
        Run::Running {
            step: Some(StepId::Preflight)
        }
    );
}

#[test]
fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.ndjson");
    let mut first = journal(dir.path());
    first
        .append(Event::Submitted {
            submission: "s".into(),
        })
        .unwrap();
    let good = std::fs::read(&path).unwrap();
    first.append(run_started()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in good.len()..whole.len() {
        append(&path, 0, &whole[..length]).unwrap();
        let mut torn = journal(dir.path());
        assert_eq!(torn.history().run, Run::Queued, "torn at {length}");
        torn.append(run_started()).unwrap();
        assert_eq!(
            journal(dir.path()).history().run,
            Run::Running { step: None },
            "torn at {length}"
        );
    }
}

#[test]
fn what_another_process_wrote_is_taken_in_and_written_after() {
    let dir = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (journal(dir.path()), journal(dir.path()));
    let submission = "s".to_owned();
    one.append(Event::Submitted { submission }).unwrap();
    assert!(other.catch_up().unwrap());
    assert!(!other.catch_up().unwrap());
    other.append(run_started()).unwrap();
    assert!(one.catch_up().unwrap());
    assert_eq!(one.history(), other.history());
    one.append(Event::Interrupted).unwrap();
    assert_eq!(journal(dir.path()).history(), one.history());
}

#[test]
fn damage_before_the_last_line_is_an_error_never_an_empty_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.ndjson");
    for (content, line) in [("garbage\n", 1), ("{\"at\":\"x\",\"event\":\"completed\"}\n", 1)] {
        truncate_or_create(&path);
        append(&path, 0, content.as_bytes()).unwrap();
        match Journal::open(&path, Clock::system()) {
            Err(JournalError::Corrupt { line: found, .. } | JournalError::Illegal { line: found, .. }) => {
                assert_eq!(found, line);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn truncate_or_create(path: &Path) {
    File::create(path).unwrap();
}

#[test]
fn a_new_submission_forgets_the_steps_of_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = journal(dir.path());
    journal
        .append(Event::Submitted {
            submission: "s".into(),
        })
        .unwrap();
    journal.append(run_started()).unwrap();
    journal
        .append(Event::StepStarted {
            step: StepId::Preflight,
        })
        .unwrap();
    assert!(
        journal
            .append(Event::Submitted {
                submission: "t".into()
            })
            .is_err(),
        "a run is under way"
    );
    journal.append(Event::Interrupted).unwrap();
    journal
        .append(Event::Submitted {
            submission: "t".into(),
        })
        .unwrap();
    assert_eq!(journal.history().attempt, 0);
    assert!(journal.history().steps.iter().all(|step| step.attempt == 0));
}

fn observed(attempts: u32) -> Event {
    let mut bootstrap = BootstrapRecord::nothing_yet("t0");
    (bootstrap.attempts, bootstrap.log_excerpt) = (attempts, Some("x".repeat(16 * 1024)));
    Event::BootstrapObserved {
        bootstrap: Box::new(bootstrap),
    }
}

/// One that has grown long: complete, with many observations of its release.
fn long(dir: &Path) -> Journal {
    let mut journal = journal(dir);
    let submission = "s".to_owned();
    journal.append(Event::Submitted { submission }).unwrap();
    journal.append(run_started()).unwrap();
    journal.append(Event::Completed).unwrap();
    let mut attempts = 0;
    while journal.good_length <= ROTATE_AT {
        attempts += 1;
        journal.append(observed(attempts)).unwrap();
    }
    journal
}

#[test]
fn of_many_observations_only_the_newest_is_kept_once_the_journal_is_long() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = long(dir.path());
    let before = written.history().clone();
    written.append(observed(7)).unwrap();
    assert!(written.good_length < ROTATE_AT / 10, "{}", written.good_length);
    let again = journal(dir.path());
    assert_eq!(again.history(), written.history());
    assert_eq!((again.good_length, again.lines), (written.good_length, 4));
    assert_eq!(again.history().since, before.since);
    assert_eq!(again.history().bootstrap.as_ref().unwrap().attempts, 7);
}

/// A long one in the middle of a setup, for which an operator has another try.
fn long_and_interrupted(dir: &Path) -> Journal {
    let mut journal = journal(dir);
    let submission = "s".to_owned();
    journal.append(Event::Submitted { submission }).unwrap();
    while journal.good_length <= ROTATE_AT {
        let (run, boot_id) = ("r".repeat(32 * 1024), "b".to_owned());
        let (trigger, inputs) = (Trigger::Operator, None);
        journal
            .append(Event::RunStarted {
                run,
                boot_id,
                trigger,
                inputs,
            })
            .unwrap();
        journal.append(Event::Interrupted).unwrap();
    }
    journal
}

#[test]
fn answers_begin_a_journal_of_their_own_and_the_long_one_is_kept_beside() {
    let dir = tempfile::tempdir().unwrap();
    let mut long = long_and_interrupted(dir.path());
    let text = std::fs::read(dir.path().join("journal.ndjson")).unwrap();
    let submission = "t".to_owned();
    long.append(Event::Submitted { submission }).unwrap();
    long.append(run_started()).unwrap();
    assert_eq!(std::fs::read(dir.path().join("journal.ndjson.1")).unwrap(), text);
    let again = journal(dir.path());
    assert_eq!(
        (again.lines, &again.history().run),
        (2, &Run::Running { step: None })
    );
}

#[test]
fn a_disk_that_takes_no_new_journal_leaves_the_long_one_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut long = long_and_interrupted(dir.path());
    let before = long.history().clone();
    // A directory that cannot be removed as a file stands in the way.
    std::fs::create_dir(dir.path().join("journal.ndjson.1")).unwrap();
    let submission = "t".to_owned();
    assert!(long.append(Event::Submitted { submission }).is_err());
    assert_eq!(long.history(), &before);
    long.append(run_started()).unwrap();
    assert_eq!(
        journal(dir.path()).history(),
        long.history(),
        "another try follows from what is there"
    );
}

#[test]
fn nothing_is_written_behind_the_end_of_a_journal_that_somebody_shortened() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = journal(dir.path());
    let submission = "s".to_owned();
    written.append(Event::Submitted { submission }).unwrap();
    truncate_or_create(&dir.path().join("journal.ndjson"));
    assert!(written.append(run_started()).is_err());
    assert!(written.catch_up().unwrap());
    assert_eq!(written.history().run, Run::Empty);
}
