//! Installing the Flux controllers: by version, never a step back, and with the true cause when one of them
//! does not start.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::failure::Failure;
use appliance_control_plane::setup::run::Run;
use appliance_tests::flux;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::ApiResource;
use kube::api::{Api, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use crate::install::Scene;
use crate::scene::{Volume, answers, ended, submit};

/// A manifest of another version, changed by `edit`.
fn manifest(scene: &Scene, version: &str, edit: impl Fn(&mut Value)) -> Result<PathBuf> {
    flux::manifest_at(&scene.tools, scene.stack.cluster.dir(), version, edit)
}

/// A box whose control plane carries this manifest, after a run.
async fn run(scene: &Scene, manifest: PathBuf) -> Result<(Volume, Setup)> {
    let mut volume = scene.volume()?;
    volume.settings.flux_manifest = Some(manifest);
    let setup = volume.open();
    submit(&setup, &answers()).await?;
    ended(&setup).await?;
    setup.stop();
    Ok((volume, setup))
}

fn blocked(setup: &Setup) -> Result<Failure> {
    match setup.view().map(|view| view.history.run.clone()) {
        Ok(Run::Blocked { failure, .. }) => Ok(failure),
        other => anyhow::bail!("not blocked: {other:?}"),
    }
}

fn summary((volume, setup): &(Volume, Setup)) -> Result<String> {
    let document = volume.document(file::INSTALL_STATE)?;
    ensure!(
        setup.view().is_ok_and(|view| view.history.run == Run::Complete),
        "{document:#}"
    );
    let steps = document["steps"].as_array().context("no steps")?;
    let step = steps
        .iter()
        .find(|step| step["id"] == "flux-controllers")
        .context("no step")?;
    Ok(step["summary"].as_str().unwrap_or_default().to_owned())
}

async fn live_version(scene: &Scene) -> Result<String> {
    let deployments = Api::<Deployment>::namespaced(scene.client.clone(), "flux-system");
    let labels = deployments.get("source-controller").await?.metadata.labels;
    labels
        .unwrap_or_default()
        .remove("app.kubernetes.io/version")
        .context("no version")
}

/// Versions of everything the step could write.
async fn written(scene: &Scene) -> Result<Vec<Option<String>>> {
    let deployments = Api::<Deployment>::namespaced(scene.client.clone(), "flux-system");
    let generation = deployments.get("helm-controller").await?.metadata.generation;
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let definitions: Api<DynamicObject> = Api::all_with(scene.client.clone(), &ApiResource::from_gvk(&kind));
    let definition = definitions
        .get("ocirepositories.source.toolkit.fluxcd.io")
        .await?;
    Ok(vec![
        generation.map(|number| number.to_string()),
        definition.metadata.resource_version,
    ])
}

fn is(document: &Value, kind: &str, name: &str) -> bool {
    document["kind"] == kind && document["metadata"]["name"] == name
}

#[tokio::test]
async fn controllers_are_installed_kept_and_upgraded_by_version() -> Result<()> {
    let scene = Scene::start().await?;
    a_controller_whose_image_is_not_to_be_had_is_named(&scene).await?;

    let installed = run(&scene, manifest(&scene, "v2.7.0", |_| {})?).await?;
    assert_eq!(
        summary(&installed)?,
        "the Flux controllers serve the kinds that releases need"
    );
    assert_eq!(live_version(&scene).await?, "v2.7.0");

    let before = written(&scene).await?;
    let same = run(&scene, manifest(&scene, "v2.7.0", |_| {})?).await?;
    assert!(summary(&same)?.contains("in the version of this control plane"));
    let older = run(&scene, manifest(&scene, "v2.6.4", |_| {})?).await?;
    assert!(
        summary(&older)?.contains("v2.7.0 is newer than v2.6.4"),
        "{}",
        summary(&older)?
    );
    let odd = run(&scene, manifest(&scene, "edge", |_| {})?).await?;
    assert!(
        summary(&odd)?.contains("cannot be compared"),
        "{}",
        summary(&odd)?
    );
    assert_eq!(written(&scene).await?, before, "nothing was written");

    definitions_that_would_lose_objects_are_refused(&scene).await?;
    assert_eq!(written(&scene).await?, before, "nothing was written");
    let newer = run(&scene, manifest(&scene, "v2.8.0", |_| {})?).await?;
    assert_eq!(
        summary(&newer)?,
        "the Flux controllers serve the kinds that releases need"
    );
    assert_eq!(live_version(&scene).await?, "v2.8.0");
    Ok(())
}

/// How long the step waits for controllers of which nothing is known.
const ROLLOUT_LIMIT: Duration = Duration::from_mins(5);

async fn a_controller_whose_image_is_not_to_be_had_is_named(scene: &Scene) -> Result<()> {
    let stuck = |document: &mut Value| {
        if is(document, "Deployment", "helm-controller") {
            document["spec"]["template"]["metadata"]["annotations"] = json!({"test-outcome": "image-pull"});
        }
    };
    let started = Instant::now();
    let (_volume, setup) = run(scene, manifest(scene, "v2.5.0", stuck)?).await?;
    let failure = blocked(&setup)?;
    eprintln!(
        "named after {:?}: {}: {}",
        started.elapsed(),
        failure.message,
        failure.suspected_cause
    );
    assert!(started.elapsed() < ROLLOUT_LIMIT / 2, "{:?}", started.elapsed());
    assert_eq!(failure.message, "Flux's helm-controller does not start");
    assert!(
        failure
            .suspected_cause
            .starts_with("ImagePullBackOff: Back-off pulling image"),
        "{failure:?}"
    );
    assert_eq!(
        (failure.category.as_str(), failure.transient),
        ("image-pull", true)
    );
    Ok(())
}

async fn definitions_that_would_lose_objects_are_refused(scene: &Scene) -> Result<()> {
    let without_v1 = |document: &mut Value| {
        if is(
            document,
            "CustomResourceDefinition",
            "ocirepositories.source.toolkit.fluxcd.io",
        ) {
            let mut newest = document["spec"]["versions"][0].clone();
            newest["name"] = json!("v1");
            let mut next = newest.clone();
            next["name"] = json!("v2");
            (newest["storage"], next["storage"]) = (json!(false), json!(true));
            document["spec"]["versions"] = json!([newest, next]);
        }
        if is(
            document,
            "CustomResourceDefinition",
            "buckets.source.toolkit.fluxcd.io",
        ) {
            document["spec"]["versions"][0]["name"] = json!("v9");
            let only = document["spec"]["versions"][0].clone();
            document["spec"]["versions"] = json!([only]);
        }
    };
    let (_volume, setup) = run(scene, manifest(scene, "v2.9.0", without_v1)?).await?;
    let failure = blocked(&setup)?;
    assert_eq!(failure.category, "flux-stored-versions");
    assert!(
        failure.message.contains("buckets.source.toolkit.fluxcd.io"),
        "{failure:?}"
    );
    assert!(!failure.retry_safe);
    Ok(())
}
