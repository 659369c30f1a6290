//! Anonymous tokens: asking for one where the registry says, or where it always was.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::error::RegistryError;
use super::failure::Failure;
use super::fetch::{Answer, Fetch, MAX_TOKEN};
use super::kinds::Operation;
use super::{JSON, Registry, redirect};
use crate::release::reference::Reference;
use crate::release::strict_json;

/// Life of a token that does not say.
const DEFAULT_LIFE: u64 = 60;
/// Longest a token is kept.
const MAX_LIFE: u64 = 300;

/// A token as a request carries it. Shown by nothing.
#[derive(Clone)]
pub(super) struct Bearer(HeaderValue);

impl Bearer {
    fn new(token: &str) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// A token and when it ends.
pub(super) struct Token {
    bearer: Bearer,
    until: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Registry {
    /// Sends a request with the token we have, if any; on 401 gets a new one and sends it once more.
    pub(super) async fn authorized(
        &self,
        reference: &Reference,
        operation: Operation,
        mut request: Fetch,
        deadline: Instant,
    ) -> Result<Answer, RegistryError> {
        request.bearer = self.remembered().await;
        let challenge = match self.send_patiently(&request, deadline).await {
            Err(Failure::Status {
                status: 401,
                challenge,
                ..
            }) => challenge,
            other => return other.map_err(|failure| self.error(Some(reference), operation, failure)),
        };
        *self.token.lock().await = None;
        let token = self.fetch_token(&challenge, deadline).await;
        let token = token.map_err(|failure| self.error(Some(reference), Operation::Token, failure))?;
        request.bearer = Some(token.bearer.clone());
        *self.token.lock().await = Some(token);
        let answer = self.send_patiently(&request, deadline).await;
        answer.map_err(|failure| self.error(Some(reference), operation, failure))
    }

    async fn remembered(&self) -> Option<Bearer> {
        let token = self.token.lock().await;
        token
            .as_ref()
            .filter(|token| Instant::now() < token.until)
            .map(|token| token.bearer.clone())
    }

    async fn fetch_token(&self, challenges: &[String], deadline: Instant) -> Result<Token, Failure> {
        let asked = Instant::now();
        let request = Fetch::new(self.token_url(challenges), JSON, MAX_TOKEN);
        let answer = self.send_patiently(&request, deadline).await?;
        let unusable = || Failure::Protocol("the token service sent no token".to_owned());
        let document = strict_json::parse(&answer.body).map_err(|_| unusable())?;
        let text = |key: &str| {
            document
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let token = text("token")
            .or_else(|| text("access_token"))
            .ok_or_else(unusable)?;
        let life = document
            .get("expires_in")
            .and_then(Value::as_u64)
            .unwrap_or(DEFAULT_LIFE);
        Ok(Token {
            bearer: Bearer::new(token).ok_or_else(unusable)?,
            until: asked + Duration::from_secs(life.min(MAX_LIFE)),
        })
    }

    /// The realm of the first usable challenge, or the fixed place. The scope is always ours: a challenge
    /// cannot make us ask for more.
    fn token_url(&self, challenges: &[String]) -> Url {
        let usable = challenges
            .iter()
            .filter_map(|text| Challenge::read(text))
            .find_map(|challenge| {
                let realm = Url::parse(&challenge.realm).ok()?;
                redirect::check(&realm, &self.host).ok()?;
                Some((realm, challenge.service))
            });
        let (mut url, service) = usable.unwrap_or_else(|| (self.url("token"), None));
        url.query_pairs_mut()
            .append_pair("service", service.as_deref().unwrap_or(self.host.as_str()))
            .append_pair("scope", &format!("repository:{}:pull", self.repository));
        url
    }
}

/// A `WWW-Authenticate: Bearer` challenge (RFC 9110 §11.6.1).
#[derive(Debug, PartialEq)]
struct Challenge {
    realm: String,
    service: Option<String>,
}

impl Challenge {
    /// The bearer challenge of a header, which may list others before and after it.
    fn read(text: &str) -> Option<Self> {
        let (mut bearer, mut realm, mut service) = (false, None, None);
        let mut rest = text;
        while let Some((name, value, after)) = parameter(rest) {
            rest = after;
            // The first parameter of a challenge comes after the name of its scheme.
            let mut words = name.split([' ', '\t', ',']).rev().filter(|word| !word.is_empty());
            let name = words.next().unwrap_or_default().to_ascii_lowercase();
            if let Some(scheme) = words.next() {
                if realm.is_some() {
                    break;
                }
                bearer = scheme.eq_ignore_ascii_case("bearer");
                service = None;
            }
            match name.as_str() {
                "realm" if bearer => realm = Some(value),
                "service" if bearer => service = Some(value),
                _ => {}
            }
        }
        Some(Self {
            realm: realm?,
            service,
        })
    }
}

/// The first `name=value` or `name="value"`, and what follows its comma.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.trim_start_matches([' ', '\t', ',']).split_once('=')?;
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(',').unwrap_or(rest.len());
        return Some((name.trim(), rest[..end].trim().to_owned(), &rest[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name.trim(), value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None // the quote never closes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        Challenge::read(text).map(|challenge| (challenge.realm, challenge.service))
    }

    #[test]
    fn challenges_are_read_in_any_order_case_and_quoting() {
        for (text, service) in [
            (
                r#"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push""#,
                Some("s"),
            ),
            (
                r#"bearer  SCOPE="x" , Service="s, \"q\"" , REALM="https://a/t""#,
                Some(r#"s, "q""#),
            ),
            ("BEARER realm=https://a/t, service=s", Some("s")),
            (r#"Bearer realm="https://a/t""#, None),
            ("Bearer\trealm=\"https://a/t\"", None),
            (
                r#"Basic realm="b", service="b", Bearer service="s",realm="https://a/t", Digest realm="d", service="d""#,
                Some("s"),
            ),
            (r#"Negotiate, Bearer realm="https://a/t""#, None),
        ] {
            assert_eq!(
                read(text),
                Some(("https://a/t".to_owned(), service.map(str::to_owned))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_bearer_challenge_is_none() {
        for text in [
            "",
            "Bearer",
            "Basic realm=\"x\"",
            "Bearer service=\"s\"",
            "Bearer realm=\"x",
            "Bearer x",
            "realm=\"x\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "Bearer \\PC*") {
            let _ = Challenge::read(&text);
        }
    }
}
