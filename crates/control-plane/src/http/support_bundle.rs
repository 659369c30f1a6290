//! `/api/support-bundle`: making a bundle, following it, and taking the archive away.

use std::io::ErrorKind;
use std::path::PathBuf;

use appliance_common::clock::iso_millis;
use appliance_support_bundle::retention::{self, Kept};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tower_http::services::ServeFile;
use utoipa::OpenApi;

use super::audited::audited;
use super::auth::Done;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::query::Query;
use super::router::Routes;
use super::session::SignedIn;
use super::{Peer, shapes};
use crate::app::App;
use crate::support::Job;

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/support-bundle", post(make)),
        ("/api/support-bundle/jobs/{id}", get(job)),
        ("/api/support-bundle/files", get(list)),
        ("/api/support-bundle/files/{name}", get(download).delete(remove)),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(make, job, list, download, remove))]
pub(super) struct Documented;

/// `POST /api/support-bundle`: makes a bundle, or joins the one that is being made, and answers when there is one;
/// with `async=1` at once. Whoever stops waiting does not stop it.
#[utoipa::path(post, path = "/api/support-bundle", tag = "support",
    params(("async" = Option<String>, Query, description = "1: answer at once")),
    responses(
        (status = 200, body = shapes::BundleMade),
        (status = 202, body = shapes::BundleBegun),
        (status = 400, body = ErrorBody, description = "`invalid_query`"),
        (status = 500, body = shapes::BundleNotMade),
    ))]
async fn make(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    asked: Query,
) -> ApiResult<Response> {
    let at_once = asked.switch("async")?;
    let support = app.support.clone();
    let work = async move { Ok(support.begin()) };
    let job = audited(&app, (peer, &session), "support-bundle.make", work).await?;
    if at_once {
        let begun = json!({"ok": true, "jobId": job.id, "state": "running"});
        return Ok((StatusCode::ACCEPTED, Json(begun)).into_response());
    }
    job.ended().await;
    let (state, result) = result(&job);
    let status = if state == DONE {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    Ok((status, Json(result)).into_response())
}

const DONE: &str = "done";

/// The word for how it stands, and what came of it as clients are told.
fn result(job: &Job) -> (&'static str, Value) {
    let Some((_, made)) = job.told().ended else {
        return ("running", Value::Null);
    };
    let (state, mut result) = match &*made {
        Ok(bundle) => {
            let mut result = serde_json::to_value(bundle).unwrap_or_default();
            let name = bundle.bundle_path.file_name().unwrap_or_default();
            result["downloadUrl"] = url(&name.to_string_lossy()).into();
            (DONE, result)
        }
        Err(error) => ("failed", error.as_result()),
    };
    result["jobId"] = job.id.as_str().into();
    (state, result)
}

fn url(name: &str) -> String {
    format!("/api/support-bundle/files/{name}")
}

/// `GET /api/support-bundle/jobs/{id}`: how far a bundle is, and what came of it.
#[utoipa::path(get, path = "/api/support-bundle/jobs/{id}", tag = "support",
    params(("id" = String, Path, description = "As the request that began it was told")),
    responses(
        (status = 200, body = shapes::BundleJob),
        (status = 404, body = ErrorBody, description = "`unknown_job`"),
    ))]
async fn job(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    let job = app.support.job(&id).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown_job",
            "No such bundle is being made. The control plane may have been started anew meanwhile: see the list of \
             bundles, or make another one.",
        )
    })?;
    let told = job.told();
    let (state, result) = result(&job);
    Ok(Json(json!({
        "ok": true, "jobId": job.id, "state": state, "step": told.step, "startedAt": iso_millis(job.begun),
        "finishedAt": told.ended.map(|(at, _)| iso_millis(at)), "result": result,
    })))
}

/// `GET /api/support-bundle/files`: the archives that are kept, the newest first.
#[utoipa::path(get, path = "/api/support-bundle/files", tag = "support", responses(
    (status = 200, body = shapes::BundleFiles),
    (status = 500, body = ErrorBody),
))]
async fn list(State(app): State<App>) -> ApiResult<Json<Value>> {
    let files = kept(&app).await?;
    let shown = |file: &Kept| json!({"name": file.name, "bytes": file.bytes, "downloadUrl": url(&file.name)});
    Ok(Json(
        json!({"files": files.iter().map(shown).collect::<Vec<_>>()}),
    ))
}

async fn kept(app: &App) -> ApiResult<Vec<Kept>> {
    let dir = app.support.dir().to_owned();
    let listed = tokio::task::spawn_blocking(move || retention::list(&dir)).await;
    let listed = listed.map_err(|error| ApiError::internal("listing the support bundles", &error))?;
    listed.map_err(|error| ApiError::internal("listing the support bundles", &error))
}

/// One of those that are listed: no other name is looked for.
async fn known(app: &App, name: &str) -> ApiResult<PathBuf> {
    let found = kept(app).await?.into_iter().find(|file| file.name == name);
    Ok(app.support.dir().join(found.ok_or_else(unknown_bundle)?.name))
}

fn unknown_bundle() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown_bundle",
        "There is no such bundle. The newest five are kept: see the list.",
    )
}

/// `GET /api/support-bundle/files/{name}`: the archive, or the part of it that `Range` names.
#[utoipa::path(get, path = "/api/support-bundle/files/{name}", tag = "support",
    params(("name" = String, Path, description = "As it is listed")),
    responses(
        (status = 200, content_type = "application/gzip", body = String),
        (status = 206, content_type = "application/gzip", body = String),
        (status = 403, body = ErrorBody, description = "`bundle_unreadable`: root made it on the box itself"),
        (status = 404, body = ErrorBody, description = "`unknown_bundle`"),
        (status = 416, body = ErrorBody, description = "`invalid_range`"),
        (status = 500, body = ErrorBody),
    ))]
async fn download(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let path = known(&app, &name).await?;
    let work = served(path, headers);
    let mut response = audited(&app, (peer, &session), "support-bundle.download", work).await?;
    let headers = response.headers_mut();
    if let Ok(named) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The file, or what the headers ask for of it.
async fn served(path: PathBuf, headers: HeaderMap) -> ApiResult<Response> {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers;
    let served = ServeFile::new(&path).try_call(request).await;
    let served = served.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => ApiError::new(
            StatusCode::FORBIDDEN,
            "bundle_unreadable",
            format!(
                "This bundle was made by root on the box itself. Take it from there: {}",
                path.display()
            ),
        ),
        _ => ApiError::internal("reading a support bundle", &error),
    })?;
    match served.status() {
        // It went between the list and here.
        StatusCode::NOT_FOUND => Err(unknown_bundle()),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "invalid_range",
            "The archive has no such part. Download it from its beginning.",
        )),
        _ => Ok(served.map(Body::new)),
    }
}

/// `DELETE /api/support-bundle/files/{name}`: removes an archive.
#[utoipa::path(delete, path = "/api/support-bundle/files/{name}", tag = "support",
    params(("name" = String, Path, description = "As it is listed")),
    responses(
        (status = 200, body = Done),
        (status = 404, body = ErrorBody, description = "`unknown_bundle`"),
        (status = 500, body = ErrorBody),
    ))]
async fn remove(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let path = known(&app, &name).await?;
    let work = async move {
        let removed = tokio::fs::remove_file(&path).await;
        removed.map_err(|error| ApiError::internal("removing a support bundle", &error))
    };
    audited(&app, (peer, &session), "support-bundle.remove", work).await?;
    Ok(Json(json!({"ok": true})))
}
