//! The Flux install manifest of the test cluster: the published definitions, and Deployments for kwok.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::tools::{Tools, write_whole};

/// The controllers the product waits for.
pub const CONTROLLERS: [&str; 4] = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
];

/// A manifest file and what pins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The YAML file.
    pub path: PathBuf,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

/// Writes the manifest into the tool cache; the same tools give the same bytes.
///
/// # Errors
/// A definition cannot be read or the cache cannot be written.
pub fn manifest(tools: &Tools) -> Result<Manifest> {
    let mut documents = vec![include_str!("../fixtures/flux/controllers.yaml").to_owned()];
    let directory = tools.crds();
    let listing = fs::read_dir(&directory).with_context(|| format!("listing {}", directory.display()))?;
    let mut definitions = listing
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    definitions.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    definitions.sort();
    for path in definitions {
        documents.push(fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?);
    }
    documents.push(include_str!("../fixtures/flux/helmrelease-crd.yaml").to_owned());
    let controller = include_str!("../fixtures/flux/controller.yaml");
    documents.extend(CONTROLLERS.map(|name| controller.replace("CONTROLLER", name)));

    let text: String = documents.iter().map(|document| separated(document)).collect();
    let sha256 = hex::encode(digest(&SHA256, text.as_bytes()));
    let path = tools.dir().join(format!("flux-{}.yaml", &sha256[..16]));
    if !path.is_file() {
        write_whole(&path, text.as_bytes())?;
    }
    Ok(Manifest { path, sha256 })
}

/// The manifest of [`manifest`] as another version of Flux would have it: `edit` changes its documents, and
/// the controllers are labelled `version`. Written into `dir`.
///
/// # Errors
/// The manifest cannot be read or written.
pub fn manifest_at(tools: &Tools, dir: &Path, version: &str, edit: impl Fn(&mut Value)) -> Result<PathBuf> {
    let text = fs::read_to_string(manifest(tools)?.path).context("reading the Flux manifest")?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).context("parsing the Flux manifest")?;
    let mut edited = String::new();
    for mut document in documents {
        if document["kind"] == "Deployment" {
            document["metadata"]["labels"]["app.kubernetes.io/version"] = Value::from(version);
            let image = &mut document["spec"]["template"]["spec"]["containers"][0]["image"];
            *image = Value::from(
                image
                    .as_str()
                    .unwrap_or_default()
                    .replace("test-cluster", version),
            );
        }
        edit(&mut document);
        edited.push_str(&separated(&document.to_string()));
    }
    let path = dir.join(format!("flux-{version}.yaml"));
    write_whole(&path, edited.as_bytes())?;
    Ok(path)
}

/// A document that begins with its separator and ends with a newline.
fn separated(document: &str) -> String {
    format!("---\n{}\n", document.trim_start_matches("---\n").trim_end())
}
