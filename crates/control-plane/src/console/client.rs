//! The HTTP side: one request, one answer, and the cookies between them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use appliance_common::outbound::{Outbound, OutboundSettings};
use appliance_common::secret::Secret;
use http::{Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::error::ConsoleError;
use super::settings::ConsoleSettings;

/// Longest time a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest time one request may take: a submission looks into the cluster.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);
/// Longest answer that is read.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What the control plane said no with.
#[derive(Debug)]
pub(super) struct Refused {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The stable code.
    pub(super) code: String,
    /// The sentence for the operator.
    pub(super) sentence: String,
    /// A sentence per answer that is not right.
    pub(super) fields: BTreeMap<String, String>,
    /// When another attempt makes sense.
    pub(super) retry_after: Option<Duration>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        for (field, problem) in &self.fields {
            write!(f, "\n  {field}: {problem}")?;
        }
        Ok(())
    }
}

/// A connection to the control plane, with the cookies it gave.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    cookies: BTreeMap<String, Secret<String>>,
}

impl Client {
    /// Reads the CA bundle; sends nothing.
    pub(super) fn open(settings: &ConsoleSettings) -> Result<Self, ConsoleError> {
        let outbound = OutboundSettings {
            ca_bundle: settings.ca_bundle().map(ToOwned::to_owned),
            ..OutboundSettings::default()
        };
        let outbound = Outbound::open(&outbound, CONNECT_LIMIT).map_err(ConsoleError::Tls)?;
        Ok(Self {
            http: outbound.client().clone(),
            base: settings.url.clone(),
            cookies: BTreeMap::new(),
        })
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Value, ConsoleError> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Result<Value, ConsoleError> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ConsoleError> {
        let mut url = self.base.clone();
        url.set_path(path);
        let mut request = self.http.request(method, url).timeout(REQUEST_LIMIT);
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.cookie_line());
        }
        if let Some(body) = body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        self.keep_cookies(response.headers());
        self.read(response).await
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Value, ConsoleError> {
        let (status, mut text) = (response.status(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_ANSWER {
                return Err(self.stranger("its answer is far too long"));
            }
        }
        match serde_json::from_slice::<Value>(&text) {
            Ok(body) if status.is_success() => Ok(body),
            Ok(body) => Err(ConsoleError::Refused(refused(status, &body))),
            // A proxy in between, while the control plane restarts.
            Err(_) if status.is_server_error() => Err(ConsoleError::Refused(refused(status, &Value::Null))),
            Err(_) => Err(self.stranger(&format!("HTTP status {status}, and no JSON"))),
        }
    }

    fn cookie_line(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", value.expose()));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// An empty value is the server's way of taking a cookie back.
    fn keep_cookies(&mut self, headers: &header::HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().ok().and_then(|line| line.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies
                    .insert(name.to_owned(), Secret::new(value.to_owned()));
            }
        }
    }

    fn unreachable(&self, source: reqwest::Error) -> ConsoleError {
        ConsoleError::Unreachable {
            url: self.base.to_string(),
            source: source.without_url(),
        }
    }

    fn stranger(&self, found: &str) -> ConsoleError {
        ConsoleError::NotTheControlPlane {
            url: self.base.to_string(),
            found: found.to_owned(),
        }
    }
}

fn refused(status: StatusCode, body: &Value) -> Refused {
    let fields = body["fields"].as_object().into_iter().flatten();
    Refused {
        status,
        code: body["code"].as_str().unwrap_or_default().to_owned(),
        sentence: match body["error"].as_str() {
            Some(sentence) => sentence.to_owned(),
            None => format!("the control plane answered with HTTP status {status}"),
        },
        fields: fields
            .map(|(field, problem)| {
                (
                    field.clone(),
                    problem.as_str().unwrap_or("is not right").to_owned(),
                )
            })
            .collect(),
        retry_after: body["retryAfterSeconds"].as_u64().map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_shows_every_answer_that_is_not_right() {
        let body = json!({"error": "Channel must be one.", "code": "invalid_inputs",
                          "fields": {"channel": "Channel must be one.", "tenantName": "Company name is missing."}});
        let refused = refused(StatusCode::BAD_REQUEST, &body);
        assert_eq!(
            refused.to_string(),
            "Channel must be one.\n  channel: Channel must be one.\n  tenantName: Company name is missing."
        );
    }
}
