//! `/api/status`: the newest document, as it was published.

use std::pin::Pin;
use std::task::{Context, Poll};

use appliance_common::readiness::observed::TroubleKind;
use appliance_common::readiness::wire::{Question, ReadingError};
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::router::Routes;
use super::{shapes, stream};
use crate::app::App;
use crate::status::Document;

/// What is said in place of the shipped product's diagnostics, which ran shell commands.
const DIAGNOSTICS: &str =
    "Diagnostics of the host are part of the support bundle, for which the host agent is asked.";

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/status", get(snapshot)),
        ("/api/status/stream", get(stream::open)),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(snapshot, stream::open))]
pub(super) struct Documented;

/// `GET /api/status`: what the box is doing, and what is wrong. Asks nobody.
#[utoipa::path(get, path = "/api/status", tag = "status",
    params(
        ("diagnostics" = Option<String>, Query, description = "1: says where diagnostics are found"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the document that is known"),
    ),
    responses(
        (status = 200, body = shapes::StatusDocument, headers(("ETag" = String))),
        (status = 304, description = "The document is the one that is known"),
    ))]
async fn snapshot(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let document = app.status.current().await;
    let others = others(&app, &document, &uri);
    let tag = tag(&document, &others);
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let age = app.status.age(&document);
    let parts = if others.is_empty() {
        document.whole(age)
    } else {
        document.whole_with(&others, age)
    };
    let mut response = Response::new(Body::new(Parts(parts)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ETAG, tag);
    response
}

/// What this answer says otherwise than the document that was published.
fn others(app: &App, document: &Document, uri: &Uri) -> Vec<(&'static str, Value)> {
    let mut others = Vec::new();
    let is_editable = app.status.is_editable();
    if is_editable != document.is_editable() {
        others.push(("setupReEditable", json!(is_editable)));
    }
    if wants_diagnostics(uri) {
        let mut errors = document.value("errors").unwrap_or_else(|| json!([]));
        if let Some(errors) = errors.as_array_mut() {
            errors.push(json!(ReadingError {
                signal: Question::Diagnostics,
                kind: TroubleKind::NotServed,
                message: DIAGNOSTICS.to_owned(),
                since: None,
                last_known_at: None,
            }));
        }
        others.push(("errors", errors));
    }
    others
}

fn wants_diagnostics(uri: &Uri) -> bool {
    uri.query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "diagnostics=1"))
}

/// The entity tag: the document's id, and what was made otherwise.
fn tag(document: &Document, others: &[(&str, Value)]) -> HeaderValue {
    let mut text = format!("\"{}", document.id());
    for (key, _) in others {
        text.push('-');
        text.push_str(key);
    }
    text.push('"');
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the client has this very document (RFC 9110, 13.1.2: compared weakly).
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|given| {
        let given = given.trim();
        given == "*" || given.strip_prefix("W/").unwrap_or(given).as_bytes() == tag.as_bytes()
    })
}

/// A body of two parts, the first of which is shared.
struct Parts([Bytes; 2]);

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.iter_mut().find(|part| !part.is_empty());
        Poll::Ready(next.map(|part| Ok(Frame::data(std::mem::take(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_every_form_a_client_may_send_it() {
        let tag = HeaderValue::from_static("\"a-1\"");
        let sent = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            is_known(&headers, &tag)
        };
        for known in [
            &["\"a-1\""][..],
            &["W/\"a-1\""],
            &["\"b\", \"a-1\""],
            &["\"b\"", "\"a-1\""],
            &["*"],
        ] {
            assert!(sent(known), "{known:?}");
        }
        for other in [&[][..], &["a-1"], &["\"a-12\""], &["\"b\""]] {
            assert!(!sent(other), "{other:?}");
        }
    }

    #[test]
    fn diagnostics_are_asked_for_by_exactly_one_word() {
        let asked = |uri: &'static str| wants_diagnostics(&Uri::from_static(uri));
        assert!(asked("/api/status?diagnostics=1") && asked("/api/status?a=b&diagnostics=1"));
        assert!(
            !asked("/api/status")
                && !asked("/api/status?diagnostics=0")
                && !asked("/api/status?diagnostics=11")
        );
    }
}
