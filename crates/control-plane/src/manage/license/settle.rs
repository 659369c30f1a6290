//! Bringing the recovery seed up to the application's licence after a kill, or a cluster that did not answer,
//! came between the two.

use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use serde_json::{Value, json};

use super::pending::{Given, Pending, PendingFile};
use super::seed::{self, SeedChange};
use super::{LicenseError, ScriptError};
use crate::manage::Manage;
use crate::manage::application::{self, Said, Script};
use crate::seal_key;

/// Pause between two tries: an application that starts takes minutes.
const PAUSE: Duration = Duration::from_secs(30);

/// What an earlier change left.
#[derive(Debug)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// The application was asked; what it said is not known.
    Asked,
    /// What a code gave is not in the seed.
    Given(Given),
}

impl Manage {
    /// Settles what an earlier process left, once nobody works on the appliance and the application answers.
    pub(in crate::manage) async fn settle_license(self) {
        loop {
            match self.settle_once().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::info!(
                        error = chain(&error),
                        "the recovery seed of the licence is brought up to date later"
                    );
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether nothing is left. The lock is taken only when there is something to do.
    async fn settle_once(&self) -> Result<bool, LicenseError> {
        let pending = self.pending_license();
        if pending.load().await.map_err(LicenseError::Record)?.is_none() {
            return Ok(true);
        }
        let Ok(_lock) = self.lock("licence clean-up") else {
            return Ok(false);
        };
        let left = self.left_over().await?;
        self.settle(left).await?;
        pending.forget().await.map_err(LicenseError::Record)?;
        tracing::info!("the recovery seed of the licence is up to date again");
        Ok(true)
    }

    /// What an earlier change left. Gifts that cannot be opened are as if they had not been heard of.
    pub(super) async fn left_over(&self) -> Result<Left, LicenseError> {
        let pending = self
            .pending_license()
            .load()
            .await
            .map_err(LicenseError::Record)?;
        let Some(pending) = pending else {
            return Ok(Left::Nothing);
        };
        if !pending.holds_gifts() {
            return Ok(Left::Asked);
        }
        let cluster = self.cluster().await.map_err(LicenseError::Cluster)?;
        let key = match seal_key::get(cluster).await {
            Ok(key) => key,
            Err(seal_key::SealKeyError::Cluster(error)) => return Err(LicenseError::Cluster(error)),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "what an install code gave cannot be opened"
                );
                return Ok(Left::Asked);
            }
        };
        match pending.open(&key) {
            Ok(given) => Ok(given.map_or(Left::Asked, Left::Given)),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "what an install code gave cannot be opened"
                );
                Ok(Left::Asked)
            }
        }
    }

    /// Brings the seed up to what was left.
    pub(super) async fn settle(&self, left: Left) -> Result<(), LicenseError> {
        let change = match left {
            Left::Nothing => return Ok(()),
            Left::Given(given) => given.change,
            Left::Asked => self.in_use().await?,
        };
        let cluster = self.cluster().await.map_err(LicenseError::Seed)?;
        seed::save(cluster, &change).await.map_err(LicenseError::Seed)?;
        self.outdate_license();
        Ok(())
    }

    /// What the application says is in use.
    async fn in_use(&self) -> Result<SeedChange, LicenseError> {
        let cluster = self.cluster().await.map_err(LicenseError::Cluster)?;
        let said = application::run(cluster, Script::LicenseStatus, &json!({})).await;
        match said.map_err(LicenseError::Script)? {
            Said::Done(answer) => match answer.0.get("row").and_then(Value::as_object) {
                Some(row) => Ok(SeedChange::of_live(row)),
                // It has no licence: nothing was taken into use.
                None => Ok(SeedChange::of_live(&serde_json::Map::new())),
            },
            Said::Refused(_) => Err(LicenseError::Script(ScriptError::Starting)),
        }
    }

    /// Notes on the disk that the application is about to be asked.
    pub(super) async fn note_asked(&self) -> Result<(), LicenseError> {
        let now = iso_millis(self.0.clock.now());
        let noted = self.pending_license().store(Pending::asked(now)).await;
        noted.map_err(LicenseError::Record)
    }

    /// Keeps what a code gave until the seed has it. Where that fails, memory has it as long as this process
    /// lives, and after that the application is asked.
    pub(super) async fn keep_given(&self, code: &Secret<String>, change: &SeedChange) {
        let now = iso_millis(self.0.clock.now());
        let key = match self.cluster().await {
            Ok(cluster) => seal_key::get_or_create(cluster).await,
            Err(error) => Err(seal_key::SealKeyError::Cluster(error)),
        };
        let pending = match key {
            Ok(key) => Pending::given(now, &key, code, change).map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
        };
        let kept = match pending {
            Ok(pending) => self
                .pending_license()
                .store(pending)
                .await
                .map_err(|error| chain(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(error, "what an install code gave is kept in memory only");
        }
    }

    /// The seed has it, or nothing was changed.
    pub(super) async fn forget_pending(&self) {
        if let Err(error) = self.pending_license().forget().await {
            tracing::warn!(
                error = chain(&error),
                "a settled change of the licence is looked at again later"
            );
        }
    }

    fn pending_license(&self) -> PendingFile {
        let state = &self.0.settings.state_file;
        PendingFile::at(state.with_file_name(file::LICENSE_PENDING))
    }
}

impl LicenseError {
    /// Whether the application certainly took nothing into use.
    pub(super) fn changed_nothing(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::Busy(_)
            | Self::Refused(_)
            | Self::RefusedOtherwise(_)
            | Self::Cluster(_)
            | Self::Record(_)
            | Self::Script(ScriptError::NotRunning) => true,
            Self::Script(
                ScriptError::Starting
                | ScriptError::Unintelligible
                | ScriptError::Lost
                | ScriptError::Cluster(_),
            )
            | Self::Seed(_)
            | Self::Ending => false,
        }
    }
}
