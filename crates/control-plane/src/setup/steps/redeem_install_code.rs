//! The install code. A manual licence has none; a code cannot be redeemed yet.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::inputs::LicenseChoice;
use crate::setup::plan::StepId;

pub(super) struct RedeemInstallCode;

impl Step for RedeemInstallCode {
    fn id(&self) -> StepId {
        StepId::RedeemInstallCode
    }

    fn blame(&self) -> Blame {
        Blame::RedeemInstallCode
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        ready(Ok(matches!(cx.inputs.license, LicenseChoice::Manual { .. }))).boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        ready(match cx.inputs.license {
            LicenseChoice::Manual { .. } => Ok(Outcome::new("no install code: the licence is manual")),
            LicenseChoice::Code(_) => Err(not_available_yet()),
        })
        .boxed()
    }
}

fn not_available_yet() -> Failure {
    Failure::new(
        Blame::RedeemInstallCode,
        "not-available-yet",
        "Install codes cannot be redeemed by this version",
        "this version of the control plane does not talk to the licence service",
        "Your code was not used. Submit again with a manual licence, or wait for the next version.",
    )
    .correctable()
    .with_code("not_available_yet")
}
