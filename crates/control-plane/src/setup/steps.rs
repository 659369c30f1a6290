//! What each step of an install does. A new step is one file here and one line in [`all`] and in the
//! plan.

mod config_maps;
mod flux_controllers;
mod flux_source;
mod maintenance_metadata;
mod namespaces;
mod preflight;
mod redeem_install_code;
mod render_values;
mod resolve_release;
mod secrets;
mod selection_file;
mod storage;

use std::error::Error;
use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::process::chain;
use appliance_common::release::registry::RegistryError;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::context::StepContext;
use super::failure::{Blame, Failure};
use super::plan::StepId;

/// What a step has to show for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// One sentence for the operator.
    pub summary: String,
    /// Keys for the state document (20 §4).
    pub facts: Map<String, Value>,
}

impl Outcome {
    /// An outcome without facts.
    pub fn new(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            facts: Map::new(),
        }
    }

    /// With one key of the state document.
    #[must_use]
    pub fn with_fact(mut self, key: &str, value: Value) -> Self {
        self.facts.insert(key.to_owned(), value);
        self
    }
}

/// One step of an install. Running it twice must leave what running it once leaves.
pub trait Step: Send + Sync {
    /// Which one.
    fn id(&self) -> StepId;

    /// What is to blame when it takes too long.
    fn blame(&self) -> Blame;

    /// Its deadline.
    fn limit(&self) -> Duration {
        Duration::from_mins(2)
    }

    /// A cheap look at the live system: is the result still there, from these answers?
    ///
    /// # Errors
    /// When that cannot be told.
    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>>;

    /// Makes it so.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>>;
}

/// Every step, in the order of the plan.
#[must_use]
pub fn all() -> Vec<Box<dyn Step>> {
    vec![
        Box::new(preflight::Preflight),
        Box::new(storage::Storage),
        Box::new(flux_controllers::FluxControllers),
        Box::new(resolve_release::ResolveRelease),
        Box::new(render_values::RenderValues),
        Box::new(namespaces::Namespaces),
        Box::new(redeem_install_code::RedeemInstallCode),
        Box::new(secrets::Secrets),
        Box::new(config_maps::ConfigMaps),
        Box::new(selection_file::SelectionStep),
        Box::new(flux_source::FluxSource),
        Box::new(maintenance_metadata::MaintenanceMetadataStep),
    ]
}

/// An object of the application was not taken.
fn apply_failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(
        Blame::ApplyRuntimeValues,
        "Storing the application's settings in the cluster",
        error,
    )
}

/// The registry did not give what was asked for.
pub(super) fn registry_failure(step: Blame, error: &RegistryError) -> Failure {
    let category = error.category().as_str();
    let (message, cause) = (
        error.to_string(),
        error.source().map_or_else(|| error.to_string(), chain),
    );
    Failure {
        retry_safe: error.retry_safe(),
        transient: error.transient(),
        ..Failure::new(step, category, message, cause, error.next_step())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::PLAN;
    use super::*;

    #[test]
    fn the_steps_are_those_of_the_plan_in_its_order() {
        assert_eq!(all().iter().map(|step| step.id()).collect::<Vec<_>>(), PLAN);
    }
}
