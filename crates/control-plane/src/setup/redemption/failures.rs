//! What the operator reads when a code is not redeemed: what happened, what it means, what to do.

use appliance_common::process::chain;
use appliance_common::secret::Secret;

use super::appliance_id::ApplianceIdError;
use super::book::Stop;
use super::client::RegisterError;
use super::ledger::LedgerError;
use super::refusal::{CodeTrouble, Kind, Refusal};
use crate::setup::failure::{Blame, Failure};

/// What kind of trouble all of these are (40 §15, W-13).
const CATEGORY: &str = "licensing";
/// How to get another code. It leads to the same company.
const REISSUE: &str = "Get a new code at nineminds.com/order/appliance/reissue and enter it; it is for the same \
                       company, and nothing is registered twice.";

fn failure(code: &str, message: &str, cause: impl Into<String>, next_step: &str) -> Failure {
    Failure::new(Blame::RedeemInstallCode, CATEGORY, message, cause, next_step).with_code(code)
}

/// Trying again unchanged cannot succeed, and neither can other answers.
fn permanent(failure: Failure) -> Failure {
    Failure {
        retry_safe: false,
        ..failure
    }
}

/// There is no service to ask.
pub(super) fn no_service(cause: &str) -> Failure {
    permanent(failure(
        "license_service_not_configured",
        "This appliance does not know where the licence service is",
        cause,
        "Your code was not used. Set ALGA_LICENSE_SERVICE_URL in ConfigMap appliance-control-plane-config \
         (namespace alga-appliance-control-plane) to https://license.nineminds.com, restart the control plane, and \
         submit again.",
    ))
}

/// The ledger is not to be had.
pub(super) fn ledger(error: &LedgerError) -> Failure {
    Failure::new(
        Blame::RedeemInstallCode,
        "state-file",
        "The record of your install code cannot be kept",
        chain(error),
        "Make room on the disk of this box, or restore the file named, then try again.",
    )
}

/// The identity of the box is not to be had.
pub(super) fn identity(error: &ApplianceIdError) -> Failure {
    Failure::new(
        Blame::RedeemInstallCode,
        "state-file",
        "The identity of this appliance cannot be kept",
        chain(error),
        "Your code was not used. Make room on the disk of this box, or restore the file named, then try again.",
    )
}

/// The ledger says that only another code helps.
pub(super) fn stop(stop: &Stop) -> Failure {
    match stop {
        Stop::Unusable(cause) => unusable(cause),
        Stop::RecordLost(cause) => failure(
            "redemption_record_damaged",
            "What became of your install code cannot be read any more",
            cause,
            "The damaged file is kept as redemption.json.damaged. Submit again: if the code is then said to be used, \
             get a new one at nineminds.com/order/appliance/reissue; it is for the same company.",
        )
        .correctable(),
        Stop::LicenseGone => failure(
            "redeemed_license_gone",
            "This code was redeemed on this box, but the licence it gave is not in the cluster any more",
            "Secret msp/appliance-license-seed has lost its licence token or credential",
            REISSUE,
        )
        .correctable(),
    }
}

fn unusable(cause: &str) -> Failure {
    failure(
        "license_answer_unusable",
        "The licence service accepted your code, but its answer cannot be used",
        format!("{cause}. Nothing was stored in the cluster, and no company was made up"),
        "The code counts as used. Get a new one at nineminds.com/order/appliance/reissue and enter it; it is for the \
         same company. If a proxy or firewall answers in the place of the licence service, have it let \
         license.nineminds.com through first.",
    )
    .correctable()
}

/// The service did not redeem the code, or is not known to have. `was_unheard`: an earlier try may have.
pub(super) fn not_redeemed(error: &RegisterError, code: &Secret<String>, was_unheard: bool) -> Failure {
    match error {
        RegisterError::NotSent { .. } => failure(
            "license_service_unreachable",
            "Cannot reach the licence service",
            chain(error),
            "Your code was not used. Check DNS, proxy and firewall of this box; setup goes on by itself once the \
             licence service can be reached.",
        )
        .passing(),
        RegisterError::Unheard { .. } => failure(
            "license_answer_lost",
            "The licence service was asked, but its answer did not arrive",
            chain(error),
            "Nothing: setup asks again by itself. If the code is then said to be used, get a new one at \
             nineminds.com/order/appliance/reissue; it is for the same company.",
        )
        .passing(),
        RegisterError::Redirect(_) => failure(
            "license_service_redirects",
            "The licence service sends this appliance somewhere else",
            chain(error),
            "Your code was not used. Check ALGA_LICENSE_SERVICE_URL, and whether a proxy or sign-in page of your \
             network answers in the place of the licence service; then try again.",
        ),
        RegisterError::Unusable { source, .. } => unusable(&source.to_string()),
        RegisterError::Refused(refusal) => refused(refusal, code, was_unheard),
    }
}

