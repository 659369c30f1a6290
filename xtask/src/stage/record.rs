//! `overlay.json`: what the tree consists of, so that whoever gets it can see that it is whole.

use std::collections::BTreeMap;

use appliance_common::release::reference::Digest;
use serde::{Deserialize, Serialize};

use crate::image::{Entry, What};

/// The document's name at the top of the tree.
pub(super) const NAME: &str = "opt/alga-appliance/overlay.json";

const SCHEMA: &str = "alga.appliance.overlay/v1";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    schema: String,
    /// By path, without a leading slash.
    pub(super) files: BTreeMap<String, Recorded>,
}

/// One file or link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Recorded {
    /// A file, with its mode in octal digits.
    File { digest: String, mode: String },
    /// A link, and where it leads.
    Link { to: String },
}

impl Recorded {
    pub(super) fn file(bytes: &[u8], mode: u32) -> Self {
        Self::File {
            digest: Digest::of(bytes).to_string(),
            mode: format!("{mode:04o}"),
        }
    }
}

impl Record {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let recorded = |entry: &Entry| {
            let what = match &entry.what {
                What::File(bytes) => Recorded::file(bytes, entry.mode),
                What::Link(to) => Recorded::Link { to: to.clone() },
                What::Directory => return None,
            };
            Some((entry.path.clone(), what))
        };
        Self {
            schema: SCHEMA.to_owned(),
            files: entries.iter().filter_map(recorded).collect(),
        }
    }

    /// What of it is otherwise in `found`, one line each. Files that others put beside ours are only ours to judge
    /// where everything is ours.
    pub(super) fn differences(&self, found: &BTreeMap<String, Recorded>) -> Vec<String> {
        let mut said = Vec::new();
        for (path, wanted) in &self.files {
            match found.get(path) {
                Some(is) if is == wanted => {}
                Some(is) => said.push(format!("{path} is {is:?}, not {wanted:?}")),
                None => said.push(format!("{path} is missing")),
            }
        }
        let is_surplus = |path: &&String| !self.files.contains_key(*path) && path.as_str() != NAME;
        said.extend(
            found
                .keys()
                .filter(is_surplus)
                .map(|path| format!("{path} does not belong there")),
        );
        said
    }
}
