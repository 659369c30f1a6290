//! The six services' values and the release selection, as `ConfigMap`s that are wholly ours.

use appliance_common::cluster::Owner;
use appliance_common::names::namespace;
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use k8s_openapi::api::core::v1::ConfigMap;

use super::selection_file::selection;
use super::{Outcome, Step, apply_failure};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::objects;
use crate::setup::plan::StepId;

pub(super) struct ConfigMaps;

impl Step for ConfigMaps {
    fn id(&self) -> StepId {
        StepId::ConfigMaps
    }

    fn blame(&self) -> Blame {
        Blame::ApplyRuntimeValues
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let live: Vec<ConfigMap> = cluster
                .list(Some(namespace::ALGA_SYSTEM), "")
                .await
                .map_err(|error| apply_failure(&error))?;
            Ok(wanted(cx).await?.iter().all(|wanted| {
                live.iter()
                    .any(|live| live.metadata.name == wanted.metadata.name && live.data == wanted.data)
            }))
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let wanted = wanted(cx).await?;
            try_join_all(
                wanted
                    .iter()
                    .map(|config_map| cluster.apply(Owner::Setup, config_map)),
            )
            .await
            .map_err(|error| apply_failure(&error))?;
            Ok(Outcome::new(
                "the settings of six services and the release selection are stored",
            ))
        }
        .boxed()
    }
}

async fn wanted(cx: &StepContext) -> Result<Vec<ConfigMap>, Failure> {
    let chosen = cx.chosen().await?;
    let mut wanted: Vec<ConfigMap> = chosen.values.iter().map(objects::values_config_map).collect();
    wanted.push(objects::release_selection(
        &selection(cx, None).await?,
        &chosen.release,
    ));
    Ok(wanted)
}
