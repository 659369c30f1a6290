//! Whether a registry of this machine speaks TLS.
//!
//! It may be plain, and mostly is, so that is tried first; one that turns out to expect TLS gets it. Any
//! other registry is spoken to over TLS and nothing else.

use reqwest::{Response, StatusCode};
use url::Url;

use super::Registry;
use super::auth::Bearer;
use super::failure::Failure;
use crate::outbound::Transport;

pub(super) const PLAIN: &str = "http";
pub(super) const TLS: &str = "https";

impl Registry {
    /// One GET in the scheme that the registry speaks.
    pub(super) async fn get(
        &self,
        url: &Url,
        bearer: Option<&Bearer>,
        accept: &str,
    ) -> Result<Response, Failure> {
        if url.origin() != self.base.origin() {
            return self.exchange(url, bearer, accept).await;
        }
        if let Some(scheme) = self.scheme.get() {
            return self.exchange(&in_scheme(url, scheme), bearer, accept).await;
        }
        let plain = self.exchange(url, bearer, accept).await;
        let expects_tls = match &plain {
            Ok(response) => response.status() == StatusCode::BAD_REQUEST,
            Err(Failure::Transport { kind, .. }) => *kind == Transport::Interrupted,
            Err(_) => false,
        };
        if !expects_tls {
            if plain.is_ok() {
                self.scheme.get_or_init(|| PLAIN);
            }
            return plain;
        }
        match self.exchange(&in_scheme(url, TLS), bearer, accept).await {
            Ok(response) => {
                self.scheme.get_or_init(|| TLS);
                Ok(response)
            }
            Err(failure) if failure.is_untrusted() => Err(failure),
            Err(_) => plain,
        }
    }
}

/// The same URL in another scheme. The two are interchangeable by the rules of URLs, so this cannot fail.
pub(super) fn in_scheme(url: &Url, scheme: &str) -> Url {
    let mut url = url.clone();
    if url.set_scheme(scheme).is_err() {
        tracing::debug!(scheme, "this URL keeps its scheme");
    }
    url
}
