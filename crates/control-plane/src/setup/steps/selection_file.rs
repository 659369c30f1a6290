//! The selection file: which release this box follows. It is written before the Flux source, so that
//! no crash leaves an install that could never be updated.

use appliance_common::process::chain;
use appliance_common::state_file::StateFileError;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::plan::StepId;
use crate::setup::selection::{ManifestOrigin, ReleaseSelection, SelectionFile};

pub(super) struct SelectionStep;

impl Step for SelectionStep {
    fn id(&self) -> StepId {
        StepId::SelectionFile
    }

    fn blame(&self) -> Blame {
        Blame::WriteReleaseSelection
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let Some(live) = load(cx)? else { return Ok(false) };
            let mut wanted = selection(cx, Some(&live)).await?;
            wanted.updated_at.clone_from(&live.updated_at);
            Ok(live == wanted)
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let wanted = selection(cx, load(cx)?.as_ref()).await?;
            store(cx, &wanted)?;
            let facts = json!({
                "file": cx.settings.selection_file,
                "selectedChannel": wanted.selected_channel,
                "selectedReleaseVersion": wanted.selected_release_version,
            });
            let summary = format!(
                "this box follows {} at {}",
                wanted.selected_channel, wanted.selected_release_version
            );
            Ok(Outcome::new(summary).with_fact("releaseSelection", facts))
        }
        .boxed()
    }
}

/// The selection of this run's release; `live` is what the file says now.
pub(super) async fn selection(
    cx: &StepContext,
    live: Option<&ReleaseSelection>,
) -> Result<ReleaseSelection, Failure> {
    let chosen = cx.chosen().await?;
    let registry = &cx.settings.registry;
    let origin = ManifestOrigin {
        registry: &registry.host,
        repository: &registry.repository,
        digest: &chosen.manifest_digest,
    };
    Ok(ReleaseSelection::of(
        live,
        &cx.inputs,
        &chosen.release,
        origin,
        cx.clock.now(),
    ))
}

pub(super) fn load(cx: &StepContext) -> Result<Option<ReleaseSelection>, Failure> {
    SelectionFile::at(&cx.settings.selection_file)
        .load()
        .map_err(|error| failure(&error))
}

pub(super) fn store(cx: &StepContext, selection: &ReleaseSelection) -> Result<(), Failure> {
    SelectionFile::at(&cx.settings.selection_file)
        .store(selection)
        .map_err(|error| failure(&error))
}

fn failure(error: &StateFileError) -> Failure {
    Failure::new(
        Blame::WriteReleaseSelection,
        "state-write",
        "The release selection could not be written",
        chain(error),
        "Make room on the disk of this box and check that the file named can be written, then try again.",
    )
}
