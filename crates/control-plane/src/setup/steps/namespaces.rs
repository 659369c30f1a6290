//! The application's namespaces, which Flux must never prune: they hold the customer's data.

use appliance_common::cluster::Owner;
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use k8s_openapi::api::core::v1::Namespace;

use super::{Outcome, Step, apply_failure};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::objects;
use crate::setup::plan::StepId;

pub(super) struct Namespaces;

impl Step for Namespaces {
    fn id(&self) -> StepId {
        StepId::Namespaces
    }

    fn blame(&self) -> Blame {
        Blame::ApplyRuntimeValues
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            for wanted in objects::application_namespaces() {
                let name = wanted.metadata.name.as_deref().unwrap_or_default();
                let live: Option<Namespace> = cluster
                    .get(None, name)
                    .await
                    .map_err(|error| apply_failure(&error))?;
                let annotated = live.is_some_and(|live| {
                    let live = live.metadata.annotations.unwrap_or_default();
                    wanted
                        .metadata
                        .annotations
                        .iter()
                        .flatten()
                        .all(|(key, value)| live.get(key) == Some(value))
                });
                if !annotated {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let wanted = objects::application_namespaces();
            try_join_all(
                wanted
                    .iter()
                    .map(|namespace| cluster.apply(Owner::Setup, namespace)),
            )
            .await
            .map_err(|error| apply_failure(&error))?;
            Ok(Outcome::new("the application's three namespaces are there"))
        }
        .boxed()
    }
}
