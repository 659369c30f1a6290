//! Flux objects that somebody else has had a hand in: afterwards they are ours and say nothing else.

use anyhow::{Context, Result};
use appliance_common::names::file;
use appliance_control_plane::setup::run::Run;
use appliance_tests::apply;
use kube::api::{Api, DynamicObject};
use serde_json::{Value, json};

use crate::objects::resource;
use crate::scene::{answers, ended, submit};
use crate::site::Site;

async fn spec(site: &Site, kind: &str) -> Result<Value> {
    let api: Api<DynamicObject> = Api::namespaced_with(site.client.clone(), "flux-system", &resource(kind)?);
    Ok(api.get("alga-appliance").await?.data["spec"].clone())
}

#[tokio::test]
async fn a_source_and_a_kustomization_of_somebody_else_become_ours_and_the_summary_says_so() -> Result<()> {
    let site = Site::start().await?;
    let meta = json!({"name": "alga-appliance", "namespace": "flux-system"});
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": meta,
        "spec": {
            "interval": "9m", "url": "oci://elsewhere.example/bundle", "suspend": true, "timeout": "2m0s",
            "ref": {"tag": "latest", "semver": ">=1.0.0"}, "ignore": "base/*",
        },
    });
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta,
        "spec": {
            "interval": "9m", "path": "./other", "prune": false, "suspend": true, "targetNamespace": "elsewhere",
            "sourceRef": {"kind": "OCIRepository", "name": "other"}, "patches": [{"patch": "x"}],
        },
    });
    for object in [source, kustomization] {
        apply::yaml(&site.client, "somebody-else", "flux-system", &object.to_string()).await?;
    }
    let setup = site.open();
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);

    let source = spec(&site, "OCIRepository").await?;
    let reference = source["ref"].as_object().context("no reference")?;
    assert_eq!(reference.keys().collect::<Vec<_>>(), ["digest"]);
    assert_eq!(
        (&source["interval"], source.get("suspend"), source.get("ignore")),
        (&json!("1m0s"), None, None)
    );
    assert_ne!(source["url"], "oci://elsewhere.example/bundle");
    assert_eq!(source["timeout"], "2m0s", "how it is fetched is the operator's");
    let kustomization = spec(&site, "Kustomization").await?;
    assert_eq!(
        (&kustomization["path"], &kustomization["prune"]),
        (&json!("./base"), &json!(true))
    );
    assert_eq!(kustomization["sourceRef"]["name"], "alga-appliance");
    assert_eq!(kustomization["patches"].as_array().map(Vec::len), Some(2));
    for gone in ["suspend", "targetNamespace"] {
        assert_eq!(kustomization.get(gone), None, "{gone}");
    }
    let document = site.volume.document(file::INSTALL_STATE)?;
    let steps = document["steps"].as_array().context("no steps")?;
    let step = steps
        .iter()
        .find(|step| step["id"] == "flux-source")
        .context("no step")?;
    let summary = step["summary"].as_str().unwrap_or_default();
    for named in [
        "OCIRepository spec.suspend",
        "OCIRepository spec.ref.tag",
        "Kustomization spec.targetNamespace",
    ] {
        assert!(summary.contains(named), "{summary}");
    }
    Ok(())
}
