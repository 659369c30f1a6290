//! Signed session cookies (30 §4): bound to the credential, to the address that opened them and to
//! their last use; revoked one by one or all at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use appliance_common::state_file::{StateFile, StateFileError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::secret_file::{SecretError, SecretFile};
use crate::watched::Watched;
use appliance_common::random;

/// A session that was not used for so long is over.
const MAX_IDLE: i64 = 12 * 3600;
/// How often at most the time of the last use is written into a new cookie.
const RENEW_EVERY: i64 = 5 * 60;
/// Revoked sessions remembered; beyond that everybody is signed out instead.
const MAX_REVOKED: usize = 10_000;
const VERSION: u32 = 2;

/// What a cookie says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    v: u32,
    sid: String,
    iat: i64,
    exp: i64,
    #[serde(rename = "gen")]
    generation: String,
    ip: IpAddr,
    seen: i64,
}

/// Sessions that ended before their time, each with the second at which it would have.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Revocations {
    revoked: BTreeMap<String, i64>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session(Payload);

impl Session {
    /// The session's id.
    pub(crate) fn id(&self) -> &str {
        &self.0.sid
    }

    /// Whether the cookie should be written again with the time of this use.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        now - self.0.seen >= RENEW_EVERY
    }
}

/// A cookie to set.
#[derive(Debug)]
pub(crate) struct Cookie {
    pub(crate) value: String,
    pub(crate) max_age: i64,
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) peer: IpAddr,
    /// The credential in force.
    pub(crate) generation: &'a str,
    /// Seconds since the epoch.
    pub(crate) now: i64,
}

/// Why a session could not be opened or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("using the session secret")]
    Secret(#[source] SecretError),
    #[error("storing signed-out sessions")]
    Revocations(#[source] StateFileError),
    #[error("encoding a session")]
    Encode(#[source] serde_json::Error),
}

/// Opens, checks and ends sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    secret: SecretFile,
    revocations: StateFile<Revocations>,
    /// `None` while the file is damaged: then no session is valid.
    revoked: Watched<Option<Revocations>>,
    ttl: i64,
    bind_ip: bool,
    changing: tokio::sync::Mutex<()>,
}

impl Sessions {
    pub(crate) fn at(secret: PathBuf, revocations: PathBuf, ttl: Duration, bind_ip: bool) -> Self {
        let file = StateFile::<Revocations>::at(revocations.clone());
        let read = file.clone();
        Self {
            secret: SecretFile::at(secret),
            revocations: file,
            revoked: Watched::new(revocations, move || load(&read)),
            ttl: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
            bind_ip,
            changing: tokio::sync::Mutex::new(()),
        }
    }

    /// Opens a session for who has just given the password.
    pub(crate) async fn open(&self, visit: Visit<'_>) -> Result<(Session, Cookie), SessionError> {
        let _changing = self.changing.lock().await;
        if self.revoked.get().is_none() {
            // Nobody knows any more who was signed out: everybody is.
            self.secret.rotate().map_err(SessionError::Secret)?;
            self.store(&Revocations::default())?;
        }
        let key = self.secret.key_or_new().map_err(SessionError::Secret)?;
        let session = Session(Payload {
            v: VERSION,
            sid: random::url_safe::<16>(),
            iat: visit.now,
            exp: visit.now.saturating_add(self.ttl),
            generation: visit.generation.to_owned(),
            ip: visit.peer,
            seen: visit.now,
        });
        let cookie = sign(&key, &session.0, visit.now)?;
        Ok((session, cookie))
    }

    /// The session behind the values of all cookies of our name. Another port of this address can set
    /// such cookies too, so several are accepted only if exactly one is valid.
    pub(crate) fn verify<'c>(
        &self,
        cookies: impl Iterator<Item = &'c str>,
        visit: Visit<'_>,
    ) -> Option<Session> {
        let key = self.secret.key();
        let key = Option::as_ref(&key)?;
        let revoked = self.revoked.get();
        let revoked = Option::as_ref(&revoked)?;
        let mut valid = cookies
            .filter_map(|value| decode(key, value))
            .filter(|payload| self.holds(payload, visit) && !revoked.revoked.contains_key(&payload.sid));
        match (valid.next(), valid.next()) {
            (Some(payload), None) => Some(Session(payload)),
            _ => None,
        }
    }

    fn holds(&self, payload: &Payload, visit: Visit<'_>) -> bool {
        payload.v == VERSION
            && payload.exp > visit.now
            && visit.now.saturating_sub(payload.iat) < self.ttl
            && visit.now.saturating_sub(payload.seen) <= MAX_IDLE
            && payload.generation == visit.generation
            && (!self.bind_ip || payload.ip == visit.peer)
    }

    /// The cookie of a session that is in use at `now`.
    pub(crate) fn renew(&self, session: &Session, now: i64) -> Option<Cookie> {
        let key = self.secret.key();
        let payload = Payload {
            seen: now,
            ..session.0.clone()
        };
        sign(Option::as_ref(&key)?, &payload, now).ok()
    }

    /// Ends one session.
    pub(crate) async fn revoke(&self, session: &Session, now: i64) -> Result<(), SessionError> {
        let _changing = self.changing.lock().await;
        let mut list = Option::clone(&self.revoked.get()).unwrap_or_default();
        list.revoked.retain(|_, exp| *exp > now);
        if list.revoked.len() >= MAX_REVOKED {
            self.secret.rotate().map_err(SessionError::Secret)?;
            list.revoked.clear();
        }
        list.revoked.insert(session.0.sid.clone(), session.0.exp);
        self.store(&list)
    }

    /// Ends all sessions.
    pub(crate) async fn revoke_all(&self) -> Result<(), SessionError> {
        let _changing = self.changing.lock().await;
        self.secret.rotate().map_err(SessionError::Secret)
    }

    fn store(&self, list: &Revocations) -> Result<(), SessionError> {
        self.revocations.store(list).map_err(SessionError::Revocations)
    }
}

fn load(file: &StateFile<Revocations>) -> Option<Revocations> {
    match file.load() {
        Ok(list) => Some(list.unwrap_or_default()),
        Err(error) => {
            tracing::error!(
                error = appliance_common::process::chain(&error),
                "nobody is signed in until somebody signs in anew"
            );
            None
        }
    }
}

fn sign(key: &hmac::Key, payload: &Payload, now: i64) -> Result<Cookie, SessionError> {
    let json = serde_json::to_vec(payload).map_err(SessionError::Encode)?;
    let text = URL_SAFE_NO_PAD.encode(json);
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, text.as_bytes()));
    Ok(Cookie {
        value: format!("{text}.{signature}"),
        max_age: payload.exp - now,
    })
}

/// The payload of a cookie whose signature is ours; nothing unsigned is decoded.
fn decode(key: &hmac::Key, value: &str) -> Option<Payload> {
    let (text, signature) = value.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(key, text.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests;
