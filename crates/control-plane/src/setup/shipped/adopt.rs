//! Taking up what the shipped product left: its secrets are sealed, its failure becomes ours, and a setup
//! it had under way goes on.
//!
//! Each part may be cut off anywhere: the shipped document is copied before ours replaces it, the
//! sealed answers are stored before the submission is recorded, and a start that finds them unrecorded
//! takes them like any submission.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::meter::Meter;
use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::{StateFile, StateFileError};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::{Continuation, continuation, failure, plaintext};
use crate::setup::Setup;
use crate::setup::failure::{Blame, Failure};
use crate::setup::inputs::{SetupInputs, StoredInputs};
use crate::setup::noting::{DISK_NEXT, record};
use crate::setup::recorder::Recorder;
use crate::setup::run::{Event, Run, Trigger};
use crate::setup::seal::SealKey;
use crate::setup::seal_key::{self, SealKeyError};
use crate::setup::selection::{ReleaseSelection, SelectionFile};

/// Pause between two looks for a cluster or a disk that is not ready.
const PAUSE: Duration = Duration::from_secs(2);

/// What the shipped document is kept as once ours has replaced it.
const KEPT_DOCUMENT: &str = "install-state.shipped.json";

/// The shipped product's count of automatic retries, beside its state document.
const RETRIES: &str = "auto-retry-state.json";
/// Automatic retries after which it gave up.
const MAX_RETRIES: u64 = 10;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Retries {
    attempts: u64,
}

impl Setup {
    /// Takes up what the shipped product left, if anything. Only for an empty journal.
    pub(in crate::setup) async fn adopt_shipped(&self, recorder: &Recorder) {
        let selection = SelectionFile::at(&self.settings.selection_file).load();
        let (Ok(document), Ok(selection)) = (self.shipped_document(), selection) else {
            // Every answer of the API says which file cannot be read.
            return;
        };
        let Some(document) = document else {
            return self.erase_plaintext();
        };
        match continuation(&document, selection.is_some()) {
            Continuation::Resume => self.adopt_setup(recorder, &document, None).await,
            Continuation::Reopen => {
                let failure = failure(&document, self.tries_again());
                self.adopt_setup(recorder, &document, Some(failure)).await;
            }
            Continuation::Finished => {
                self.erase_plaintext();
                if let Some(selection) = selection {
                    self.mark_installed(&selection, &document);
                }
            }
            Continuation::SelectionLost => self.find_selection(recorder, &document).await,
            Continuation::Unclear(why) => show(recorder, unclear(&why)),
        }
    }

    /// A setup that is not over: with `failure` it stays blocked, else it goes on.
    async fn adopt_setup(&self, recorder: &Recorder, document: &Value, failure: Option<Failure>) {
        let kept = self.settings.state_file.with_file_name(KEPT_DOCUMENT);
        self.persist(recorder, || StateFile::at(&kept).store(document))
            .await;
        let Some(key) = self.seal_key(recorder).await else {
            return;
        };
        let lock = self.wait_for_lock(recorder).await;
        // Somebody may have submitted answers meanwhile; theirs count.
        let one_at_a_time = self.accepting.lock().await;
        if recorder.board().view().history.run != Run::Empty {
            return;
        }
        let kept = self.settings.state_file.with_file_name(KEPT_DOCUMENT);
        self.persist(recorder, || StateFile::at(&kept).store(document))
            .await;
        let submission = random::id();
        let inputs = self.seal_shipped(recorder, &key, &submission).await;
        let event = Event::Submitted {
            submission: submission.clone(),
        };
        record(recorder, event).await;
        drop(one_at_a_time);
        match (inputs, failure) {
            (_, Some(failure)) | (Err(failure), None) => self.block_at_start(recorder, failure).await,
            (Ok(_), None) if self.settings.queue_disabled => {}
            (Ok(inputs), None) => {
                let answers = Some((inputs, submission));
                self.start(recorder.clone(), lock, Some(Trigger::Resumed), answers);
            }
        }
    }

    /// Seals the answers on the disk and erases them there. `Err` says why they cannot be used; nothing
    /// in plain text is left then either.
    async fn seal_shipped(
        &self,
        recorder: &Recorder,
        key: &SealKey,
        submission: &str,
    ) -> Result<SetupInputs, Failure> {
        let stored = self.stored_inputs();
        let secrets = stored.as_ref().and_then(StoredInputs::plain_secrets);
        let (Some(mut stored), Some(secrets)) = (stored, secrets) else {
            self.erase_plaintext();
            return Err(unusable("the password is not among what is left on the disk"));
        };
        let sealed = key
            .seal(submission, &secrets)
            .map_err(|error| unusable(&chain(&error)))?;
        let inputs = SetupInputs::from_stored(&stored, &secrets);
        if let Ok(inputs) = &inputs {
            inputs.license.mode().clone_into(&mut stored.license_mode);
        }
        submission.clone_into(&mut stored.submission_id);
        stored.sealed = Some(sealed);
        let file = StateFile::at(&self.settings.inputs_file);
        self.persist(recorder, || file.store(&stored)).await;
        recorder.set_inputs(stored.brief());
        inputs.map_err(|error| unusable(&chain(&error)))
    }

