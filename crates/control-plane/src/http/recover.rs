//! `/api/recover`: repairing one release of the application.

use appliance_common::names::SERVICES;
use appliance_common::process::chain;
use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::routing::post;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::error::{ApiError, ApiResult, ErrorBody};
use super::router::Routes;
use super::session::SignedIn;
use super::{Peer, body, shapes};
use crate::app::App;
use crate::auth::AuditEvent;
use crate::setup::repair::{RepairError, RepairRequest, Repaired};

/// The release that is repaired when none is named.
const CORE: &str = "alga-core";

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/recover", post(recover))]
}

/// What is written down of this route.
#[derive(OpenApi)]
#[openapi(paths(recover))]
pub(super) struct Documented;

/// What may be asked for; a request without a body asks for none of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Asked {
    release: Option<String>,
    dry_run: bool,
    force: bool,
    skip_cleanup: bool,
}

/// `POST /api/recover`: looks, removes what has failed, and makes Flux try again.
#[utoipa::path(post, path = "/api/recover", tag = "manage",
    params(
        ("dryRun" = Option<String>, Query, description = "1: the same as in the body"),
        ("force" = Option<String>, Query, description = "1: the same as in the body"),
    ),
    request_body = Option<shapes::Repair>,
    responses(
        (status = 200, body = shapes::Repaired),
        (status = 400, body = ErrorBody, description = "`invalid_json`, `unknown_release`"),
        (status = 409, body = ErrorBody,
            description = "`update_in_progress`, `repair_in_progress`, `repair_cooldown`"),
        (status = 502, body = ErrorBody,
            description = "`cluster_failed`, or a repair cannot help; with the `helmRelease`"),
        (status = 503, body = ErrorBody, description = "`stopping`"),
        (status = 507, body = ErrorBody, description = "`state_unwritable`"),
    ))]
async fn recover(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    RawQuery(query): RawQuery,
    request: Request,
) -> ApiResult<Json<Value>> {
    let asked = decoded(&body::json_bytes(request, &app).await?)?;
    let wanted = requested(asked, query.as_deref().unwrap_or_default())?;
    let helm_release = wanted.helm_release();
    let dry_run = wanted.dry_run;
    let result = app.setup.repair(wanted).await;
    if !dry_run {
        let event = AuditEvent {
            event: "release.repair",
            peer: peer.0,
            session: Some(session.id()),
            result: if result.is_ok() { "accepted" } else { "refused" },
        };
        app.audit.record(event).await;
    }
    let repaired = result.map_err(|error| refused(&error).with("helmRelease", helm_release.clone()))?;
    Ok(Json(answer(&helm_release, &repaired)))
}

fn decoded(bytes: &[u8]) -> ApiResult<Asked> {
    if bytes.is_empty() {
        return Ok(Asked::default());
    }
    body::decode(bytes)
}

/// The body and the query say the same things; either is enough. What is not understood is refused: whoever
/// misspells `dryRun` must not have something removed.
fn requested(asked: Asked, query: &str) -> ApiResult<RepairRequest> {
    let asked = with_query(asked, query)?;
    let release = asked.release.unwrap_or_else(|| CORE.to_owned());
    if !SERVICES.contains(&release.as_str()) {
        let sentence = format!("There is no such release; there are {}.", SERVICES.join(", "));
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "unknown_release",
            sentence,
        ));
    }
    Ok(RepairRequest {
        release,
        dry_run: asked.dry_run,
        force: asked.force,
        skip_cleanup: asked.skip_cleanup,
    })
}

fn with_query(mut asked: Asked, query: &str) -> ApiResult<Asked> {
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "release" => {
                asked.release.get_or_insert_with(|| value.into_owned());
            }
            "dryRun" => asked.dry_run |= is_set(&value)?,
            "force" => asked.force |= is_set(&value)?,
            "skipCleanup" => asked.skip_cleanup |= is_set(&value)?,
            _ => return Err(unknown_query()),
        }
    }
    Ok(asked)
}

/// A flag that only stands there is meant.
fn is_set(value: &str) -> ApiResult<bool> {
    match value {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(unknown_query()),
    }
}

