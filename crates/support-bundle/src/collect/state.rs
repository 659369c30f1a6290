//! The appliance's own documents.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use appliance_common::clock::iso_millis;
use jiff::Timestamp;

use super::{Ended, Status};
use crate::options::Options;
use crate::plan::STATE_FILES;
use crate::staging::{Staging, is_document};

const COLLECTOR: &str = "state";
/// More of a log is not read: its end.
const TAIL: u64 = 1024 * 1024;

pub(crate) fn summary(staging: &Staging, options: &Options, at: Timestamp) -> io::Result<()> {
    let file = |name: &str| path(options, name).map_or_else(String::new, |path| path.display().to_string());
    let text = format!(
        "generatedAt={}\nmode={}\nsiteId={}\nkubeconfigPath={}\nstateFile={}\nreleaseSelectionFile={}\n",
        iso_millis(at),
        options.mode.name(),
        options.site.as_deref().unwrap_or_default(),
        options.cluster.kubeconfig().display(),
        file("install-state.json"),
        file("release-selection.json"),
    );
    staging.text("meta/summary.txt", COLLECTOR, &text)
}

/// Where a document is, if there is a state volume.
pub(crate) fn path(options: &Options, name: &str) -> Option<PathBuf> {
    let elsewhere = match name {
        "install-state.json" => options.state_file.clone(),
        "release-selection.json" => options.selection_file.clone(),
        "setup-inputs.json" => options.inputs_file.clone(),
        _ => None,
    };
    elsewhere.or_else(|| options.state_dir.as_ref().map(|dir| dir.join(name)))
}

/// Copies those that are there; one that cannot be read is named.
pub(crate) fn copy(staging: &Staging, options: &Options) -> Ended {
    let mut errors = Vec::new();
    for name in STATE_FILES {
        let Some(path) = path(options, name) else {
            continue;
        };
        let copied = match tail(&path) {
            Ok(text) => {
                let member = format!("meta/{name}");
                // A document that is none is shown as the text that it is.
                match serde_json::from_str(&text) {
                    Ok(document) if is_document(name) => staging.json(&member, COLLECTOR, document),
                    _ => staging.text(&member, COLLECTOR, &text),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = copied {
            errors.push(format!("{}: {error}", path.display()));
        }
    }
    if errors.is_empty() {
        Ended::ok()
    } else {
        Ended::as_is(Status::Partial, errors.join("; "))
    }
}

fn tail(path: &PathBuf) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > TAIL {
        file.seek(SeekFrom::Start(length - TAIL))?;
    }
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The first line is a part of one.
    Ok(match text.split_once('\n') {
        Some((_, rest)) if length > TAIL => rest.to_owned(),
        _ => text,
    })
}
