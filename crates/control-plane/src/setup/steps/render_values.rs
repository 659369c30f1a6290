//! The six services' values. They were rendered once already, at preflight, so that a release that
//! cannot be rendered stops before anything is written.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::plan::StepId;

pub(super) struct RenderValues;

impl Step for RenderValues {
    fn id(&self) -> StepId {
        StepId::RenderValues
    }

    fn blame(&self) -> Blame {
        Blame::RenderRuntimeValues
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move { Ok(cx.chosen().await.is_ok()) }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let chosen = cx.chosen().await?;
            let facts = json!({
                "profile": chosen.release.profile.as_str(),
                "releaseVersion": chosen.release.version.as_str(),
            });
            let summary = match &cx.inputs.app_url {
                Some(url) => format!(
                    "the settings of {} services are rendered for {url}",
                    chosen.values.len()
                ),
                None => "no application address was given: the release's placeholder stays".to_owned(),
            };
            Ok(Outcome::new(summary).with_fact("runtimeValues", facts))
        }
        .boxed()
    }
}
