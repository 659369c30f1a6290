//! The whole API as an `OpenAPI` 3.1 document, made from the annotations beside the handlers. What holds for
//! every route of a kind — who may ask, what a guard answers — is added here, from the router's own lists.

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{self, HeaderValue};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};

use super::error::ErrorBody;
use super::router::{self, Routes};
use super::{
    auth, cookie, health, manage, metrics, preflight, recover, setup, status, support_bundle, ui, upgrade,
    workloads,
};

/// Name of the security scheme.
const SESSION: &str = "session";

/// What holds for the whole document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Alga appliance",
        description = "The control plane of one appliance. Answers are JSON; an error is `{error, code}` with a \
                       sentence for the operator and a stable code. Unsafe methods are taken from this appliance's \
                       own pages, or from a client that is no browser.",
    ),
    paths(serve),
    components(schemas(ErrorBody))
)]
struct Base;

/// The groups, in the order of the router.
fn groups() -> [Document; 11] {
    [
        auth::Documented::openapi(),
        ui::Documented::openapi(),
        metrics::Documented::openapi(),
        setup::Documented::openapi(),
        preflight::Documented::openapi(),
        status::Documented::openapi(),
        recover::Documented::openapi(),
        upgrade::Documented::openapi(),
        workloads::Documented::openapi(),
        manage::Documented::openapi(),
        support_bundle::Documented::openapi(),
    ]
}

/// What is served: [`text`] as it is checked in, which `cargo xtask docs --check` holds to the code. Making it
/// takes a start 20 ms and the program 12 MB of code, which nothing else of the program calls.
static CHECKED_IN: &str = include_str!("../../../../docs/openapi.json");

pub(super) fn open_routes() -> Routes {
    vec![("/api/openapi.json", get(serve))]
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "about", responses((status = 200, body = serde_json::Value)))]
async fn serve() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], CHECKED_IN).into_response()
}

/// The document, made from the code as it is checked in.
#[must_use]
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> Document {
    let mut document = Base::openapi();
    document.merge(health::Documented::openapi());
    for group in groups() {
        document.merge(group);
    }
    let signed_in = router::signed_in_paths();
    for (path, item) in &mut document.paths.paths {
        let guarded = signed_in.contains(&path.as_str());
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            complete(operation, Kind::of(method, path, guarded));
        }
    }
    let scheme = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie::SESSION)));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(SESSION, scheme);
    document.info.license = None;
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `get_api_setup_plan`: stable, whatever the handler is called.
fn operation_id(method: &str, path: &str) -> String {
    let slash = if path.len() > 1 && path.ends_with('/') {
        "slash"
    } else {
        ""
    };
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).chain([slash]);
    words
        .filter(|word| !word.is_empty())
        .fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

/// What the guards make of an operation.
#[derive(Clone, Copy)]
struct Kind {
    is_api: bool,
    is_unsafe: bool,
    is_guarded: bool,
}

impl Kind {
    fn of(method: &str, path: &str, is_guarded: bool) -> Self {
        Self {
            is_api: path.starts_with("/api/"),
            is_unsafe: method != "get",
            is_guarded,
        }
    }
}

/// Adds what every operation of the kind answers; what a handler's own annotation says stays.
fn complete(operation: &mut Operation, kind: Kind) {
    let has_body = operation.request_body.is_some();
    if kind.is_guarded {
        let requirement = SecurityRequirement::new(SESSION, Vec::<String>::new());
        operation.security = Some(vec![requirement]);
    }
    for (status, applies, what) in [
        ("400", true, "`bad_request`: the request itself is malformed"),
        (
            "401",
            kind.is_guarded,
            "`unauthenticated`: there is no valid session",
        ),
        (
            "403",
            kind.is_api && kind.is_unsafe,
            "`origin_rejected`: the request comes from another site",
        ),
        (
            "408",
            has_body,
            "`request_timeout`: the body took too long to arrive",
        ),
        ("413", has_body, "`request_too_large`"),
        ("415", has_body, "`unsupported_media_type`: the body is not JSON"),
        (
            "421",
            true,
            "`host_not_allowed`: this appliance does not answer to that name",
        ),
        (
            "500",
            true,
            "`internal_error`, with a `correlationId` to find it by in the log",
        ),
    ] {
        if applies {
            let responses = &mut operation.responses.responses;
            responses.entry(status.to_owned()).or_insert_with(|| error(what));
        }
    }
}

fn error(description: &str) -> RefOr<utoipa::openapi::Response> {
    let schema = Ref::from_schema_name("ErrorBody");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content);
    response.build().into()
}
