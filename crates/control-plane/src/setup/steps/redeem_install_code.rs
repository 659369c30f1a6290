//! The install code. Everything that may fail for another reason is tried before it is sent.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::time::Duration;

use super::secrets::Live;
use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::inputs::LicenseChoice;
use crate::setup::plan::StepId;
use crate::setup::redemption::{Desk, Redeemed};

pub(super) struct RedeemInstallCode;

impl Step for RedeemInstallCode {
    fn id(&self) -> StepId {
        StepId::RedeemInstallCode
    }

    fn blame(&self) -> Blame {
        Blame::RedeemInstallCode
    }

    /// A full disk is waited for once the service has answered.
    fn limit(&self) -> Duration {
        Duration::from_mins(6)
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let LicenseChoice::Code(code) = &cx.inputs.license else {
                return Ok(true);
            };
            let live = Live::of_a_redemption(cx).await?;
            let desk = Desk::open(cx, code).await?;
            Ok(desk.recorded(&live.held())?.is_some())
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let LicenseChoice::Code(code) = &cx.inputs.license else {
                return Ok(Outcome::new("no install code: the licence is manual"));
            };
            let live = Live::of_a_redemption(cx).await?;
            let held = live.held();
            let mut desk = Desk::open(cx, code).await?;
            if let Some(redeemed) = desk.recorded(&held)? {
                return Ok(outcome(cx, &redeemed));
            }
            live.try_out(cx).await?;
            Ok(outcome(cx, &desk.ask(&held).await?))
        }
        .boxed()
    }
}

/// Whose code it was. A company that is not the typed one is said aloud: the code may be a customer's.
fn outcome(cx: &StepContext, redeemed: &Redeemed) -> Outcome {
    let (redemption, typed) = (&redeemed.redemption, &cx.inputs.tenant.name);
    let edition = redemption.edition.as_str();
    let differs = redemption.differs_from(typed);
    let summary = match &redemption.company_name {
        Some(company) if differs => format!(
            "The code belongs to “{company}” ({edition}), but the company was entered as “{typed}”: check that this \
             is the right code for this box"
        ),
        Some(company) => format!("The code is redeemed for “{company}” ({edition})"),
        None => format!("The code is redeemed ({edition})"),
    };
    if differs {
        tracing::warn!("the install code is registered to another company name than the one entered");
    }
    let facts = json!({
        "tenantId": redemption.tenant_id,
        "edition": edition,
        "companyName": redemption.company_name,
        "companyDiffers": differs,
    });
    Outcome::new(summary).with_fact("redemption", facts)
}
