//! What an operator is told when signing in is refused: the only place that picks those statuses.

use std::time::Duration;

use http::StatusCode;

use crate::auth::AuthError;
use crate::http::ApiError;

pub(super) fn auth(error: &AuthError) -> ApiError {
    match error {
        AuthError::Locked(left) => {
            let seconds = whole_seconds(*left);
            ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "locked_out",
                format!("Too many failed attempts from this address. Try again in {seconds} seconds."),
            )
            .retry_after(seconds)
        }
        AuthError::Busy(left) => {
            let seconds = whole_seconds(*left);
            ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                format!("Too many attempts are being made at once. Try again in {seconds} seconds."),
            )
            .retry_after(seconds)
        }
        AuthError::AlreadyConfigured => ApiError::new(
            StatusCode::CONFLICT,
            "already_configured",
            "A management password is set already. Sign in with it.",
        ),
        AuthError::NotConfigured => ApiError::new(
            StatusCode::CONFLICT,
            "not_configured",
            "No management password is set yet. Enter the setup token first.",
        ),
        AuthError::Unreadable => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "credential_unreadable",
            "The stored management password is damaged. Run `sudo alga-appliance-reset-admin` on the appliance's console, then use the new token it shows.",
        ),
        AuthError::WrongToken => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            "That is not the setup token. It is shown on the appliance's console.",
        ),
        AuthError::WrongPassword => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_password",
            "That is not the management password.",
        ),
        AuthError::Weak(weak) => ApiError::new(StatusCode::BAD_REQUEST, "weak_password", weak.to_string()),
        AuthError::Store(_) | AuthError::Session(_) | AuthError::Hashing(_) => {
            ApiError::internal("signing in", error)
        }
    }
}

/// A field that the body must have.
pub(super) fn missing(name: &'static str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "missing_field",
        format!("The field {name} is missing."),
    )
    .with("field", name)
}

/// Two passwords that should have been the same.
pub(super) fn mismatch() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "password_mismatch",
        "The two passwords are not the same.",
    )
}

/// Rounded up: a client that waits so long is not told to wait again.
fn whole_seconds(left: Duration) -> u64 {
    left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
