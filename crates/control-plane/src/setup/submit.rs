//! Taking answers: everything is checked and made durable before anybody is told that it was.

mod kept;

use appliance_common::host::lock_appliance;
use appliance_common::meter::Meter;
use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::{FileLock, LockError, StateFile, StateFileError};
use std::sync::Arc;

use super::inputs::{AcceptedInputs, InputErrors, RawInputs, SetupInputs, StoredInputs};
use super::recorder::RecordError;
use super::run::{Event, Trigger};
use super::seal::SealError;
use super::seal_key::{self, SealKeyError};
use super::{Refusal, Setup};

/// Why a submission was not accepted; nothing was then stored.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Setup is not in a state that takes answers.
    #[error("{0}")]
    Refused(Refusal),
    /// The answers themselves.
    #[error(transparent)]
    Invalid(InputErrors),
    /// The appliance is being changed by somebody else.
    #[error("something else is changing this appliance")]
    Busy(#[source] LockError),
    /// The password cannot be protected, because the cluster does not answer.
    #[error("the cluster does not answer, so your password cannot be stored safely")]
    NoSeal(#[source] SealKeyError),
    /// The password cannot be protected.
    #[error("your password cannot be protected")]
    Seal(#[source] SealError),
    /// The disk.
    #[error("your answers could not be stored")]
    Store(#[source] StateFileError),
    /// The disk, after the answers were stored.
    #[error("your answers could not be recorded")]
    Record(#[source] RecordError),
}

impl Setup {
    /// Checks answers, stores them, and starts the install.
    ///
    /// # Errors
    /// [`SubmitError`]; of two submissions at once, one is refused.
    pub async fn submit(&self, raw: &RawInputs) -> Result<AcceptedInputs, SubmitError> {
        let _one_at_a_time = self.accepting.lock().await;
        let recorder = self.check_accepts().map_err(SubmitError::Refused)?;
        let inputs = self.checked(raw).await?;
        let lock = self.lock("setup").map_err(SubmitError::Busy)?;
        // Another process may have gone on since; what it left decides.
        recorder.catch_up().await.map_err(SubmitError::Record)?;
        self.check_accepts().map_err(SubmitError::Refused)?;
        let submission = random::id();
        let before = self.stored_inputs();
        let stored = self.seal(&inputs, &submission).await?;
        let stored = stored.keeping_unknown(before.as_ref());
        self.store_inputs(stored.clone()).await?;
        recorder.set_inputs(stored.brief());
        match recorder
            .record(Event::Submitted {
                submission: submission.clone(),
            })
            .await
        {
            Ok(()) => {}
            Err(RecordError::Document(error)) => {
                tracing::warn!(error = chain(&error), "the state document is out of date");
            }
            Err(error) => {
                self.put_back(before).await;
                return Err(SubmitError::Record(error));
            }
        }
        let accepted = AcceptedInputs::from(&inputs);
        if self.settings.queue_disabled {
            tracing::info!("setup is queued and not started: ALGA_APPLIANCE_DISABLE_SETUP_QUEUE is set");
            return Ok(accepted);
        }
        let answers = Some((inputs, submission));
        self.start(recorder.clone(), lock, Some(Trigger::Submitted), answers);
        Ok(accepted)
    }

    pub(super) fn lock(&self, what: &str) -> Result<FileLock, LockError> {
        let note = format!("{what} (control plane, pid {})", std::process::id());
        lock_appliance(&self.settings.lock_file(), &note)
    }

    async fn seal(&self, inputs: &SetupInputs, submission: &str) -> Result<StoredInputs, SubmitError> {
        let cluster = self
            .settings
            .cluster
            .open(Arc::new(Meter::default()))
            .await
            .map_err(|error| SubmitError::NoSeal(SealKeyError::Cluster(error)))?;
        let key = seal_key::get_or_create(&cluster)
            .await
            .map_err(SubmitError::NoSeal)?;
        let sealed = key
            .seal(submission, &inputs.secrets())
            .map_err(SubmitError::Seal)?;
        Ok(StoredInputs::new(inputs, submission, sealed))
    }

    /// The answers that were there before ones that could not be recorded.
    async fn put_back(&self, before: Option<StoredInputs>) {
        let result = match before {
            Some(before) => self.store_inputs(before).await,
            None => StateFile::<StoredInputs>::at(&self.settings.inputs_file)
                .remove()
                .map_err(SubmitError::Store),
        };
        if let Err(error) = result {
            tracing::warn!(
                error = chain(&error),
                "answers that were not accepted are still on disk"
            );
        }
    }

    pub(super) async fn store_inputs(&self, stored: StoredInputs) -> Result<(), SubmitError> {
        let file = StateFile::at(&self.settings.inputs_file);
        tokio::task::spawn_blocking(move || file.store(&stored))
            .await
            .map_err(|_| SubmitError::Record(RecordError::Ending))?
            .map_err(SubmitError::Store)
    }
}
