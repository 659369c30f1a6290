//! How the image is run, and what it says of its making.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use appliance_common::names::{ABI_LABEL, CONTROL_PLANE_ABI, CONTROL_PLANE_UID, MANIFESTS_LABEL};
use appliance_common::release::reference::Digest;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::files::PROGRAM;
use super::layer::FLUX;

/// Where the sources are.
const SOURCE_URL: &str = "https://github.com/nine-minds/alga-psa";

/// What an image says of its making.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    /// Date of everything, in seconds since 1970.
    pub(super) epoch: u64,
    /// The commit.
    pub(super) revision: String,
}

impl Stamp {
    fn created(&self) -> Result<String> {
        let seconds = i64::try_from(self.epoch).context("the source date is out of range")?;
        Ok(Timestamp::from_second(seconds)
            .context("the source date is out of range")?
            .to_string())
    }

    /// Labels of the config that are annotations of the manifest too.
    pub(super) fn labels(&self) -> Result<BTreeMap<String, String>> {
        let of_image = |key: &str| format!("org.opencontainers.image.{key}");
        Ok([
            (of_image("title"), "Alga appliance control plane".to_owned()),
            (of_image("created"), self.created()?),
            (of_image("revision"), self.revision.clone()),
            (of_image("source"), SOURCE_URL.to_owned()),
            (of_image("version"), env!("CARGO_PKG_VERSION").to_owned()),
            (ABI_LABEL.to_owned(), CONTROL_PLANE_ABI.to_owned()),
        ]
        .into())
    }

    /// The image's config.
    ///
    /// <https://github.com/opencontainers/image-spec/blob/main/config.md>
    pub(super) fn config(&self, diff_id: &Digest, has_flux: bool) -> Result<Value> {
        let mut env = vec![
            "ALGA_APPLIANCE_PORT=8080".to_owned(),
            "ALGA_APPLIANCE_MODE=kubernetes-control-plane".to_owned(),
            "ALGA_APPLIANCE_BUNDLE_ORIGIN=baked-iso".to_owned(),
        ];
        let mut labels = self.labels()?;
        labels.insert(MANIFESTS_LABEL.to_owned(), serde_json::to_string(&manifests()?)?);
        env.extend(has_flux.then(|| format!("ALGA_APPLIANCE_FLUX_MANIFEST={FLUX}")));
        Ok(json!({
            "architecture": "amd64",
            "os": "linux",
            "created": self.created()?,
            "config": {
                "User": format!("{CONTROL_PLANE_UID}:{CONTROL_PLANE_UID}"),
                "ExposedPorts": {"8080/tcp": {}},
                "Env": env,
                "Entrypoint": [format!("/{PROGRAM}")],
                "WorkingDir": "/opt/alga-appliance",
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [diff_id.as_str()]},
            "history": [{"created": self.created()?, "created_by": "cargo xtask image"}],
        }))
    }
}

/// What is applied with the image, by the names of the files (50 W19).
fn manifests() -> Result<BTreeMap<String, String>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/control-plane");
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            texts.insert(name, text);
        }
    }
    Ok(texts)
}
