//! What came of a run.

use std::io;
use std::path::PathBuf;

use appliance_common::redact::Counts;
use serde::Serialize;

use crate::redactors::RedactorsError;

/// The name under which results go.
const PHASE: &str = "support-bundle";

/// An archive that was made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Always `true`.
    pub ok: bool,
    /// Always `support-bundle`.
    pub phase: &'static str,
    /// One sentence for the operator.
    pub message: String,
    /// Where it is.
    pub bundle_path: PathBuf,
    /// How much was taken out, by rule.
    pub redaction: Counts,
    /// Whether something could not be collected.
    pub partial: bool,
    /// What could not be collected, and why.
    pub warnings: Vec<String>,
    /// SHA-256 of the archive, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What is probably wrong, the likeliest first: one line each.
    pub findings: Vec<String>,
}

impl Bundle {
    pub(crate) fn phase() -> &'static str {
        PHASE
    }
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The disk is nearly full.
    #[error("{} has {free} MiB free, and a bundle is not begun below {needed} MiB", dir.display())]
    NoSpace {
        /// Where it would be kept.
        dir: PathBuf,
        /// Free MiB.
        free: u64,
        /// Least MiB.
        needed: u64,
    },
    /// The output directory, or a file in it.
    #[error("writing the bundle at {}", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive still had a value that is known to be secret.
    #[error("a known secret was found in {member} after redaction, so the archive was deleted")]
    Leak {
        /// Where; never what.
        member: String,
    },
    /// The archive cannot be read.
    #[error("reading the archive {}: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The rules that were to take out more.
    #[error("nothing was collected")]
    Redactors(#[source] RedactorsError),
    /// The process was asked to end.
    #[error("it was stopped before there was an archive; nothing was left behind")]
    Stopped,
    /// A part of the program stopped.
    #[error("a part of the collector stopped because of a defect")]
    Defect,
    /// There is a file of that name already.
    #[error("{} is there already; name another file", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
}

impl BundleError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoSpace { .. } => {
                "Delete old bundles or other files, or name another directory with --output-dir, and try again."
            }
            Self::Write { .. } => {
                "Check that the directory can be written and its disk is not full, then try again."
            }
            Self::Leak { .. } => "Send nothing. Report this as a defect, with the name of the file.",
            Self::Unreadable { .. } => "Name an archive of alga-support-bundle.",
            Self::Redactors(_) => "Correct the file that --redactors names, and start it again.",
            Self::Stopped => "Start it again.",
            Self::Defect => "Try again; if it happens again, report it as a defect.",
            Self::Exists { .. } => "Name another file, or move that one away.",
        }
    }

    /// As clients are told.
    #[must_use]
    pub fn as_result(&self) -> serde_json::Value {
        serde_json::json!({
            "ok": false, "phase": PHASE, "message": "No support bundle was made.",
            "suspectedCause": appliance_common::process::chain(self),
            "suggestedNextStep": self.next_step(), "retrySafe": true,
        })
    }
}