    /// The key, made if there is none yet; waits as long as the cluster does not answer. `None` when it
    /// answers and has no usable key.
    async fn seal_key(&self, recorder: &Recorder) -> Option<SealKey> {
        loop {
            let cluster = self.settings.cluster.open(Arc::new(Meter::default())).await;
            let key = match cluster {
                Ok(cluster) => seal_key::get_or_create(&cluster).await,
                Err(error) => Err(SealKeyError::Cluster(error)),
            };
            match key {
                Ok(key) => return Some(key),
                Err(SealKeyError::Cluster(error)) => {
                    recorder
                        .board()
                        .say(format!("waiting for the cluster: {}", chain(&error)));
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    show(recorder, unusable(&chain(&error)));
                    return None;
                }
            }
        }
    }

    /// Takes secrets out of answers that nobody needs any more.
    fn erase_plaintext(&self) {
        let file = StateFile::<Value>::at(&self.settings.inputs_file);
        let Ok(Some(mut inputs)) = file.load() else {
            return;
        };
        if plaintext::erase(&mut inputs)
            && let Err(error) = file.store(&inputs)
        {
            tracing::warn!(
                error = chain(&error),
                "passwords of an earlier version are still on disk; the next start tries again"
            );
        }
    }

    /// The shipped product did not say since when a box is installed.
    fn mark_installed(&self, selection: &ReleaseSelection, document: &Value) {
        if selection.schema_version.is_some() || selection.installed_at.is_some() {
            return;
        }
        let known = [document["updatedAt"].as_str(), Some(&selection.updated_at)];
        let known = known.into_iter().flatten().find(|at| !at.is_empty());
        let at = known.map_or_else(|| iso_millis(self.clock.now()), str::to_owned);
        let installed = ReleaseSelection {
            installed_at: Some(at),
            ..selection.clone()
        };
        if let Err(error) = SelectionFile::at(&self.settings.selection_file).store(&installed) {
            tracing::warn!(
                error = chain(&error),
                "when this box was installed is not recorded yet"
            );
        }
    }

    async fn find_selection(&self, recorder: &Recorder, document: &Value) {
        self.erase_plaintext();
        show(recorder, selection_lost("the cluster has not been asked yet"));
        loop {
            match self.selection_of_cluster().await {
                Ok(Some(selection)) => {
                    self.mark_installed(&selection, document);
                    return recorder.board().change(|view| view.engine_failure = None);
                }
                Ok(None) => return show(recorder, selection_lost("the cluster knows of no release either")),
                Err(error) => show(recorder, selection_lost(&chain(&error))),
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether the shipped product would have tried again by itself.
    fn tries_again(&self) -> bool {
        let path = self.settings.state_file.with_file_name(RETRIES);
        let retries = StateFile::<Retries>::at(path).load().ok().flatten();
        retries.unwrap_or_default().attempts < MAX_RETRIES
    }

    /// Writes, however long the disk takes to accept it; the board says why it waits.
    async fn persist(&self, recorder: &Recorder, store: impl Fn() -> Result<(), StateFileError>) {
        while let Err(error) = store() {
            show(recorder, unwritable(&chain(&error)));
            sleep(PAUSE).await;
        }
    }
}

/// Told from memory: the document is not ours to change.
fn show(recorder: &Recorder, failure: Failure) {
    recorder
        .board()
        .change(|view| view.engine_failure = Some(failure));
}

fn unusable(cause: &str) -> Failure {
    Failure::new(
        Blame::RenderInitialTenantSecret,
        "answers",
        "Setup was interrupted under an earlier version, and its answers cannot be used any more",
        cause,
        "Enter them again on the setup page; what was installed so far is kept.",
    )
    .correctable()
}

fn unwritable(cause: &str) -> Failure {
    Failure::new(
        Blame::RunSetupWorkflow,
        "state-write",
        "Setup waits because the answers of the earlier version cannot be stored safely",
        cause,
        DISK_NEXT,
    )
}

fn selection_lost(cause: &str) -> Failure {
    Failure::new(
        Blame::WriteReleaseSelection,
        "selection-lost",
        "This appliance is installed, but the record of its release is gone",
        cause,
        "Restore release-selection.json or its .bak beside it, or make a support bundle. The application is not \
         touched, and setup does not start over what is there.",
    )
}

fn unclear(why: &str) -> Failure {
    Failure {
        retry_safe: false,
        ..Failure::new(
            Blame::RunSetupWorkflow,
            "state-unknown",
            "The record of this appliance's installation is not known to this version",
            why,
            "Start the newer version again, or make a support bundle; nothing is changed until then.",
        )
    }
}
