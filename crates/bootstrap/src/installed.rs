//! What must have come with the installation before anything is begun (50 §6.1).

use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest_set::ManifestSet;
use crate::settings::Places;

/// Files below the appliance's root.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    /// k3s, if it is there and may be executed.
    pub(crate) k3s: Option<PathBuf>,
    /// Image archives, in the order of their names.
    pub(crate) archives: Vec<PathBuf>,
    /// The provisioner's.
    pub(crate) storage: PathBuf,
}

/// What is missing.
#[derive(Debug, thiserror::Error)]
#[error("{what} {} is missing; install the appliance's files again, or copy them back", path.display())]
pub(crate) struct Missing {
    what: &'static str,
    path: PathBuf,
}

impl Installed {
    /// Looks; reads nothing of them yet.
    pub(crate) fn find(places: &Places) -> Result<Self, Missing> {
        let root = &places.appliance_root;
        let control_plane = root.join("control-plane");
        let there = |what, path: PathBuf| {
            if path.exists() {
                Ok(path)
            } else {
                Err(Missing { what, path })
            }
        };
        let manifests = ManifestSet::installed(places);
        there("the directory of manifests", manifests.dir().to_owned())?;
        for file in manifests.files() {
            there("the manifest", file)?;
        }
        let images = there("the directory of images", control_plane.join("images"))?;
        let archives = archives(&images);
        if archives.is_empty() {
            return Err(Missing {
                what: "an image archive (*.tar) in",
                path: images,
            });
        }
        let storage = there("the manifest", root.join("manifests/local-path-storage.yaml"))?;
        there("the setup token", places.token())?;
        Ok(Self {
            k3s: executable(&root.join("bin/k3s")),
            archives,
            storage,
        })
    }
}

fn archives(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tar") && path.is_file())
        .collect();
    found.sort();
    found
}

fn executable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;

    let meta = fs::metadata(path).ok()?;
    (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then(|| path.to_owned())
}
