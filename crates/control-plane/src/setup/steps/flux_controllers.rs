//! The Flux controllers: a pinned manifest, or controllers that already serve what releases need.

mod definitions;
mod rollout;
mod versions;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Judgement, Owner};
use appliance_common::names::namespace;
use appliance_common::process::chain;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use serde_json::json;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::manifest::{Manifest, rolled_out};
use crate::setup::plan::StepId;
use versions::{Standing, standing};

/// Kinds that releases use, and the versions they need (20 §8).
const NEEDED: [(&str, &str); 4] = [
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];

/// Deadline of the step.
const LIMIT: Duration = Duration::from_mins(15);

pub(super) struct FluxControllers;

impl Step for FluxControllers {
    fn id(&self) -> StepId {
        StepId::FluxControllers
    }

    fn blame(&self) -> Blame {
        Blame::InstallFlux
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let Some(path) = &cx.settings.flux_manifest else {
                return Ok(not_served(cluster).await?.is_none());
            };
            let manifest = read(path).await?;
            let live = live(cluster, &manifest).await?;
            let stays = !matches!(course(&manifest, &live), Course::Apply);
            Ok(stays && runs(&manifest, &live) && not_served(cluster).await?.is_none())
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let summary = match &cx.settings.flux_manifest {
                Some(path) => converge(cx, cluster, &read(path).await?).await?,
                None => found(cx, cluster).await?,
            };
            Ok(outcome(cx, summary))
        }
        .boxed()
    }
}

fn outcome(cx: &StepContext, summary: String) -> Outcome {
    let facts = json!({
        "namespace": namespace::FLUX_SYSTEM,
        "kubeconfigPath": cx.settings.cluster.kubeconfig(),
    });
    Outcome::new(summary).with_fact("flux", facts)
}

/// Without a manifest: controllers that serve already are taken as they are.
async fn found(cx: &StepContext, cluster: &Cluster) -> Result<String, Failure> {
    cx.say("looking for Flux controllers that are already there");
    match not_served(cluster).await? {
        None => Ok("Flux controllers that were there serve the kinds that releases need".to_owned()),
        Some(kind) => Err(absent(&kind)),
    }
}

/// The live Deployments by namespace and name.
type Live = BTreeMap<(String, String), DynamicObject>;

async fn live(cluster: &Cluster, manifest: &Manifest) -> Result<Live, Failure> {
    let resource = ApiResource::erase::<Deployment>(&());
    let mut live = Live::new();
    for (namespace, names) in manifest.deployments() {
        let found = match cluster.list_dynamic(&resource, Some(namespace), "").await {
            Ok(found) => found,
            Err(ClusterError::Missing { .. }) => Vec::new(),
            Err(error) => return Err(failure(&error)),
        };
        let ours = found
            .into_iter()
            .filter(|object| names.contains(&object.name_any().as_str()));
        live.extend(ours.map(|object| ((namespace.to_owned(), object.name_any()), object)));
    }
    Ok(live)
}

/// What is to be done about the controllers.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    /// They are the manifest's.
    Stay,
    /// Some are missing or older.
    Apply,
    /// Some are newer than the manifest, or cannot be compared with it: never replaced. The words say so.
    Keep(Vec<String>),
    /// As [`Course::Keep`], but this one is missing, and no version of it is known to fit.
    Mixed(Vec<String>, String),
}

fn course(manifest: &Manifest, live: &Live) -> Course {
    let (mut kept, mut missing, mut older) = (Vec::new(), None, false);
    for wanted in manifest.workloads() {
        let name = wanted.name_any();
        let key = (wanted.namespace().unwrap_or_default(), name.clone());
        match standing(wanted, live.get(&key)) {
            Standing::Same => {}
            Standing::Older => older = true,
            Standing::Absent => missing = Some(name),
            Standing::Newer(live, ours) => kept.push(format!("{name} {live} is newer than {ours}")),
            Standing::Unclear(live, ours) => {
                kept.push(format!(
                    "{name} runs {live}, which cannot be compared with {ours}"
                ));
            }
        }
    }
    match (kept.is_empty(), missing) {
        (true, None) if !older => Course::Stay,
        (true, _) => Course::Apply,
        (false, None) => Course::Keep(kept),
        (false, Some(name)) => Course::Mixed(kept, name),
    }
}

