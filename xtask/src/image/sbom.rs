//! What the image is made of, as `CycloneDX` 1.5: the crates that the control plane is linked from, and what its
//! pages are bundled from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use appliance_common::names::BAKED_IMAGE;
use appliance_common::release::reference::Digest;
use serde_json::{Value, json};

use super::compile::TARGET;
use crate::root;
use crate::runner::capture;

const PACKAGE: &str = "appliance-control-plane";

/// The document; its bytes depend on the lock files and the image alone.
pub(super) async fn sbom(image: &Digest) -> Result<Vec<u8>> {
    let argv = [
        "cargo",
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        TARGET,
    ];
    let metadata = capture(&argv, Duration::from_mins(2)).await?;
    let metadata: Value = serde_json::from_slice(&metadata).context("reading what cargo says of the tree")?;
    let path = root().join("ui/package-lock.json");
    let pages = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let pages: Value =
        serde_json::from_slice(&pages).with_context(|| format!("reading {}", path.display()))?;
    let mut components = crates(&metadata)?;
    components.extend(modules(&pages));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {
            "type": "container",
            "name": BAKED_IMAGE,
            "version": env!("CARGO_PKG_VERSION"),
            "hashes": [{"alg": "SHA-256", "content": image.as_str().trim_start_matches("sha256:")}],
        }},
        "components": components,
    });
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Crates that the program is linked from: neither what only builds, nor what only tests.
fn crates(metadata: &Value) -> Result<Vec<Value>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = list(&metadata["packages"]);
    let packages: BTreeMap<String, &Value> = packages
        .iter()
        .map(|package| (text(&package["id"]), package))
        .collect();
    let nodes = list(&metadata["resolve"]["nodes"]);
    let nodes: BTreeMap<String, &Value> = nodes.iter().map(|node| (text(&node["id"]), node)).collect();
    let root = packages.iter().find(|(_, package)| package["name"] == PACKAGE);
    let mut open = vec![root.context("cargo knows no control plane")?.0.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let deps = nodes.get(&id).map_or(Vec::new(), |node| list(&node["deps"]));
        if seen.insert(id) {
            let is_linked = |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            open.extend(deps.iter().filter(is_linked).map(|dep| text(&dep["pkg"])));
        }
    }
    let found = seen.iter().filter_map(|id| packages.get(id));
    let mut found: Vec<_> = found
        .map(|package| {
            let (name, version) = (text(&package["name"]), text(&package["version"]));
            component(
                &format!("pkg:cargo/{name}@{version}"),
                &name,
                &version,
                &package["license"],
            )
        })
        .collect();
    found.sort_by_key(|component| component["purl"].to_string());
    Ok(found)
}

/// Modules of npm that are more than tools of the build.
fn modules(lock: &Value) -> Vec<Value> {
    let Some(packages) = lock["packages"].as_object() else {
        return Vec::new();
    };
    let bundled = packages
        .iter()
        .filter(|(path, package)| !path.is_empty() && package["dev"] != true);
    let components = bundled.map(|(path, package)| {
        let name = path
            .rsplit_once("node_modules/")
            .map_or(path.as_str(), |(_, name)| name);
        let version = package["version"].as_str().unwrap_or_default();
        let purl = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
        component(&purl, name, version, &package["license"])
    });
    components.collect()
}

fn component(purl: &str, name: &str, version: &str, license: &Value) -> Value {
    let mut made = json!({"type": "library", "name": name, "version": version, "purl": purl});
    if let Some(license) = license.as_str() {
        // Older crates write `A/B` for `A OR B`.
        made["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_linked_is_listed() {
        let package =
            |id: &str| json!({"id": id, "name": id, "version": "1.0.0", "license": "MIT/Apache-2.0"});
        let dep = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package(PACKAGE), package("linked"), package("builds"), package("deep"), package("tests")],
            "resolve": {"nodes": [
                {"id": PACKAGE, "deps": [dep("linked", Value::Null), dep("builds", "build".into()), dep("tests", "dev".into())]},
                {"id": "linked", "deps": [dep("deep", Value::Null)]},
                {"id": "builds", "deps": []},
            ]},
        });
        let found = crates(&metadata).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [PACKAGE, "deep", "linked"]);
        assert_eq!(found[1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }

    #[test]
    fn modules_that_only_build_the_pages_are_not_listed() {
        let lock = json!({"packages": {
            "": {"name": "ui"},
            "node_modules/@a/b": {"version": "2.0.0", "license": "MIT"},
            "node_modules/vite": {"version": "7.0.0", "dev": true},
        }});
        let found = modules(&lock);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["purl"], "pkg:npm/%40a/b@2.0.0");
    }
}
