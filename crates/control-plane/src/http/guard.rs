//! What every request must satisfy before a route sees it, and the headers of every answer
//! (30 §6.1).

use std::net::IpAddr;

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};

use super::body;
use super::error::ApiError;

/// Longest request target.
pub(super) const MAX_TARGET: usize = 8 * 1024;

/// Headers of every answer, whoever makes it.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
             connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'self'",
        ),
    ),
];

/// The probe's path, which answers whatever the allow-list says.
pub(super) const HEALTHZ: &str = "/healthz";

/// Refuses a request that is malformed, not meant for this box, forged by another site, or too large
/// by its own account.
pub(super) fn check(parts: &Parts, allowed_hosts: &[String]) -> Result<(), ApiError> {
    target(&parts.uri)?;
    let host = host(&parts.headers)?;
    let path = parts.uri.path();
    if path != HEALTHZ {
        allow_listed(host, allowed_hosts)?;
    }
    if is_api(path) && !is_safe(&parts.method) {
        origin(&parts.headers, host)?;
    }
    body::check_declared(path, &parts.headers)
}

/// Whether `path` belongs to the API.
pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn bad_request(sentence: &'static str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad_request", sentence)
}

fn target(uri: &Uri) -> Result<(), ApiError> {
    let Some(target) = uri.path_and_query() else {
        return Err(bad_request("The request names no path."));
    };
    if target.as_str().len() > MAX_TARGET {
        return Err(target_too_long());
    }
    let path = target.path();
    if uri.authority().is_some() || !path.starts_with('/') || path.starts_with("//") {
        return Err(bad_request(
            "The request target must be a path on this appliance.",
        ));
    }
    if !is_percent_encoded(target.as_str().as_bytes()) {
        return Err(bad_request(
            "The request target is not percent-encoded correctly.",
        ));
    }
    Ok(())
}

/// The answer to a target beyond [`MAX_TARGET`].
pub(super) fn target_too_long() -> ApiError {
    ApiError::new(
        StatusCode::URI_TOO_LONG,
        "target_too_long",
        "The address of the request is too long.",
    )
}

fn is_percent_encoded(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| {
        *byte != b'%'
            || text
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The one valid `Host` of a request.
fn host(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut given = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (given.next(), given.next()) else {
        return Err(bad_request("The request needs exactly one Host header."));
    };
    host.to_str()
        .ok()
        .filter(|host| is_host(host))
        .ok_or_else(|| bad_request("The Host header of the request is not a host name or address."))
}

fn is_host(text: &str) -> bool {
    let (name, port) = split_port(text);
    let port_ok = port.is_none_or(|port| {
        port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    port_ok && (is_ip_literal(name) || is_name(name))
}

fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.strip_suffix('.').unwrap_or(name).split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

fn is_ip_literal(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

/// `host:port` in two; the colons of a bracketed address are not the port's.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    }
}

fn allow_listed(host: &str, allowed: &[String]) -> Result<(), ApiError> {
    let (name, _) = split_port(host);
    let name = name.strip_suffix('.').unwrap_or(name);
    if allowed.is_empty()
        || is_ip_literal(name)
        || name.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::MISDIRECTED_REQUEST,
        "host_not_allowed",
        "This appliance does not answer to that name. Use its address, or a name its administrator allowed.",
    ))
}

/// A browser's request must come from a page of this very host and port; another port of the same
/// address is another application.
fn origin(headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let mut given = headers.get_all(header::ORIGIN).iter();
    let accepted = match (given.next(), given.next()) {
        (None, _) => !headers.contains_key("sec-fetch-site"),
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| is_origin_of(origin, host)),
        (Some(_), Some(_)) => false,
    };
    if accepted {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "origin_rejected",
        "The request came from a page of another site. Open the appliance's own page and try again.",
    ))
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|from| from.eq_ignore_ascii_case(host))
}

/// Adds [`HEADERS`], and keeps API answers out of caches.
pub(super) fn add_headers(headers: &mut HeaderMap, path_is_api: bool) {
    headers.reserve(HEADERS.len() + 1);
    headers.extend(HEADERS);
    if path_is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Who is at the other end of the connection. No header is believed about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

#[cfg(test)]
mod tests;
