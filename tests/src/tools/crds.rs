//! Custom resource definitions of Flux, taken out of the published modules.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Progress;
use super::go::{Module, write_whole};

/// The definitions and the module each one is in, as it ships there under `config/crd/bases`.
const DEFINITIONS: [(&str, &str); 6] = [
    ("source.toolkit.fluxcd.io_buckets.yaml", SOURCE_CONTROLLER),
    ("source.toolkit.fluxcd.io_helmcharts.yaml", SOURCE_CONTROLLER),
    (
        "source.toolkit.fluxcd.io_helmrepositories.yaml",
        SOURCE_CONTROLLER,
    ),
    ("source.toolkit.fluxcd.io_gitrepositories.yaml", SOURCE_CONTROLLER),
    ("source.toolkit.fluxcd.io_ocirepositories.yaml", SOURCE_CONTROLLER),
    (
        "kustomize.toolkit.fluxcd.io_kustomizations.yaml",
        "github.com/fluxcd/kustomize-controller@v1.9.5",
    ),
];

const SOURCE_CONTROLLER: &str = "github.com/fluxcd/source-controller@v1.9.6";

/// The answer of `go mod download -json`, as far as it is used.
#[derive(Deserialize)]
struct Download {
    #[serde(rename = "Dir")]
    dir: String,
}

/// Fills `target` with every definition that is not there yet.
pub(super) fn ensure(module: &Module, target: &Path, progress: &dyn Fn(Progress)) -> Result<()> {
    fs::create_dir_all(target).with_context(|| format!("making {}", target.display()))?;
    for (file, source) in DEFINITIONS {
        let copy = target.join(file);
        if copy.is_file() {
            continue;
        }
        let args = ["mod", "download", "-json", source].map(str::to_owned);
        let printed = module.run("flux-crds", args.into(), progress)?;
        let download: Download =
            serde_json::from_str(&printed).with_context(|| format!("reading where `go` put {source}"))?;
        let original = Path::new(&download.dir).join("config/crd/bases").join(file);
        let content = fs::read(&original).with_context(|| format!("reading {}", original.display()))?;
        write_whole(&copy, &content)?;
    }
    Ok(())
}
