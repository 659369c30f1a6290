//! What happens to rendered objects before they are applied: the labels by which Flux knows them again, and
//! what the script has in mind for Jobs.

use anyhow::{Context, Result};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::Bootstrap;
use super::release::Release;

/// Annotation by which kwok decides how a pod ends (`fixtures/cluster/kwok.yaml`).
const OUTCOME: &str = "test-outcome";

/// The documents of a chart as they are applied.
pub(super) fn prepared(release: &Release<'_>, rendered: &str, bootstrap: Bootstrap) -> Result<String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(rendered).context("reading what helm rendered")?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    let prepared = objects.map(|mut object| {
        object["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] = json!(release.object.name_any());
        object["metadata"]["labels"]["helm.toolkit.fluxcd.io/namespace"] = json!(release.namespace());
        if object["kind"] == "Job" {
            script(&mut object, bootstrap);
        }
        format!("---\n{object}\n")
    });
    Ok(prepared.collect())
}

fn script(job: &mut Value, bootstrap: Bootstrap) {
    let outcome = match bootstrap {
        Bootstrap::Completes => return,
        Bootstrap::Fails => "fail",
        Bootstrap::Hangs => "hold",
    };
    job["spec"]["template"]["metadata"]["annotations"][OUTCOME] = json!(outcome);
    job["spec"]["backoffLimit"] = json!(0);
}