async fn converge(cx: &StepContext, cluster: &Cluster, manifest: &Manifest) -> Result<String, Failure> {
    cx.say("comparing the Flux controllers with those of this control plane");
    let live = live(cluster, manifest).await?;
    match course(manifest, &live) {
        Course::Mixed(kept, missing) => Err(mixed(&kept, &missing)),
        Course::Keep(kept) => {
            if let Some(kind) = not_served(cluster).await? {
                return Err(kept_and_unfit(&kept, &kind));
            }
            watch(cx, cluster, manifest).await?;
            Ok(format!(
                "the Flux controllers that were there are kept: {}",
                kept.join("; ")
            ))
        }
        Course::Stay if runs(manifest, &live) && not_served(cluster).await?.is_none() => {
            Ok("the Flux controllers are there in the version of this control plane".to_owned())
        }
        Course::Stay | Course::Apply => {
            install(cx, cluster, manifest).await?;
            Ok("the Flux controllers serve the kinds that releases need".to_owned())
        }
    }
}

async fn install(cx: &StepContext, cluster: &Cluster, manifest: &Manifest) -> Result<(), Failure> {
    definitions::check(cluster, manifest).await?;
    cx.say(format!("applying {} objects of Flux", manifest.len()));
    manifest
        .apply(cluster, Owner::Setup)
        .await
        .map_err(|error| failure(&error))?;
    watch(cx, cluster, manifest).await
}

async fn watch(cx: &StepContext, cluster: &Cluster, manifest: &Manifest) -> Result<(), Failure> {
    for (namespace, names) in manifest.deployments() {
        rollout::watch(cx, cluster, namespace, &names).await?;
    }
    Ok(())
}

/// Whether every controller of the manifest runs, in whatever version.
fn runs(manifest: &Manifest, live: &Live) -> bool {
    manifest.workloads().all(|wanted| {
        let key = (wanted.namespace().unwrap_or_default(), wanted.name_any());
        rolled_out(live.get(&key)) == Judgement::Reached
    })
}

/// The first kind that releases need and the server does not serve.
async fn not_served(cluster: &Cluster) -> Result<Option<String>, Failure> {
    let mut served = BTreeMap::new();
    for (version, kind) in NEEDED {
        if !served.contains_key(version) {
            let kinds = cluster.kinds_of(version).await.map_err(|error| failure(&error))?;
            served.insert(version, kinds);
        }
        if !served[version].iter().any(|known| known == kind) {
            return Ok(Some(format!("{kind} {version}")));
        }
    }
    Ok(None)
}

/// The manifest at `path`, if it brings every kind that releases need.
async fn read(path: &Path) -> Result<Manifest, Failure> {
    let unusable = |cause: String| {
        Failure::new(
            Blame::InstallFlux,
            "flux-manifest",
            format!("The Flux manifest {} cannot be used", path.display()),
            cause,
            "The manifest is part of the control-plane image; reapply the image (alga-control-plane-reapply) and \
             try again.",
        )
    };
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|error| unusable(chain(&error)))?;
    match NEEDED
        .iter()
        .find(|(version, kind)| !manifest.defines(version, kind))
    {
        None => Ok(manifest),
        Some((version, kind)) => Err(unusable(format!("it does not define {kind} {version}"))),
    }
}

fn absent(kind: &str) -> Failure {
    Failure::new(
        Blame::InstallFlux,
        "flux-missing",
        format!("The cluster does not serve {kind}"),
        "no Flux manifest is part of this control plane, and no controllers are there that serve it",
        "Use a control-plane image that carries the Flux controllers, or name their manifest in \
         ALGA_APPLIANCE_FLUX_MANIFEST, then try again.",
    )
}

fn kept_and_unfit(kept: &[String], kind: &str) -> Failure {
    Failure::new(
        Blame::InstallFlux,
        "flux-version",
        format!("The Flux controllers that are there do not serve {kind}"),
        format!(
            "they are not replaced, because that could be a step back: {}",
            kept.join("; ")
        ),
        "Bring those controllers to a version that serves it, or remove their Deployments from flux-system so that \
         ours are installed, then try again.",
    )
}

fn mixed(kept: &[String], missing: &str) -> Failure {
    Failure::new(
        Blame::InstallFlux,
        "flux-version",
        format!("Flux's {missing} is missing beside controllers of another version"),
        format!(
            "nothing was installed, because versions must not be mixed: {}",
            kept.join("; ")
        ),
        "Install the missing controller in the version of the others, or remove their Deployments from flux-system \
         so that ours are installed, then try again.",
    )
}

fn failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(Blame::InstallFlux, "Installing the Flux controllers", error)
}
