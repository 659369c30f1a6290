//! containerd's images: what came with the installation is imported when it is not there, and only then (50 W29).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::names::BAKED_IMAGE;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use appliance_kubectl_queue::{Launch, Starter};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::command::{self, ChildFailed};
use crate::settings::Places;

/// Longest time for one archive: gigabytes on a slow disk.
const IMPORT_LIMIT: Duration = Duration::from_mins(15);
/// Longest time for an image of a registry.
const PULL_LIMIT: Duration = Duration::from_mins(10);
/// Part of the name of every image of the control plane.
const CONTROL_PLANE: &str = "/alga-appliance-control-plane";
const PINNED: &str = "io.cri-containerd.pinned=pinned";
/// A label without a value is taken away.
const UNPINNED: &str = "io.cri-containerd.pinned=";
/// Longest time for a list.
const LIST_LIMIT: Duration = Duration::from_secs(30);
/// Largest list that is read.
const LIST_CAP: usize = 1024 * 1024;

/// Which archives were imported, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Imported(BTreeMap<String, Archive>);

/// An archive as it was when it was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Archive {
    /// Of its content.
    digest: String,
    /// Size, inode and time of change: while they are the same, the content is not read again.
    seen: String,
}

/// The record's name in root's own directory.
const RECORD: &str = "imported-images.json";

/// Why the images are not all there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("no k3s to ask for its images: {} is missing or may not be executed", expected.display())]
    NoBinary { expected: PathBuf },
    #[error("{doing} ended with {outcome}: {said}")]
    Program {
        doing: String,
        outcome: &'static str,
        said: String,
    },
    #[error("reading the image archive {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

/// k3s's own tool for its containerd.
#[derive(Debug)]
pub(crate) struct Containerd<'a> {
    pub(crate) starter: &'a Starter,
    pub(crate) k3s: &'a Path,
}

impl Containerd<'_> {
    /// References of all images.
    pub(crate) async fn images(&self) -> Result<Vec<String>, ImageError> {
        let launch = self
            .launch(&["ctr", "images", "ls", "-q"])
            .limit(LIST_LIMIT)
            .cap(LIST_CAP);
        let text = self.run("listing containerd's images", launch).await?;
        Ok(text
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// Sees to it that containerd has an image of a registry, by its digest.
    ///
    /// # Errors
    /// [`ImageError`], with what containerd said.
    pub(crate) async fn ensure(&self, image: &str) -> Result<(), ImageError> {
        if self.images().await?.iter().any(|known| known == image) {
            return Ok(());
        }
        let doing = format!("pulling {image}");
        let launch = self.launch(&["ctr", "images", "pull", image]).limit(PULL_LIMIT);
        self.run(&doing, launch).await.map(drop)
    }

    /// Keeps these images from the kubelet's clean-up, and no other one of the control plane's any more: on a full disk
    /// an image that nothing runs is removed, and the baked one is in no registry (50 W16).
    ///
    /// <https://github.com/containerd/containerd/blob/main/docs/cri/config.md> (`io.cri-containerd.pinned`)
    ///
    /// # Errors
    /// [`ImageError`], with what containerd said.
    pub(crate) async fn pin(&self, kept: &[&str]) -> Result<(), ImageError> {
        for image in self.images().await? {
            let is_kept = kept.contains(&image.as_str());
            if !is_kept && !image.contains(CONTROL_PLANE) {
                continue;
            }
            let label = if is_kept { PINNED } else { UNPINNED };
            let launch = self
                .launch(&["ctr", "images", "label", &image, label])
                .limit(LIST_LIMIT);
            self.run(&format!("labelling {image}"), launch).await?;
        }
        Ok(())
    }

    async fn import(&self, archive: &Path) -> Result<(), ImageError> {
        let doing = format!("importing {}", archive.display());
        let archive = archive.display().to_string();
        let launch = self
            .launch(&["ctr", "images", "import", archive.as_str()])
            .limit(IMPORT_LIMIT);
        self.run(&doing, launch).await.map(drop)
    }

    fn launch(&self, arguments: &[&str]) -> Launch {
        Launch::new(self.k3s).args(arguments.iter().copied())
    }

    async fn run(&self, doing: &str, launch: Launch) -> Result<String, ImageError> {
        let ended = command::child(self.starter, launch).await;
        ended.map_err(|ChildFailed { outcome, said }| ImageError::Program {
            doing: doing.to_owned(),
            outcome,
            said,
        })
    }
}

/// Imports what containerd does not have as it is in the archives; says what was done.
///
/// # Errors
/// [`ImageError`] only when there is no usable image of the control plane: a box that runs goes on running.
pub(crate) async fn ensure(
    places: &Places,
    containerd: &Containerd<'_>,
    archives: &[PathBuf],
) -> Result<String, ImageError> {
    let file = StateFile::<Imported>::at(places.host_state_dir.join(RECORD));
    // A record that cannot be read costs an import.
    let mut imported = file.load().ok().flatten().unwrap_or_default();
    let has_baked = containerd
        .images()
        .await?
        .iter()
        .any(|image| image == BAKED_IMAGE);
    let (mut done, mut failed) = (0, None);
    for archive in archives {
        let name = archive
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match one(containerd, archive, imported.0.get(&name).filter(|_| has_baked)).await {
            Ok(None) => {}
            Ok(Some(archive)) => {
                imported.0.insert(name, archive);
                done += 1;
            }
            Err(error) => failed = Some(error),
        }
    }
    if done > 0
        && let Err(error) = file.store(&imported)
    {
        tracing::warn!(
            error = chain(&error),
            "the images are imported again at the next boot"
        );
    }
    match failed {
        // Case 29: what runs goes on, and the warning is in the record.
        Some(error) if has_baked => Ok(format!("the images that are there are used: {}", chain(&error))),
        Some(error) => Err(error),
        None if done == 0 => Ok("containerd has them already".to_owned()),
        None => Ok(format!("{done} of {} archives were imported", archives.len())),
    }
}

/// Imports one archive unless it was imported as it is; what to record when there is something new.
async fn one(
    containerd: &Containerd<'_>,
    archive: &Path,
    known: Option<&Archive>,
) -> Result<Option<Archive>, ImageError> {
    let unreadable = |source| ImageError::Unreadable {
        path: archive.to_owned(),
        source,
    };
    let meta = fs::metadata(archive).map_err(unreadable)?;
    let seen = format!(
        "{}:{}:{}:{}",
        meta.len(),
        meta.ino(),
        meta.ctime(),
        meta.ctime_nsec()
    );
    if known.is_some_and(|known| known.seen == seen) {
        return Ok(None);
    }
    let digest = digest(archive).map_err(unreadable)?;
    if known.is_none_or(|known| known.digest != digest) {
        containerd.import(archive).await?;
    }
    Ok(Some(Archive { digest, seen }))
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("sha256:{}", hex::encode(context.finish()))),
            read => context.update(&buffer[..read]),
        }
    }
}