fn unknown_query() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "invalid_query",
        "The address takes release=NAME and the flags dryRun, force and skipCleanup, each 1 or 0. Nothing was \
         changed.",
    )
}

fn answer(helm_release: &str, repaired: &Repaired) -> Value {
    match repaired {
        Repaired::Planned(plan) => json!({
            "ok": true, "helmRelease": helm_release, "requestedAt": null, "dryRun": true, "plan": plan,
            "message": format!("Nothing was changed. What was found: {}.", plan.reason),
        }),
        Repaired::Nothing(plan) => json!({
            "ok": true, "helmRelease": helm_release, "requestedAt": null, "plan": plan,
            "message": "nothing to repair",
        }),
        Repaired::Begun {
            plan,
            requested_at,
            logs,
        } => json!({
            "ok": true, "helmRelease": helm_release, "requestedAt": requested_at, "plan": plan, "logs": logs,
            "message": format!(
                "Flux tries {helm_release} again, after {} failed objects were removed. The status page shows how \
                 it goes.",
                plan.remove.len()
            ),
        }),
    }
}

fn refused(error: &RepairError) -> ApiError {
    tracing::warn!(error = chain(error), "a repair was not begun");
    let conflict = |code, sentence: String| ApiError::new(StatusCode::CONFLICT, code, sentence);
    let failed = |code, sentence: String| ApiError::new(StatusCode::BAD_GATEWAY, code, sentence);
    match error {
        RepairError::Busy(_) => conflict(
            "update_in_progress",
            "Setup or an update is changing this appliance. Wait until it is done, then try again."
                .to_owned(),
        ),
        RepairError::Running(release) => conflict(
            "repair_in_progress",
            format!("{release} is being repaired; the status page shows how it goes."),
        ),
        RepairError::TooSoon(left) => conflict(
            "repair_cooldown",
            "This release was repaired just now. Give it a moment, then try again.".to_owned(),
        )
        .retry_after(left.as_secs() + 1),
        RepairError::Refused { code, words } => failed(code, words.clone()),
        RepairError::Cluster(error) => failed("cluster_failed", format!("{}: {}", error, error.next_step())),
        RepairError::Logs(_) => ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "state_unwritable",
            "The logs of what failed could not be saved, so nothing was removed: make room on the disk of this box, \
             then try again.",
        ),
        RepairError::Ending => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The control plane is stopping. Try again in a moment.",
        )
        .retry_after(15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_body_repairs_the_core_and_the_query_counts_too() {
        let request = requested(decoded(b"").unwrap(), "dryRun=1").unwrap();
        let expected = RepairRequest {
            release: "alga-core".to_owned(),
            dry_run: true,
            force: false,
            skip_cleanup: false,
        };
        assert_eq!(request, expected);
        let named = requested(decoded(br#"{"release": "temporal", "force": true}"#).unwrap(), "").unwrap();
        assert_eq!(
            (named.release.as_str(), named.force, named.dry_run),
            ("temporal", true, false)
        );
    }

    #[test]
    fn the_query_takes_what_the_body_takes_and_what_it_does_not_know_changes_nothing() {
        let by_query = |query| requested(Asked::default(), query);
        let all = by_query("release=temporal&dryRun&force=true&skipCleanup=1").unwrap();
        assert_eq!(all.release, "temporal");
        assert!(all.dry_run && all.force && all.skip_cleanup);
        let none = by_query("dryRun=0&force=false").unwrap();
        assert!(!none.dry_run && !none.force);
        for query in ["dry_run=1", "dryRun=yes", "dryrun", "x"] {
            assert_eq!(by_query(query).unwrap_err().code(), "invalid_query", "{query}");
        }
        assert_eq!(by_query("release=").unwrap_err().code(), "unknown_release");
    }

    #[test]
    fn only_releases_of_ours_and_fields_that_are_known_are_taken() {
        let other = requested(decoded(br#"{"release": "../x"}"#).unwrap(), "").unwrap_err();
        assert_eq!(
            (other.status(), other.code()),
            (StatusCode::BAD_REQUEST, "unknown_release")
        );
        for body in [&br#"{"storagePath": "/"}"#[..], b"[]", b"{\"force\": 1}"] {
            assert_eq!(decoded(body).unwrap_err().code(), "invalid_json");
        }
    }
}
