//! The control plane's manifests belong to its image (50 W19): an image of a registry brings its own in a label of
//! its config, whose digest was verified; the one that came with the installation has those beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use appliance_common::cluster::{ManifestError, ManifestObject, manifest_objects};
use appliance_common::state_file;

use crate::manifests;
use crate::settings::Places;

/// Applied with every image, in the order of dependence.
const ALWAYS: [&str; 4] = [
    "namespace.yaml",
    "rbac.yaml",
    "workload.yaml",
    "support-namespace.yaml",
];
/// The setup role and its binding.
const SETUP: &str = "rbac-setup.yaml";
/// Roles in the application's namespaces.
const APPLICATION: &str = "rbac-application.yaml";
/// Below root's own directory: a directory for each image.
const KEPT: &str = "manifests";

/// The manifests of one image.
#[derive(Debug, Clone)]
pub(crate) struct ManifestSet {
    dir: PathBuf,
}

/// Why an image's own manifests are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    #[error("its manifests are no JSON object of texts")]
    NotJson(#[source] serde_json::Error),
    #[error("its manifests lack {0}")]
    Lacks(&'static str),
    #[error("its {0} is no manifest")]
    Unusable(&'static str, #[source] ManifestError),
    #[error("keeping its manifests in {}", dir.display())]
    NotKept { dir: PathBuf, source: io::Error },
}

impl ManifestSet {
    /// Those of the installation.
    pub(crate) fn installed(places: &Places) -> Self {
        Self {
            dir: places.appliance_root.join("control-plane/manifests"),
        }
    }

    /// Those of an image; of one that brought none, the installation's.
    pub(crate) fn of(places: &Places, image: &str) -> Self {
        let kept = kept(places, image).filter(|dir| dir.is_dir());
        kept.map_or_else(|| Self::installed(places), |dir| Self { dir })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every file there has to be.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        names().map(|name| self.dir.join(name))
    }

    /// Objects that are applied with every image, in their order.
    pub(crate) fn always(&self) -> Result<Vec<ManifestObject>, manifests::ManifestError> {
        let mut objects = Vec::new();
        for name in ALWAYS {
            objects.extend(manifests::read(&self.dir.join(name))?);
        }
        Ok(objects)
    }

    /// The setup role and its binding.
    pub(crate) fn setup(&self) -> Result<Vec<ManifestObject>, manifests::ManifestError> {
        manifests::read(&self.dir.join(SETUP))
    }

    /// Roles in the application's namespaces.
    pub(crate) fn application(&self) -> Result<Vec<ManifestObject>, manifests::ManifestError> {
        manifests::read(&self.dir.join(APPLICATION))
    }
}

/// Keeps what an image says in its label, as a whole or not at all.
///
/// # Errors
/// The label is not what it should be, or the disk takes nothing.
pub(crate) fn keep(places: &Places, image: &str, label: &str) -> Result<(), SetError> {
    let texts: BTreeMap<String, String> = serde_json::from_str(label).map_err(SetError::NotJson)?;
    for name in names() {
        let text = texts.get(name).ok_or(SetError::Lacks(name))?;
        manifest_objects(text).map_err(|source| SetError::Unusable(name, source))?;
    }
    let Some(dir) = kept(places, image) else {
        return Ok(());
    };
    written(&dir, &texts).map_err(|source| SetError::NotKept { dir, source })
}

/// Takes away those of all other images. What cannot be taken away is in nobody's way.
pub(crate) fn keep_only(places: &Places, images: &[&str]) {
    let wanted: Vec<_> = images.iter().filter_map(|image| kept(places, image)).collect();
    let entries = fs::read_dir(places.host_state_dir.join(KEPT))
        .into_iter()
        .flatten();
    for path in entries.flatten().map(|entry| entry.path()) {
        if !wanted.contains(&path) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    ALWAYS.into_iter().chain([SETUP, APPLICATION])
}

/// Where those of an image are kept; `None` for one without a digest.
fn kept(places: &Places, image: &str) -> Option<PathBuf> {
    let (_, digest) = image.rsplit_once("@sha256:")?;
    let is_hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| places.host_state_dir.join(KEPT).join(digest))
}

fn written(dir: &Path, texts: &BTreeMap<String, String>) -> io::Result<()> {
    let unfinished = dir.with_extension("unfinished");
    for stale in [&unfinished, dir] {
        match fs::remove_dir_all(stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::create_dir_all(&unfinished)?;
    for name in names() {
        state_file::replace(&unfinished.join(name), texts[name].as_bytes(), 0o640)?;
    }
    fs::rename(&unfinished, dir)?;
    fs::File::open(dir.parent().unwrap_or(dir))?.sync_all()
}
