//! The licence of a running appliance: a key taken into use, a code redeemed, and what is in use.
//!
//! The application does it, by its own scripts; what it gives is then kept in the recovery seed, from which
//! a new database would be licensed.

mod claims;
mod pending;
mod seed;
mod settle;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use appliance_common::cluster::ClusterError;
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use appliance_common::state_file::{LockError, StateFileError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Manage;
pub use super::application::ScriptError;
use super::application::{self, Said, Script};
use crate::license_text;
use seed::SeedChange;
use settle::Left;
pub(super) use view::{LicenseView, read};

/// Reasons of the application that an operator is told in our words (40 §8.2).
const KNOWN_REASONS: [&str; 5] = [
    "invalid_claim_code",
    "expired_claim_code",
    "consumed_claim_code",
    "superseded_claim_code",
    "tenant_mismatch",
];

/// Why a licence was not changed, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum LicenseError {
    /// What was typed has not the shape of a key or code; a sentence.
    #[error("{0}")]
    Malformed(String),
    /// Setup, an update or another change is under way.
    #[error("something else is changing this appliance")]
    Busy(#[source] LockError),
    /// The application said no, and why in a word of ours.
    #[error("the application refused it: {0}")]
    Refused(&'static str),
    /// The application said no in a word that is not known here.
    #[error("the application refused it: {0}")]
    RefusedOtherwise(String),
    /// The application gave no answer.
    #[error("the application was not asked with success")]
    Script(#[source] ScriptError),
    /// The application took it, and the recovery seed was not changed. Trying again is safe.
    #[error("the licence is active, and its recovery seed was not saved")]
    Seed(#[source] ClusterError),
    /// The disk did not take the note that comes before the question; the application was not asked.
    #[error("noting that the licence is about to be changed")]
    Record(#[source] StateFileError),
    /// The cluster cannot be reached.
    #[error("reaching the cluster")]
    Cluster(#[source] ClusterError),
    /// The process is ending.
    #[error("the process is ending")]
    Ending,
}

/// What a redeemed code gave, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Redeemed {
    /// The edition, if the answer named one.
    pub edition: Option<String>,
    /// When the licence ends, as far as its token says.
    pub expires_at: Option<String>,
    /// What of the recovery seed was written, by name.
    pub saved: Vec<&'static str>,
}

/// What a code gave that is not in the seed yet: the code is used up, so it is kept for the next try.
#[derive(Default)]
pub(super) struct Unsaved(Mutex<Option<(Secret<String>, Arc<SeedChange>)>>);

impl Unsaved {
    fn of(&self, code: &Secret<String>) -> Option<Arc<SeedChange>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, change) = kept.as_ref()?;
        of.same_as(code.expose()).then(|| Arc::clone(change))
    }

    fn set(&self, unsaved: Option<(Secret<String>, Arc<SeedChange>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = unsaved;
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyInput<'a> {
    license_key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeInput<'a> {
    claim_code: &'a str,
}

impl Manage {
    /// Takes a licence key into use. Making it twice changes nothing more.
    ///
    /// # Errors
    /// [`LicenseError`]; only [`LicenseError::Seed`] and a lost answer leave anything changed.
    pub async fn apply_license(&self, typed: Secret<String>) -> Result<(), LicenseError> {
        let key = match license_text::license_key(typed.expose()) {
            Ok(Some(key)) => key,
            Ok(None) => return Err(LicenseError::Malformed("Enter the licence key.".to_owned())),
            Err(complaint) => return Err(LicenseError::Malformed(complaint.into_owned())),
        };
        let manage = self.clone();
        see_through(async move {
            let _lock = manage.lock("licence").map_err(LicenseError::Busy)?;
            let input = KeyInput {
                license_key: key.expose(),
            };
            let left = manage.left_over().await?;
            manage.change(left, Script::ApplyLicenseKey, &input).await?;
            let change = SeedChange::of_key(key.clone());
            manage.save(&change).await.map(drop)
        })
        .await
    }

    /// Redeems an install code. A code whose gifts could not be kept in the seed is not redeemed again:
    /// they are kept until the next try with it.
    ///
    /// # Errors
    /// [`LicenseError`]; only [`LicenseError::Seed`] and a lost answer leave anything changed.
    pub async fn redeem_code(&self, typed: Secret<String>) -> Result<Redeemed, LicenseError> {
        let code = match license_text::install_code(typed.expose()) {
            Ok(Some(code)) => code,
            Ok(None) => return Err(LicenseError::Malformed("Enter the install code.".to_owned())),
            Err(complaint) => return Err(LicenseError::Malformed(complaint.into_owned())),
        };
        let manage = self.clone();
        see_through(async move {
            let _lock = manage.lock("licence").map_err(LicenseError::Busy)?;
            let change = match manage.0.unsaved.of(&code) {
                Some(change) => change,
                None => manage.redeemed(&code).await?,
            };
            let saved = manage.save(&change).await?;
            manage.0.unsaved.set(None);
            Ok(change.summary(saved))
        })
        .await
    }

    /// What a code gave: what was kept of it, else what the application says when it redeems it. It is kept
    /// until it is saved.
    async fn redeemed(&self, code: &Secret<String>) -> Result<Arc<SeedChange>, LicenseError> {
        let left = match self.left_over().await? {
            Left::Given(given) if given.is_of(code) => return Ok(Arc::new(given.change)),
            left => left,
        };
        let input = CodeInput {
            claim_code: code.expose(),
        };
        let answer = self.change(left, Script::RedeemClaimCode, &input).await?;
        let change = Arc::new(SeedChange::of_answer(&answer));
        self.0.unsaved.set(Some((code.clone(), Arc::clone(&change))));
        self.keep_given(code, &change).await;
        Ok(change)
    }

    /// Has the application change its licence. What an earlier change left goes first; that it is asked is on
    /// the disk before it is.
    async fn change(
        &self,
        left: Left,
        script: Script,
        input: &impl Serialize,
    ) -> Result<Map<String, Value>, LicenseError> {
        let settled = match left {
            // Its gifts are nowhere else: nothing newer may take their place.
            Left::Given(_) => self.settle(left).await.map(|()| true)?,
            Left::Asked => self.settle(left).await.is_ok(),
            Left::Nothing => true,
        };
        self.note_asked().await?;
        let asked = self.ask(script, input).await;
        match &asked {
            Ok(_) => self.outdate_license(),
            Err(error) if settled && error.changed_nothing() => self.forget_pending().await,
            // What the application made of it is asked later.
            Err(_) => {}
        }
        asked
    }

    /// Brings the seed up to a change that the application has made.
    async fn save(&self, change: &SeedChange) -> Result<Vec<&'static str>, LicenseError> {
        let cluster = self.cluster().await.map_err(LicenseError::Seed)?;
        let saved = seed::save(cluster, change).await.map_err(LicenseError::Seed)?;
        self.forget_pending().await;
        Ok(saved)
    }

    async fn ask(&self, script: Script, input: &impl Serialize) -> Result<Map<String, Value>, LicenseError> {
        let cluster = self.cluster().await.map_err(LicenseError::Cluster)?;
        match application::run(cluster, script, input).await {
            Ok(Said::Done(answer)) => Ok(answer.0),
            Ok(Said::Refused(reason)) => {
                let known = KNOWN_REASONS.into_iter().find(|known| *known == reason);
                Err(known.map_or(LicenseError::RefusedOtherwise(reason), LicenseError::Refused))
            }
            Err(error) => Err(LicenseError::Script(error)),
        }
    }
}

/// Runs a change in a task of its own, so that a client which stops waiting stops nothing half-way.
async fn see_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, LicenseError>> + Send + 'static,
) -> Result<T, LicenseError> {
    match tokio::spawn(work).await {
        Ok(result) => {
            if let Err(error) = &result {
                tracing::warn!(error = chain(error), "a licence was not changed, or not wholly");
            }
            result
        }
        Err(_) => Err(LicenseError::Ending),
    }
}
