//! The Flux source and Kustomization. From here on Flux installs, and the box counts as installed.

use appliance_common::cluster::{ClusterError, Owner};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::ResourceExt;
use serde_json::json;

use super::{Outcome, Step, selection_file};
use crate::setup::chosen::Chosen;
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::objects::{self, FluxObject};
use crate::setup::plan::StepId;

pub(super) struct FluxSource;

impl Step for FluxSource {
    fn id(&self) -> StepId {
        StepId::FluxSource
    }

    fn blame(&self) -> Blame {
        Blame::ApplyFluxSource
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            for FluxObject { resource, object } in wanted(cx.chosen().await?) {
                let (namespace, name) = (object.namespace(), object.name_any());
                let live = cluster
                    .get_dynamic(&resource, namespace.as_deref(), &name)
                    .await
                    .map_err(|error| failure(&error))?;
                // The API server adds defaults; ours must be in there.
                let is_as_wanted = live.is_some_and(|live| {
                    object.data["spec"].as_object().is_some_and(|spec| {
                        spec.iter()
                            .all(|(key, value)| live.data.pointer(&format!("/spec/{key}")) == Some(value))
                    })
                });
                if !is_as_wanted {
                    return Ok(false);
                }
            }
            Ok(selection_file::load(cx)?.is_some_and(|selection| selection.installed_at.is_some()))
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let chosen = cx.chosen().await?;
            let cluster = cx.cluster().await?;
            for FluxObject { resource, object } in wanted(chosen) {
                cluster
                    .apply_dynamic(Owner::Setup, &resource, &object)
                    .await
                    .map_err(|error| failure(&error))?;
            }
            let live = selection_file::load(cx)?;
            let selection = selection_file::selection(cx, live.as_ref()).await?;
            selection_file::store(cx, &selection.installed(cx.clock.now()))?;
            Ok(outcome(chosen))
        }
        .boxed()
    }
}

/// The source before what reads it.
fn wanted(chosen: &Chosen) -> [FluxObject; 2] {
    let release = &chosen.release;
    [
        objects::oci_repository(&release.config_repository, &release.config_digest),
        objects::kustomization(),
    ]
}

fn outcome(chosen: &Chosen) -> Outcome {
    let release = &chosen.release;
    let [source, kustomization] = wanted(chosen);
    let facts = json!({
        "name": source.object.name_any(),
        "namespace": source.object.namespace(),
        "url": source.object.data["spec"]["url"],
        "digest": release.config_digest.as_str(),
        "tag": release.version.as_str(),
        "path": kustomization.object.data["spec"]["path"],
    });
    Outcome::new(format!("Flux installs release {} from here", release.version))
        .with_fact("fluxSource", facts)
}

fn failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(Blame::ApplyFluxSource, "Handing the release to Flux", error)
}
