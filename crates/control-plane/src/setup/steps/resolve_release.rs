//! The release is the one that preflight resolved; from here on the state document names it.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Outcome, Step};
use crate::setup::chosen::Chosen;
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::plan::StepId;

pub(super) struct ResolveRelease;

impl Step for ResolveRelease {
    fn id(&self) -> StepId {
        StepId::ResolveRelease
    }

    fn blame(&self) -> Blame {
        Blame::ResolveReleaseManifest
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move { Ok(cx.chosen().await.is_ok()) }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let chosen = cx.chosen().await?;
            let summary = format!(
                "release {} is fixed as {}",
                chosen.release.version, chosen.manifest_digest
            );
            Ok(Outcome::new(summary).with_fact("release", facts(cx, chosen)))
        }
        .boxed()
    }
}

fn facts(cx: &StepContext, chosen: &Chosen) -> serde_json::Value {
    json!({
        "selectedChannel": cx.inputs.channel.as_str(),
        "selectedReleaseVersion": chosen.release.version.as_str(),
        "registryHost": cx.settings.registry.host.as_str(),
        "repository": cx.settings.registry.repository.as_str(),
        "manifestDigest": chosen.manifest_digest.as_str(),
        "supportAgent": chosen.release.support_agent.as_ref().map(ToString::to_string),
    })
}
