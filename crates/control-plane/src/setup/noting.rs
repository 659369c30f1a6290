//! Events that are recorded however long the disk takes to accept them; meanwhile the board says why nothing
//! goes on.

use std::time::Duration;

use appliance_common::process::chain;

use super::failure::{Blame, Failure};
use super::plan::StepId;
use super::recorder::{RecordError, Recorder};
use super::run::{Event, Run};

/// Pause between two looks at what only another party can change: a lock, a full disk.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// What to do about a disk that takes nothing: it is full, or it was mounted read-only after an error.
pub(super) const DISK_NEXT: &str = "Make room on the disk of this box; if it is read-only, restart the box, which \
                                    checks it. Setup then goes on by itself.";

/// Blocks a run at the step under way, or at the first where there is none.
pub(super) async fn block(recorder: &Recorder, failure: Failure) {
    let under_way = match recorder.board().view().history.run {
        Run::Running { step } => step,
        _ => None,
    };
    let step = under_way.unwrap_or(StepId::Preflight);
    if under_way.is_none() {
        record(recorder, Event::StepStarted { step }).await;
    }
    record(recorder, Event::StepFailed { step, failure }).await;
}

/// Records that a run which the journal has under way has no engine any more.
pub(super) async fn note_interruption(recorder: &Recorder) {
    if matches!(recorder.board().view().history.run, Run::Running { .. }) {
        tracing::warn!("setup was interrupted and goes on");
        record(recorder, Event::Interrupted).await;
    }
}

/// Records an event, however long the disk takes to accept it; the board says why it waits.
pub(super) async fn record(recorder: &Recorder, event: Event) {
    loop {
        match recorder.record(event.clone()).await {
            Ok(()) | Err(RecordError::Ending) => return,
            Err(RecordError::Document(error)) => return warn_outdated(&error),
            Err(error) => show_unrecorded(recorder, &error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) async fn refresh_document(recorder: &Recorder) {
    if let Err(error) = recorder.project().await {
        warn_outdated(&error);
    }
}

/// The journal has what happened; the document for other readers follows with the next event.
pub(super) fn warn_outdated(error: &dyn std::error::Error) {
    tracing::warn!(error = chain(error), "the state document is out of date");
}

/// The disk does not take what happened: say so from memory. Setup goes on by itself once it does.
pub(super) fn show_unrecorded(recorder: &Recorder, error: &dyn std::error::Error) {
    tracing::error!(error = chain(error), "setup waits for its disk");
    let failure = Failure::new(
        Blame::RunSetupWorkflow,
        "state-write",
        "Setup waits because its progress cannot be recorded",
        chain(error),
        DISK_NEXT,
    );
    recorder
        .board()
        .change(|view| view.engine_failure = Some(failure));
}
