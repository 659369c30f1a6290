//! The stored answers, with their secrets, for a run that is resumed.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::meter::Meter;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;

use super::Setup;
use super::board::Board;
use super::failure::{Blame, Failure};
use super::inputs::{SetupInputs, StoredInputs};
use super::seal::SealKey;
use super::seal_key::{self, SealKeyError};

/// Pause between two looks for a cluster that does not answer.
const PAUSE: Duration = Duration::from_secs(2);

impl Setup {
    /// Opens the stored answers; waits as long as the cluster, which holds the key, does not answer.
    pub(super) async fn unseal(&self, board: &Board) -> Result<(SetupInputs, String), Failure> {
        let stored: StoredInputs = StateFile::at(&self.settings.inputs_file)
            .load()
            .map_err(|error| unreadable(&chain(&error)))?
            .ok_or_else(|| unreadable("setup-inputs.json is gone"))?;
        let sealed = stored
            .sealed
            .as_deref()
            .ok_or_else(|| unreadable("they hold no password any more"))?;
        let key = self.await_key(board).await?;
        let secrets = key
            .open(&stored.submission_id, sealed)
            .map_err(|error| unreadable(&chain(&error)))?;
        let inputs =
            SetupInputs::from_stored(&stored, &secrets).map_err(|error| unreadable(&chain(&error)))?;
        Ok((inputs, stored.submission_id))
    }

    async fn await_key(&self, board: &Board) -> Result<SealKey, Failure> {
        loop {
            match self.key().await {
                Ok(key) => return Ok(key),
                Err(SealKeyError::Cluster(error)) if is_not_up_yet(&error) => {
                    board.say(format!("waiting for the cluster: {}", chain(&error)));
                    tokio::time::sleep(PAUSE).await;
                }
                Err(SealKeyError::Cluster(error)) => {
                    return Err(Failure::of_cluster(
                        Blame::RunSetupWorkflow,
                        "Opening your stored answers",
                        &error,
                    ));
                }
                Err(error @ (SealKeyError::Unusable(_) | SealKeyError::Gone)) => {
                    return Err(unreadable(&chain(&error)));
                }
            }
        }
    }

    /// The key that the stored answers were sealed with.
    pub(super) async fn key(&self) -> Result<SealKey, SealKeyError> {
        let cluster = self
            .settings
            .cluster
            .open(Arc::new(Meter::default()))
            .await
            .map_err(SealKeyError::Cluster)?;
        seal_key::get(&cluster).await
    }
}

/// Right after a boot the kubeconfig may not have been written yet.
fn is_not_up_yet(error: &ClusterError) -> bool {
    error.transient() || matches!(error, ClusterError::NotConfigured { .. })
}

fn unreadable(cause: &str) -> Failure {
    Failure::new(
        Blame::RenderInitialTenantSecret,
        "answers",
        "Your stored answers cannot be opened",
        cause,
        "Enter them again on the setup page; nothing else is lost.",
    )
    .correctable()
}
