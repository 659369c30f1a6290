//! Storage: the local-path provisioner and the `StorageClass` of every claim, by the engine in `common`.

use std::error::Error;
use std::time::Duration;

use appliance_common::process::chain;
use appliance_common::storage::{Storage as Engine, StorageError};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::plan::StepId;

/// Backstop of the engine's own deadlines: the wait for its lock, the work and the clean-up.
const LIMIT: Duration = Duration::from_mins(40);

pub(super) struct Storage;

impl Step for Storage {
    fn id(&self) -> StepId {
        StepId::Storage
    }

    fn blame(&self) -> Blame {
        Blame::InstallLocalPathStorage
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let plan = engine(cx).await?.look().await;
            plan.map(|plan| plan.is_empty()).map_err(|error| failure(&error))
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let say = |text: String| cx.say(text);
            let report = engine(cx).await?.converge(&say).await;
            report
                .map(|report| Outcome::new(report.summary()))
                .map_err(|error| failure(&error))
        }
        .boxed()
    }
}

async fn engine(cx: &StepContext) -> Result<Engine, Failure> {
    let cluster = cx.cluster().await?.clone();
    Ok(Engine::new(
        cluster,
        cx.settings.storage.clone(),
        cx.clock.clone(),
    ))
}

fn failure(error: &StorageError) -> Failure {
    let (message, cause) = match error {
        StorageError::Cluster { .. } => (
            "Installing the storage provisioner did not succeed".to_owned(),
            chain(error),
        ),
        error => (
            format!("Preparing storage did not succeed: {error}"),
            error.source().map_or_else(|| error.to_string(), chain),
        ),
    };
    let blame = Blame::InstallLocalPathStorage;
    let failure = Failure::new(blame, error.category(), message, cause, error.next_step());
    if error.transient() {
        failure.passing()
    } else {
        failure
    }
}
