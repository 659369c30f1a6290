//! The page's few requests over HTTP/1.1: small, short, and ended at once when the port is wanted.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use appliance_common::names::unit;
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use appliance_common::systemd::{Systemd, SystemdError};
use bytes::Bytes;
use http::header::{
    CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, SET_COOKIE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::door::{Door, Refused};
use super::{page, seen};
use crate::routes::Agent;

/// Connections at once.
const CONNECTIONS: usize = 32;
/// Longest wait for a request's head, and for a whole connection.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
const CONNECTION_LIMIT: Duration = Duration::from_secs(40);
/// Largest body: one password.
const BODY_LIMIT: usize = 4 * 1024;
/// The name of the visitor's cookie.
const VISITOR: &str = "alga_rescue";

/// Serves until it is dropped; connections end with it.
pub(super) async fn serve(listener: TcpListener, agent: Arc<Agent>, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (agent, door) = (Arc::clone(&agent), Arc::clone(&door));
        connections.spawn(async move {
            drop(timeout(CONNECTION_LIMIT, connection(stream, peer, agent, door)).await);
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, agent: Arc<Agent>, door: Arc<Door>) {
    let service = service_fn(move |request| {
        let (agent, door) = (Arc::clone(&agent), Arc::clone(&door));
        async move { Ok::<_, Infallible>(answer(request, peer.ip(), &agent, &door).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a visitor's connection ended early");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: IpAddr,
    agent: &Agent,
    door: &Door,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let cookie = cookie(&head.headers);
    let is_in = door.is_in(&cookie);
    match (&head.method, head.uri.path()) {
        // Whoever watches the control plane must not take this page for it.
        (&Method::GET, "/healthz") => html(
            StatusCode::SERVICE_UNAVAILABLE,
            "the control plane is not running".to_owned(),
        ),
        (&Method::GET, "/") if is_in => html(StatusCode::OK, page::shown(&seen::look(agent).await, None)),
        (&Method::GET, "/") => html(StatusCode::OK, page::sign_in(door.asks_for(), None)),
        (&Method::GET, _) => see_other(None),
        (&Method::POST, _) if !is_from_here(&head.headers) => html(
            StatusCode::FORBIDDEN,
            page::sign_in(door.asks_for(), Some("That came from another page.")),
        ),
        (&Method::POST, "/rescue/sign-in") => match secret(body).await {
            Some(said) => match door.enter(peer, said).await {
                Ok(visitor) => see_other(Some(&format!(
                    "{VISITOR}={visitor}; HttpOnly; SameSite=Strict; Path=/"
                ))),
                Err(Refused(why)) => html(StatusCode::FORBIDDEN, page::sign_in(door.asks_for(), Some(&why))),
            },
            None => html(
                StatusCode::BAD_REQUEST,
                page::sign_in(door.asks_for(), Some("Nothing was typed.")),
            ),
        },
        (&Method::POST, _) if !is_in => html(StatusCode::FORBIDDEN, page::sign_in(door.asks_for(), None)),
        (&Method::POST, "/rescue/sign-out") => {
            door.leave(&cookie);
            see_other(None)
        }
        (&Method::POST, "/rescue/retry") => begun(agent, peer, unit::BOOTSTRAP).await,
        (&Method::POST, "/rescue/reapply") => begun(agent, peer, unit::CONTROL_PLANE_REAPPLY).await,
        _ => html(StatusCode::NOT_FOUND, page::sign_in(door.asks_for(), None)),
    }
}

/// Starts a unit anew, and shows what is so meanwhile.
async fn begun(agent: &Agent, peer: IpAddr, unit: &str) -> Response<Full<Bytes>> {
    tracing::info!(%peer, unit, "begun from the rescue page");
    let done = match restarted(agent, unit).await {
        Ok(()) => format!("{unit} was started. Load this page again to see how it goes."),
        Err(error) => format!("{unit} could not be started: {}", chain(&error)),
    };
    html(StatusCode::OK, page::shown(&seen::look(agent).await, Some(&done)))
}

async fn restarted(agent: &Agent, unit: &str) -> Result<(), SystemdError> {
    Systemd::connect(&agent.settings.host_root)
        .await?
        .restart(unit)
        .await
}

/// A form of this page has its address as origin; browsers of every age that say none send the cookie only from here.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
        (Some(_), None) => false,
    }
}

fn cookie(headers: &HeaderMap) -> String {
    let all = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = all
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == VISITOR)
        .map(|(_, id)| id.to_owned())
        .unwrap_or_default()
}

/// `secret=…` of a form (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).
async fn secret(body: Incoming) -> Option<Secret<String>> {
    let bytes = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
    let text = std::str::from_utf8(&bytes).ok()?;
    let value = text.split('&').find_map(|pair| pair.strip_prefix("secret="))?;
    decoded(value)
        .map(Secret::new)
        .filter(|secret| !secret.expose().is_empty())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn html(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (HeaderName::from_static("cache-control"), "no-store"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (
            HeaderName::from_static("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn see_other(cookie: Option<&str>) -> Response<Full<Bytes>> {
    let mut response = html(StatusCode::SEE_OTHER, String::new());
    response
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static("/"));
    if let Some(value) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_what_is_checked() {
        assert_eq!(decoded("a+b%20c%C3%A9%2B").as_deref(), Some("a b cé+"));
        for bad in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_form_of_another_page_is_not_taken() {
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("192.0.2.1:8080"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            headers
        };
        assert!(is_from_here(&headers(Some("http://192.0.2.1:8080"))) && is_from_here(&headers(None)));
        for foreign in [
            "http://elsewhere.example",
            "null",
            "https://192.0.2.1:8080",
            "http://192.0.2.1",
        ] {
            assert!(!is_from_here(&headers(Some(foreign))), "{foreign}");
        }
    }
}
