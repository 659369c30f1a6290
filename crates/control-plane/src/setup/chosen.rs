//! The release of a submission: resolved once, stored with its proof, checked for use, rendered.
//!
//! `setup-release.json` is written before the journal says that preflight is done, so a run that is
//! resumed installs what was checked, wherever the channel has moved to since.

use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::release::reference::{Digest, Reference};
use appliance_common::release::registry::{Resolved, StoredRelease};
use appliance_common::release::usable::{UsableRelease, UseStep};
use appliance_common::state_file::StateFile;
use serde::{Deserialize, Serialize};

use super::context::StepContext;
use super::failure::{Blame, Failure};
use super::values::{self, RenderedValues};

/// A release that can be installed with the operator's answers.
#[derive(Debug)]
pub struct Chosen {
    /// What was asked for.
    pub reference: Reference,
    /// Digest of the OCI manifest: the identity of the release.
    pub manifest_digest: Digest,
    /// The checked release.
    pub release: UsableRelease,
    /// The six services' values, with the operator's answers in them.
    pub values: Vec<RenderedValues>,
}

/// The stored proof, and whose it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    submission_id: String,
    #[serde(flatten)]
    release: StoredRelease,
}

impl Chosen {
    /// Checks a release for use with the operator's answers and stores it for the rest of the run.
    ///
    /// # Errors
    /// A release that cannot be used, with the path in its manifest; a file that cannot be written.
    pub fn store(cx: &StepContext, resolved: &Resolved) -> Result<Self, Failure> {
        let chosen = Self::check(cx, resolved)?;
        let stored = Stored {
            submission_id: cx.submission.clone(),
            release: resolved.to_stored(),
        };
        document(cx).store(&stored).map_err(|error| {
            Failure::new(
                Blame::RunSetupWorkflow,
                "state-write",
                "The resolved release could not be stored",
                chain(&error),
                "Make room on the disk of this box, then try again.",
            )
        })?;
        Ok(chosen)
    }

    /// The release stored for this submission.
    pub(super) fn load(cx: &StepContext) -> Result<Self, Failure> {
        let stored = document(cx).load().map_err(|error| unproven(&chain(&error)))?;
        let stored = stored
            .filter(|stored| stored.submission_id == cx.submission)
            .ok_or_else(|| unproven("no release is stored for these answers"))?;
        let resolved = Resolved::from_stored(stored.release).map_err(|error| unproven(&chain(&error)))?;
        Self::check(cx, &resolved)
    }

    fn check(cx: &StepContext, resolved: &Resolved) -> Result<Self, Failure> {
        let reference = &resolved.reference;
        let release = resolved.release.usable(&cx.settings.policy).map_err(|error| {
            let blame = match error.step {
                UseStep::ResolveReleaseManifest => Blame::ResolveReleaseManifest,
                UseStep::RenderRuntimeValues => Blame::RenderRuntimeValues,
            };
            unusable(blame, reference, &format!("{} {}", error.path, error.problem))
        })?;
        let values = values::render(&release.values, &release.images, cx.inputs.app_url.as_ref())
            .map_err(|error| unusable(Blame::RenderRuntimeValues, reference, &chain(&error)))?;
        let (reference, manifest_digest) = (reference.clone(), resolved.manifest_digest.clone());
        Ok(Self {
            reference,
            manifest_digest,
            release,
            values,
        })
    }
}

fn document(cx: &StepContext) -> StateFile<Stored> {
    StateFile::at(cx.settings.beside_state(file::SETUP_RELEASE))
}

/// The release itself is at fault. A channel or tag may lead to a better one later; a digest never.
fn unusable(blame: Blame, reference: &Reference, cause: &str) -> Failure {
    Failure {
        retry_safe: !matches!(reference, Reference::Digest(_)),
        ..Failure::new(
            blame,
            "invalid-manifest",
            format!("Release {reference} cannot be used: {cause}"),
            cause,
            "Choose another channel or release under “Advanced”, or wait until this one is published again.",
        )
    }
}

fn unproven(cause: &str) -> Failure {
    Failure::new(
        Blame::ResolveReleaseManifest,
        "state",
        "The release that was checked at the start cannot be read back",
        cause,
        "Submit your answers again: the release is then resolved anew.",
    )
}
