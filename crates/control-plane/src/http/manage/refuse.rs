//! What an operator is told when a change is refused or not made: the only place that picks those statuses.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;

use crate::http::ApiError;
use crate::manage::app_url::AddressError;
use crate::manage::license::{LicenseError, ScriptError};
use crate::manage::reset::{PasswordError, ResetError, ResetState};

/// Seconds after which another try makes sense when something is about to be there.
const SOON: u64 = 15;

/// `malformed` is the code of what has not the shape of a key or code.
pub(super) fn license(error: &LicenseError, malformed: &'static str) -> ApiError {
    match error {
        LicenseError::Malformed(sentence) => bad(malformed, sentence.clone()),
        LicenseError::Busy(_) => busy(),
        LicenseError::Refused(reason) => bad(reason, refused(reason)),
        LicenseError::RefusedOtherwise(reason) => bad(
            "license_refused",
            "The application did not accept it. Check that it is the key or code for this appliance.",
        )
        .with("reason", reason.as_str()),
        LicenseError::Script(ScriptError::Unintelligible) => bad(
            "invalid_app_response",
            "The application gave an answer that this control plane does not understand. Update the appliance, or \
             contact support.",
        ),
        LicenseError::Script(ScriptError::NotRunning | ScriptError::Starting) => unavailable(
            "app_starting",
            "The application is not running yet. Nothing was changed: try again in a moment.",
        ),
        LicenseError::Script(ScriptError::Lost) => unavailable(
            "app_answer_lost",
            "The application's answer was lost, so whether it took this is not known. Look at the licence shown, \
             and try again if it is not the new one.",
        ),
        LicenseError::Script(ScriptError::Cluster(_)) | LicenseError::Cluster(_) => unavailable(
            "cluster_unavailable",
            "The cluster on this box does not answer. Nothing was changed: try again in a moment.",
        ),
        LicenseError::Record(_) => ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "state_unwritable",
            "The application was not asked, because what it gives could not be kept: make room on the disk of this \
             box, then try again.",
        ),
        LicenseError::Seed(_) => ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "seed_not_saved",
            "The licence is active, but its recovery seed was not saved. Send the same again: that is safe.",
        ),
        LicenseError::Ending => ending(),
    }
}

/// The sentence of a reason that the application gives.
fn refused(reason: &str) -> &'static str {
    match reason {
        "invalid_claim_code" => "This is not an install code. Check it against the portal.",
        "expired_claim_code" => "This install code has expired. Make a new one in the portal.",
        "consumed_claim_code" => "This install code was used already. Make a new one in the portal.",
        "superseded_claim_code" => "A newer install code replaced this one. Use the newest in the portal.",
        "tenant_mismatch" => "This belongs to another company than the one on this appliance.",
        _ => "The application did not accept it.",
    }
}

/// Everything that is wrong with a form.
pub(super) fn fields(problems: BTreeMap<&'static str, String>) -> ApiError {
    let first = problems.values().next().cloned().unwrap_or_default();
    let fields: Value = problems
        .into_iter()
        .map(|(field, words)| (field, Value::from(words)))
        .collect();
    bad("invalid_inputs", first).with("fields", fields)
}

pub(super) fn address(error: &AddressError) -> ApiError {
    match error {
        AddressError::Busy(_) => busy(),
        AddressError::Unreadable(_) => failed(
            "selection_unreadable",
            "The record of the release this box follows (release-selection.json) is damaged, so it is not written \
             over. Restore it from release-selection.json.bak, or make a support bundle. Nothing was changed.",
        ),
        AddressError::NotInstalled => failed(
            "not_installed",
            "Nothing is installed on this appliance yet. Its address is part of the setup form.",
        ),
        AddressError::Values { object, reason } => failed(
            "values_not_editable",
            format!("The address was not changed anywhere: {object}: {reason}."),
        ),
        AddressError::Store(_) => ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "state_unwritable",
            "The address was not stored: make room on the disk of this box, then try again.",
        ),
        AddressError::Cluster { step, recorded: true, .. } => failed(
            "address_pending",
            format!(
                "The address is stored, but not yet in use: {step} did not succeed. It is tried again by itself until \
                 it does."
            ),
        )
        .with("recorded", true),
        AddressError::Cluster { step, recorded: false, .. } => failed(
            "cluster_unavailable",
            format!("The address was not changed: {step} did not succeed. Try again in a moment."),
        )
        .with("recorded", false),
        AddressError::Ending => ending(),
    }
}

pub(super) fn password(error: PasswordError) -> ApiError {
    let code = match error {
        PasswordError::Weak(_) => "weak_password",
        PasswordError::Surrounded => "password_surrounded_by_space",
        PasswordError::Mismatch => "password_mismatch",
    };
    bad(code, error.to_string())
}

pub(super) fn no_current_password() -> ApiError {
    bad(
        "missing_field",
        "Enter the management password as well: it is asked for before the administrator's password is changed.",
    )
    .with("field", "currentPassword")
}

pub(super) fn reset(error: &ResetError) -> ApiError {
    match error {
        ResetError::Running => conflict(
            "reset_in_progress",
            "The administrator's password is being reset. Wait until that is done.",
        ),
        ResetError::TooMany(left) => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_resets",
            "The administrator's password was reset several times within an hour. Wait, then try again.",
        )
        .retry_after(left.as_secs() + 1),
        ResetError::Busy(_) => busy(),
        ResetError::NoAdministrator(missing) => failed(
            "administrator_unknown",
            format!("The password cannot be reset from here: {missing} is not recorded on this appliance."),
        ),
        ResetError::NoApplication => failed(
            "app_not_installed",
            "The application is not installed on this appliance, so there is no password to reset.",
        ),
        ResetError::Cluster(_) => ApiError::new(
            StatusCode::BAD_GATEWAY,
            "cluster_failed",
            "The cluster on this box did not do what was asked. The password is as it was: try again in a moment.",
        ),
        ResetError::Ending => ending(),
    }
}

/// A reset that was begun and did not end well.
pub(super) fn not_reset(state: ResetState) -> ApiError {
    let (code, sentence) = match state {
        ResetState::Failed => ("reset_failed", "The password was not changed."),
        ResetState::Succeeded | ResetState::Running | ResetState::Unknown => (
            "reset_unknown",
            "Whether the password was changed is not known. Try to sign in with the new one, else reset it again.",
        ),
    };
    ApiError::new(StatusCode::BAD_GATEWAY, code, sentence)
}

/// The word of the audit log.
pub(super) fn word(state: ResetState) -> &'static str {
    match state {
        ResetState::Succeeded => "ok",
        ResetState::Failed => "failed",
        ResetState::Running | ResetState::Unknown => "unknown",
    }
}

fn bad(code: &'static str, sentence: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, sentence)
}

fn failed(code: &'static str, sentence: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::PRECONDITION_FAILED, code, sentence)
}

fn conflict(code: &'static str, sentence: &'static str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, code, sentence)
}

fn unavailable(code: &'static str, sentence: &'static str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, sentence).retry_after(SOON)
}

fn busy() -> ApiError {
    conflict(
        "operation_in_progress",
        "Something else is changing this appliance. Wait until it is done, then try again.",
    )
}

fn ending() -> ApiError {
    unavailable(
        "stopping",
        "The control plane is stopping. Try again in a moment.",
    )
}
