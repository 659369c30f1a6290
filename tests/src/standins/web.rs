//! The application's web page, as far as the appliance asks for it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{HeaderValue, LOCATION};

use super::StandIn;
use super::http::{respond, serve, serve_tls};
use crate::faults::tls;

/// Where somebody who is not signed in ends up.
const DASHBOARD: &str = "/msp/dashboard";

/// A running page; dropping it ends it.
#[derive(Debug)]
pub struct Web {
    scheme: &'static str,
    address: SocketAddr,
    _server: StandIn,
}

impl Web {
    /// Starts it on a free loopback port: `/msp/dashboard` answers 200, all else redirects there.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start() -> Result<Self> {
        let (address, server) = serve(Arc::new(answer)).await?;
        Ok(Self {
            scheme: "http",
            address,
            _server: server,
        })
    }

    /// The same over TLS, with a certificate that nobody has reason to trust.
    ///
    /// # Errors
    /// No port can be listened on, or no certificate made.
    pub async fn start_untrusted() -> Result<Self> {
        let (address, server) = serve_tls(Arc::new(answer), tls::front()?.acceptor).await?;
        Ok(Self {
            scheme: "https",
            address,
            _server: server,
        })
    }

    /// The application URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

fn answer(path: &str) -> Response<Full<Bytes>> {
    if path == DASHBOARD {
        return respond(
            200,
            Bytes::from_static(b"<!doctype html><title>Alga PSA</title>Dashboard"),
        );
    }
    let mut redirect = respond(302, Bytes::new());
    redirect
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static(DASHBOARD));
    redirect
}
