//! One bounded GET, its redirects included.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::Response;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderMap, LOCATION, WWW_AUTHENTICATE,
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Registry;
use super::auth::Bearer;
use super::failure::Failure;
use super::redirect::{self, MAX_HOPS};
use crate::outbound::retry_after;

/// Largest OCI manifest.
pub(super) const MAX_MANIFEST: usize = 4 * 1024 * 1024;
/// Largest config blob, which is the release manifest.
pub(super) const MAX_BLOB: usize = 4 * 1024 * 1024;
/// Largest token answer.
pub(super) const MAX_TOKEN: usize = 64 * 1024;
/// Largest answer to a probe, whose body is of no interest.
pub(super) const MAX_PROBE: usize = 64 * 1024;
/// Largest block of response headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// A GET to be made.
#[derive(Clone)]
pub(super) struct Fetch {
    pub(super) url: Url,
    pub(super) bearer: Option<Bearer>,
    accept: &'static str,
    limit: usize,
    follow: bool,
}

impl Fetch {
    pub(super) fn new(url: Url, accept: &'static str, limit: usize) -> Self {
        Self {
            url,
            bearer: None,
            accept,
            limit,
            follow: false,
        }
    }

    /// The same, following redirects.
    pub(super) fn following(self) -> Self {
        Self { follow: true, ..self }
    }
}

/// A 2xx answer, whole.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes)", self.body.len())
    }
}

impl Registry {
    /// One try within the request's deadline and the caller's.
    pub(super) async fn send(&self, request: &Fetch, deadline: Instant) -> Result<Answer, Failure> {
        let started = Instant::now();
        let end = deadline.min(started + self.timeout);
        timeout_at(end, self.follow(request))
            .await
            .unwrap_or_else(|_| Err(Failure::Timeout { after: end - started }))
    }

    async fn follow(&self, request: &Fetch) -> Result<Answer, Failure> {
        let mut url = request.url.clone();
        let mut bearer = request.bearer.as_ref();
        for _ in 0..=MAX_HOPS {
            let response = self.get(&url, bearer, request.accept).await?;
            let redirected = request.follow && response.status().is_redirection();
            let Some(location) = response.headers().get(LOCATION).filter(|_| redirected) else {
                return accept(response, request.limit).await;
            };
            let next = redirect::next(&url, location, &self.host).map_err(Failure::Redirect)?;
            if next.origin() != url.origin() {
                bearer = None; // for good: a later hop back gets nothing either
            }
            url = next;
        }
        Err(Failure::TooManyRedirects)
    }

    /// One request, up to the headers of its answer.
    pub(super) async fn exchange(
        &self,
        url: &Url,
        bearer: Option<&Bearer>,
        accept: &str,
    ) -> Result<Response, Failure> {
        let mut request = self.outbound.client().get(url.clone());
        request = request.header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer.header());
        }
        let response = request.send().await.map_err(Failure::transport)?;
        let lines = response.headers().iter();
        let size: usize = lines
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        if size > MAX_HEADER_BYTES {
            return Err(Failure::Protocol(
                "response headers are larger than 64 KiB".to_owned(),
            ));
        }
        Ok(response)
    }
}

/// The body of a 2xx answer, read up to the limit.
async fn accept(response: Response, limit: usize) -> Result<Answer, Failure> {
    let headers = response.headers().clone();
    if !response.status().is_success() {
        return Err(Failure::Status {
            status: response.status().as_u16(),
            retry_after: retry_after(&headers),
            challenge: headers
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .filter_map(|it| it.to_str().ok())
                .map(str::to_owned)
                .collect(),
        });
    }
    let encodings = headers.get_all(CONTENT_ENCODING);
    if encodings
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Failure::Protocol(
            "the answer has a content encoding, which was not asked for".to_owned(),
        ));
    }
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(Failure::TooLarge { limit });
    }
    let mut body = BytesMut::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(Failure::transport)?;
        if body.len() + chunk.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        headers,
        body: body.freeze(),
    })
}