fn refused(refusal: &Refusal, code: &Secret<String>, was_unheard: bool) -> Failure {
    let status = refusal.status;
    let said = refusal.words_without(code);
    let cause = match (said, &refusal.code) {
        (Some(words), _) => format!("the licence service says: {words}"),
        (None, Some(code)) => format!("the licence service answered {status} ({code})"),
        (None, None) => format!("the licence service answered {status}"),
    };
    let word = refusal.code.as_deref().unwrap_or("license_service_refused");
    match refusal.kind() {
        Kind::Correctable(trouble) => {
            let (message, next_step) = texts(trouble, was_unheard);
            failure(word, message, cause, next_step).correctable()
        }
        Kind::Passing { .. } => {
            let message = "The licence service cannot answer just now";
            let next_step = "Nothing: setup asks again by itself. Your code stays as it is.";
            let failure = failure(word, message, cause, next_step).passing();
            match refusal.retry_after {
                Some(wait) => failure.retry_after(wait),
                None => failure,
            }
        }
        Kind::Permanent => permanent(failure(
            word,
            "The licence service refuses this appliance",
            cause,
            "Your code was not used. Make a support bundle and send it in; the licence can also be entered by hand \
             (licence mode “manual”).",
        )),
    }
}

/// Message and next step.
fn texts(trouble: CodeTrouble, was_unheard: bool) -> (&'static str, &'static str) {
    match trouble {
        CodeTrouble::Invalid => (
            "The licence service does not know this install code",
            "Compare it with the portal, letter by letter, and enter it again. A new code can be had at \
             nineminds.com/order/appliance/reissue.",
        ),
        CodeTrouble::Expired => ("This install code has expired", REISSUE),
        CodeTrouble::Consumed if was_unheard => (
            "This install code is used up, most likely by this very box: an earlier answer did not arrive",
            REISSUE,
        ),
        CodeTrouble::Consumed => ("This install code has been used already", REISSUE),
        CodeTrouble::Superseded => (
            "This install code was replaced by a newer one",
            "Enter the newest code; if it is not at hand, get another at nineminds.com/order/appliance/reissue.",
        ),
        CodeTrouble::TenantMismatch => (
            "This install code belongs to another company than this box is registered for",
            "Enter the code of this box's own company; a new one can be had at \
             nineminds.com/order/appliance/reissue.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const PORTAL: &str = "nineminds.com/order/appliance/reissue";

    fn refused_with(status: u16, code: &str, was_unheard: bool) -> Failure {
        let body = json!({"code": code, "error": "Nope: K7QP-M2RX"}).to_string();
        let refusal = Refusal::read(status, Some(Duration::from_secs(7)), body.as_bytes());
        let error = RegisterError::Refused(refusal);
        not_redeemed(&error, &Secret::new("K7QPM2RX".to_owned()), was_unheard)
    }

    #[test]
    fn a_code_that_must_be_corrected_reopens_the_form_and_names_the_portal() {
        for code in [
            "invalid_claim_code",
            "expired_claim_code",
            "consumed_claim_code",
            "superseded_claim_code",
            "tenant_mismatch",
        ] {
            let failure = refused_with(409, code, false);
            assert_eq!(failure.code.as_deref(), Some(code));
            assert_eq!(
                (failure.correctable, failure.retry_safe, failure.transient),
                (true, false, false)
            );
            assert!(failure.suggested_next_step.contains(PORTAL), "{failure:?}");
            assert!(
                failure.suspected_cause.ends_with("Nope: (the code)"),
                "{failure:?}"
            );
            assert_eq!(failure.retry_after_seconds, None);
        }
    }

    #[test]
    fn a_used_code_whose_answer_was_lost_is_said_to_be_probably_ours() {
        let plain = refused_with(409, "consumed_claim_code", false).message;
        let ours = refused_with(409, "consumed_claim_code", true).message;
        assert!(
            !plain.contains("this very box") && ours.contains("this very box"),
            "{ours}"
        );
    }

    #[test]
    fn what_passes_is_transient_and_waits_as_asked() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let failure = refused_with(status, "busy", false);
            assert_eq!(
                (failure.retry_safe, failure.transient, failure.correctable),
                (true, true, false),
                "{status}"
            );
            assert_eq!(failure.retry_after_seconds, Some(7));
        }
    }

    #[test]
    fn any_other_no_is_neither_retried_nor_correctable() {
        for status in [400, 401, 403, 404, 418] {
            let failure = refused_with(status, "who_knows", false);
            assert_eq!(
                (failure.retry_safe, failure.transient, failure.correctable),
                (false, false, false)
            );
        }
        let failure = no_service("it is not set");
        assert_eq!(
            (failure.retry_safe, failure.transient, failure.correctable),
            (false, false, false)
        );
        assert!(failure.suggested_next_step.contains("ALGA_LICENSE_SERVICE_URL"));
    }
}
