//! One question to the licence service. What it costs to ask twice is the caller's to know.
//!
//! A code is a single-use credential, so it goes in the body of one POST over the appliance's own outbound
//! layer. A redirect is followed only where method and body stay as they are (307, 308) and the target is
//! as protected as the service itself: the service has authenticated the way it sends us, and the code is
//! of no use but at the service. Any other redirect would ask without redeeming and is refused. No answer
//! is logged.

use std::time::Duration;

use appliance_common::outbound::{Outbound, OutboundError, OutboundSettings, Transport, retry_after};
use appliance_common::secret::Secret;
use bytes::BytesMut;
use futures::StreamExt;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use serde_json::json;
use tokio::time::timeout;

use super::answer::{Redemption, Unusable};
use super::refusal::{CodeTrouble, Kind, Refusal};
use super::service_url::ServiceUrl;

/// Longest time that the making of one connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time that a whole redemption may take, redirects and body included.
const TOTAL: Duration = Duration::from_secs(30);
/// Largest answer.
const MAX_BODY: usize = 1024 * 1024;
/// Most bytes of an answer that cannot be used that are kept for support.
const MAX_KEPT: usize = 4096;
/// Most redirects.
const MAX_HOPS: usize = 5;
const JSON: &str = "application/json";

/// Why there is no answer that says what the code was for.
#[derive(Debug, thiserror::Error)]
pub(super) enum RegisterError {
    /// The code did not leave this box.
    #[error("cannot reach the licence service: {}", transport_text(*kind))]
    NotSent {
        /// What kind of trouble it was.
        kind: Transport,
        /// What the HTTP client said, without the URL.
        source: Box<reqwest::Error>,
    },
    /// The code was sent, and whether the service took it is not known.
    #[error("the answer of the licence service did not arrive: {cause}")]
    Unheard {
        /// What happened to it.
        cause: String,
    },
    /// The service said no.
    #[error("the licence service answered {}", .0.status)]
    Refused(Refusal),
    /// It sent us where we do not go.
    #[error("the licence service answered with a redirect that is not followed: {0}")]
    Redirect(&'static str),
    /// It said yes, and nothing that can be used.
    #[error("the answer of the licence service cannot be used")]
    Unusable {
        /// Why not.
        source: Unusable,
        /// The beginning of what it said.
        answer: Secret<String>,
    },
}

impl RegisterError {
    /// Whether the service may have taken the code.
    pub(super) fn may_be_spent(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Redirect(_) => false,
            Self::Unheard { .. } | Self::Unusable { .. } => true,
            Self::Refused(refusal) => matches!(refusal.kind(), Kind::Passing { may_be_spent: true }),
        }
    }

    /// Whether the service says that the code was taken before.
    pub(super) fn is_used_up(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind() == Kind::Correctable(CodeTrouble::Consumed))
    }
}

fn transport_text(kind: Transport) -> &'static str {
    match kind {
        Transport::Dns => "its host has no address",
        Transport::Connect => "no connection",
        Transport::Tls => "no trusted TLS connection",
        Transport::Timeout => "no connection in time",
        Transport::Interrupted => "the connection broke",
    }
}

/// The licence service, as this box reaches it.
#[derive(Debug)]
pub(super) struct LicenseService {
    url: ServiceUrl,
    outbound: Outbound,
    total: Duration,
}

impl LicenseService {
    /// Prepares the client; sends nothing.
    ///
    /// # Errors
    /// [`OutboundError`], naming the setting that does not work.
    pub(super) fn open(url: ServiceUrl, settings: &OutboundSettings) -> Result<Self, OutboundError> {
        Ok(Self {
            outbound: Outbound::open(settings, CONNECT)?,
            url,
            total: TOTAL,
        })
    }

    /// Redeems `code` for this box.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub(super) async fn register(
        &self,
        code: &Secret<String>,
        appliance_id: &str,
    ) -> Result<Redemption, RegisterError> {
        let body = json!({"claim_code": code.expose(), "appliance_id": appliance_id}).to_string();
        let answer = timeout(self.total, self.follow(&body)).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(RegisterError::Unheard {
                cause: format!("nothing whole came within {} s", self.total.as_secs()),
            })
        })?;
        Redemption::read(&answer).map_err(|source| unusable(source, &answer))
    }

    async fn follow(&self, body: &str) -> Result<Vec<u8>, RegisterError> {
        let mut url = self.url.register();
        for _ in 0..=MAX_HOPS {
            let response = self.post(url.clone(), body).await?;
            let status = response.status();
            if !status.is_redirection() {
                return answer(response).await;
            }
            if !matches!(status.as_u16(), 307 | 308) {
                return Err(RegisterError::Redirect("it would change what is asked"));
            }
            let location = response.headers().get(LOCATION);
            let location = location.ok_or(RegisterError::Redirect("it has no target"))?;
            url = self.url.follow(&url, location).map_err(RegisterError::Redirect)?;
        }
        Err(RegisterError::Redirect("too many of them"))
    }

    async fn post(&self, url: url::Url, body: &str) -> Result<reqwest::Response, RegisterError> {
        let request = self.outbound.client().post(url).body(body.to_owned());
        let request = request.header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
        let sent = request.header(ACCEPT_ENCODING, "identity").send().await;
        sent.map_err(|error| {
            let kind = Transport::of(&error);
            if kind == Transport::Interrupted || (kind == Transport::Timeout && !error.is_connect()) {
                return unheard(kind);
            }
            RegisterError::NotSent {
                kind,
                source: Box::new(error.without_url()),
            }
        })
    }
}

fn unheard(kind: Transport) -> RegisterError {
    RegisterError::Unheard {
        cause: transport_text(kind).to_owned(),
    }
}

fn unusable(source: Unusable, answer: &[u8]) -> RegisterError {
    let begin = &answer[..answer.len().min(MAX_KEPT)];
    RegisterError::Unusable {
        source,
        answer: Secret::new(String::from_utf8_lossy(begin).into_owned()),
    }
}

/// The body of a success, or what a refusal says.
async fn answer(response: reqwest::Response) -> Result<Vec<u8>, RegisterError> {
    let (status, headers) = (response.status(), response.headers().clone());
    if !status.is_success() {
        // Its words are worth having, but the status alone decides.
        let body = whole(response).await.unwrap_or_default();
        return Err(RegisterError::Refused(Refusal::read(
            status.as_u16(),
            retry_after(&headers),
            &body,
        )));
    }
    let is_plain = |encoding: &http::HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Err(unusable(Unusable::Compressed, &[]));
    }
    whole(response).await
}

async fn whole(response: reqwest::Response) -> Result<Vec<u8>, RegisterError> {
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| unheard(Transport::Interrupted))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(unusable(Unusable::TooLong { limit: MAX_BODY }, &body));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.to_vec())
}

#[cfg(test)]
mod tests;
