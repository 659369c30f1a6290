//! The Flux source and Kustomization. From here on Flux installs, and the box counts as installed.

use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Judgement, Owner, Wait};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::json;

use super::{Outcome, Step, selection_file};
use crate::setup::chosen::Chosen;
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::objects::{self, FluxObject};
use crate::setup::plan::StepId;

/// Longest wait for an object of the same name that is being deleted.
const DELETION_LIMIT: Duration = Duration::from_mins(1);

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
            for wanted in wanted(cx.chosen().await?) {
                let live = read(cluster, &wanted).await.map_err(|error| failure(&error))?;
                let is_as_wanted =
                    live.is_some_and(|live| !is_going(&live) && wanted.deviation(&live).is_none());
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
            let mut undone = Vec::new();
            for wanted in wanted(chosen) {
                undone.extend(
                    take(cx, cluster, &wanted)
                        .await
                        .map_err(|error| failure(&error))?,
                );
            }
            let live = selection_file::load(cx)?;
            let selection = selection_file::selection(cx, live.as_ref()).await?;
            selection_file::store(cx, &selection.installed(cx.clock.now()))?;
            Ok(outcome(chosen, &undone))
        }
        .boxed()
    }
}

async fn read(cluster: &Cluster, wanted: &FluxObject) -> Result<Option<DynamicObject>, ClusterError> {
    let FluxObject { resource, object, .. } = wanted;
    let namespace = object.namespace();
    cluster
        .get_dynamic(resource, namespace.as_deref(), &object.name_any())
        .await
}

/// Makes the live object be as wanted and nothing beside it; gives what was taken out of it.
///
/// Apply leaves alone what another field manager has set, so that goes in a second write. In between the
/// digest is there already, which Flux prefers to a tag.
async fn take(cx: &StepContext, cluster: &Cluster, wanted: &FluxObject) -> Result<Vec<String>, ClusterError> {
    let FluxObject { resource, object, .. } = wanted;
    let (namespace, name) = (object.namespace(), object.name_any());
    let mut live = cluster.apply_dynamic(Owner::Setup, resource, object).await?;
    if is_going(&live) {
        cx.say(format!(
            "waiting for a {} {name} that is being deleted",
            resource.kind
        ));
        let wait = Wait {
            resource,
            namespace: namespace.as_deref(),
            names: &[&name],
            limit: DELETION_LIMIT,
        };
        cluster.wait_until(&wait, is_gone).await?;
        live = cluster.apply_dynamic(Owner::Setup, resource, object).await?;
    }
    let foreign = wanted.deviation(&live).foreign;
    if foreign.is_empty() {
        return Ok(foreign);
    }
    let change = FluxObject::without_foreign(&live, &foreign);
    cluster
        .merge_dynamic(resource, namespace.as_deref(), &name, &change)
        .await?;
    let paths = foreign.into_iter();
    Ok(paths
        .map(|path| format!("{} spec.{path}", resource.kind))
        .collect())
}

fn is_going(live: &DynamicObject) -> bool {
    live.metadata.deletion_timestamp.is_some()
}

fn is_gone(live: Option<&DynamicObject>) -> Judgement {
    match live {
        Some(live) if is_going(live) => Judgement::Waiting("it is being deleted".to_owned()),
        Some(_) | None => Judgement::Reached,
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

fn outcome(chosen: &Chosen, undone: &[String]) -> Outcome {
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
    let mut summary = format!("Flux installs release {} from here", release.version);
    if !undone.is_empty() {
        summary.push_str("; taken out, because it would have installed something else or nothing: ");
        summary.push_str(&undone.join(", "));
    }
    Outcome::new(summary).with_fact("fluxSource", facts)
}

fn failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(Blame::ApplyFluxSource, "Handing the release to Flux", error)
}
