//! One file of the pages and how it answers: its form, its headers, or that it has not changed.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::media;

/// Below these, a name holds the digest of its content: what was read once never changes.
const IMMUTABLE: [&str; 2] = ["/assets/", "/_next/static/"];

/// One file, perhaps also compressed.
#[derive(Debug, Clone)]
pub(super) struct File {
    media_type: &'static str,
    cache: &'static str,
    plain: Form,
    gzip: Option<Form>,
}

/// One form of a file, with the tag of exactly these bytes.
#[derive(Debug, Clone)]
struct Form {
    content: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(content: Bytes, tag: &str) -> Self {
        // Tags are hexadecimal digits of ours; one that no header takes would only switch caching off.
        let quoted = HeaderValue::try_from(format!("\"{tag}\""));
        Self {
            content,
            tag: quoted.unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }
}

impl File {
    /// The file at `path`; `tag` tells its content from any other.
    pub(super) fn new(path: &str, tag: &str, plain: Bytes, gzip: Option<Bytes>) -> Self {
        let is_immutable = IMMUTABLE.iter().any(|prefix| path.starts_with(prefix));
        Self {
            media_type: media::of(path),
            cache: if is_immutable {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
            plain: Form::new(plain, tag),
            gzip: gzip.map(|content| Form::new(content, &format!("{tag}-gz"))),
        }
    }

    /// The answer to a GET or HEAD.
    pub(super) fn answer(&self, method: &Method, asked: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(asked));
        let form = gzip.unwrap_or(&self.plain);
        let mut response = if is_known(asked, &form.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.whole(method, form, gzip.is_some())
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, form.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if self.gzip.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }

    fn whole(&self, method: &Method, form: &Form, is_gzip: bool) -> Response {
        let body = match *method {
            Method::HEAD => Body::empty(),
            _ => Body::from(form.content.clone()),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(form.content.len()));
        if is_gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether the browser has exactly these bytes already (RFC 9110 §13.1.2, which compares weakly).
fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    items(asked, &header::IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes())
}

/// Whether compressed content is welcome (RFC 9110 §12.5.3).
fn accepts_gzip(asked: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        items(asked, &header::ACCEPT_ENCODING).find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let is_it = parts.next()?.eq_ignore_ascii_case(wanted);
            let q = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            is_it.then(|| q.parse::<f32>().is_ok_and(|q| q > 0.0))
        })
    };
    weight("gzip").or_else(|| weight("*")).unwrap_or(false)
}

/// The items of a list header.
fn items<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
