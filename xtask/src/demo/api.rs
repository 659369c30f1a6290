//! The appliance's HTTP API as a browser uses it: JSON and cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, redirect};
use serde_json::Value;

/// Longest time one answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A session with one appliance.
pub(crate) struct Api {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

impl Api {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .timeout(LIMIT)
            .redirect(redirect::Policy::none())
            .build()
            .context("making an HTTP client")?;
        Ok(Self {
            client,
            base: base.to_owned(),
            cookies: BTreeMap::new(),
        })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// The session, as a `Cookie` header has it.
    pub(crate) fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let what = format!("{method} {path}");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header(ORIGIN, &self.base)
            .header(COOKIE, self.cookies());
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(serde_json::to_vec(body)?);
        }
        let answer = request.send().await.with_context(|| what.clone())?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().ok().and_then(|cookie| cookie.split(';').next());
            if let Some((name, value)) = cookie.and_then(|cookie| cookie.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = answer.status();
        let text = answer.text().await.with_context(|| what.clone())?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !status.is_success() {
            bail!("{what} was answered with {status}{}", refusal(&body));
        }
        Ok(body)
    }

    /// Where a `GET` of another server leads to; `None` when it does not redirect.
    pub(crate) async fn redirect_of(&self, url: &str) -> Result<Option<String>> {
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .with_context(|| format!("GET {url}"))?;
        let location = answer.headers().get(reqwest::header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        Ok(location
            .filter(|_| answer.status().is_redirection())
            .map(str::to_owned))
    }
}

/// What an error body says: the sentence, and which fields it is about.
fn refusal(body: &Value) -> String {
    let sentence = body["error"].as_str().map(|error| format!(": {error}"));
    let fields = body["fields"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, complaint)| {
        let complaint = complaint.as_str().unwrap_or_default();
        format!("\n         {name}: {complaint}")
    });
    sentence.into_iter().chain(fields).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::refusal;

    #[test]
    fn a_refusal_names_the_sentence_and_every_field() {
        let body = json!({"error": "Two answers are missing.", "code": "invalid_inputs",
                          "fields": {"tenantName": "Company name is missing.", "adminEmail": "No address."}});
        assert_eq!(
            refusal(&body),
            ": Two answers are missing.\n         tenantName: Company name is missing.\n         adminEmail: No address."
        );
        assert_eq!(refusal(&serde_json::Value::Null), "");
    }
}
