//! The management password: how it is set with the setup token, checked, changed, and what being
//! signed in is (30 §§2–5). Knows no HTTP.

mod audit;
mod credential;
mod error;
mod gate;
mod hashing;
mod lockout;
mod prove;
mod secret_file;
mod session;
mod ticket;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use appliance_common::clock::Clock;
use appliance_common::names;
use appliance_common::password::StoredPassword;
use appliance_common::secret::Secret;

pub use audit::{Audit, AuditEvent};
use credential::{Credential, CredentialFile};
pub(crate) use error::AuthError;
use gate::Gate;
use hashing::Hasher;
use lockout::LockoutPolicy;
pub(crate) use session::{Cookie, Session};
use session::{Sessions, Visit};
pub(crate) use ticket::LIFE as TICKET_LIFE;
pub(crate) use ticket::Proof;
use ticket::Tickets;
use token::TokenFile;

use crate::password::check_management;
use crate::settings::AuthSettings;

/// How far the box has come: does it have a password?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    NeedsToken,
    NeedsPassword,
    CredentialError,
}

/// Everything about signing in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    token: TokenFile,
    credential: CredentialFile,
    changing: tokio::sync::Mutex<()>,
    hasher: Hasher,
    gate: Arc<Gate>,
    sessions: Sessions,
    tickets: Tickets,
    audit: Audit,
}

impl Auth {
    /// Opens the files that `settings` name; reads the failed attempts of before.
    pub(crate) fn open(settings: &AuthSettings, clock: Clock, audit: Audit) -> Self {
        let beside = |name: &str| settings.admin_credential_file.with_file_name(name);
        let policy = LockoutPolicy {
            max_failures: settings.auth_max_failures,
            base: settings.auth_base_lock,
            max: settings.auth_max_lock,
        };
        Self(Arc::new(Inner {
            token: TokenFile::at(settings.token_file.clone()),
            credential: CredentialFile::at(settings.admin_credential_file.clone()),
            changing: tokio::sync::Mutex::new(()),
            hasher: Hasher::new(),
            gate: Arc::new(Gate::open(
                beside(names::file::AUTH_LOCKOUT),
                policy,
                clock.clone(),
            )),
            sessions: Sessions::at(
                settings.session_secret_file.clone(),
                beside(names::file::SESSION_REVOCATIONS),
                settings.session_ttl,
                settings.session_bind_ip,
            ),
            tickets: Tickets::default(),
            clock,
            audit,
        }))
    }

    /// Whether a password is set.
    pub(crate) fn phase(&self) -> Phase {
        match &*self.0.credential.current() {
            Credential::Unset => Phase::NeedsToken,
            Credential::Configured(_) => Phase::NeedsPassword,
            Credential::Unreadable => Phase::CredentialError,
        }
    }

    /// Refuses a locked-out address before anything else of its request is looked at.
    pub(crate) fn check_lockout(&self, peer: IpAddr) -> Result<(), AuthError> {
        Ok(self.0.gate.check(peer, &self.generation())?)
    }

    /// Whether the token may be used now.
    pub(crate) fn check_unset(&self) -> Result<(), AuthError> {
        match self.phase() {
            Phase::NeedsToken => Ok(()),
            Phase::NeedsPassword => Err(AuthError::AlreadyConfigured),
            Phase::CredentialError => Err(AuthError::Unreadable),
        }
    }

    /// Whether a password can be checked now.
    pub(crate) fn check_configured(&self) -> Result<(), AuthError> {
        self.stored().map(drop)
    }

    /// Checks the token; returns a ticket that stands for it.
    pub(crate) async fn redeem(&self, peer: IpAddr, given: Secret<String>) -> Result<String, AuthError> {
        let (attempt, token) = self.prove(peer, &Proof::Token(given)).await?;
        attempt.succeeded().await;
        let ticket = self.0.tickets.issue(peer, token, self.0.clock.now());
        self.record("auth.token_redeemed", peer, None, "ok").await;
        Ok(ticket)
    }

    /// Whether `ticket` stands for the token that is valid now.
    pub(crate) fn holds_ticket(&self, peer: IpAddr, ticket: &str) -> bool {
        self.phase() == Phase::NeedsToken && self.token_of(peer, &Proof::Ticket(ticket.to_owned())).is_some()
    }

    /// Sets the first password and signs its owner in.
    pub(crate) async fn set_password(
        &self,
        peer: IpAddr,
        proof: Proof,
        password: Secret<String>,
    ) -> Result<Cookie, AuthError> {
        let (attempt, _) = self.prove(peer, &proof).await?;
        if let Err(weak) = check_management(password.expose()) {
            attempt.refund();
            return Err(AuthError::Weak(weak));
        }
        let stored = match self.create(password).await {
            Ok(stored) => stored,
            Err(error) => {
                attempt.refund();
                return Err(error);
            }
        };
        self.0.tickets.burn();
        // Before anything is awaited: a client that leaves now ends the request, not the token's life.
        if let Err(error) = self.0.token.retire() {
            // It opens nothing any more, it is only still to be seen.
            tracing::warn!(%error, "the used setup token could not be removed from its file");
        }
        attempt.succeeded().await;
        let (session, cookie) = self.sign_in(peer, &stored).await?;
        self.record("auth.password_set", peer, Some(&session), "ok").await;
        Ok(cookie)
    }

    /// Checks the password and opens a session.
    pub(crate) async fn login(&self, peer: IpAddr, password: Secret<String>) -> Result<Cookie, AuthError> {
        let stored = self
            .check_password(peer, &password, "auth.login_failed", None)
            .await?;
        let stored = self.strengthen(stored, password).await;
        let (session, cookie) = self.sign_in(peer, &stored).await?;
        self.record("auth.login", peer, Some(&session), "ok").await;
        Ok(cookie)
    }

    /// Replaces the password, ends every session and opens a new one for the caller.
    pub(crate) async fn change_password(
        &self,
        peer: IpAddr,
        session: &Session,
        current: Secret<String>,
        new: Secret<String>,
    ) -> Result<Cookie, AuthError> {
        let before = self
            .check_password(peer, &current, "auth.password_change_failed", Some(session))
            .await?;
        check_management(new.expose()).map_err(AuthError::Weak)?;
        let stored = {
            let _changing = self.0.changing.lock().await;
            if self.stored()?.generation() != before.generation() {
                return Err(AuthError::WrongPassword);
            }
            self.store(new).await?
        };
        // The new credential has already ended every session.
        if let Err(error) = self.0.sessions.revoke_all().await {
            let error = appliance_common::process::chain(&error);
            tracing::warn!(error, "the session secret was not replaced with the password");
        }
        let (session, cookie) = self.sign_in(peer, &stored).await?;
        self.record("auth.password_changed", peer, Some(&session), "ok")
            .await;
        Ok(cookie)
    }

    /// Checks the password once more, before something that a session alone does not allow.
    pub(crate) async fn confirm(
        &self,
        peer: IpAddr,
        session: &Session,
        password: Secret<String>,
    ) -> Result<(), AuthError> {
        let failure = "auth.confirmation_failed";
        self.check_password(peer, &password, failure, Some(session))
            .await
            .map(drop)
    }

    /// Ends one session.
    pub(crate) async fn logout(&self, peer: IpAddr, session: &Session) -> Result<(), AuthError> {
        let ended = self.0.sessions.revoke(session, self.now()).await;
        ended.map_err(AuthError::Session)?;
        self.record("auth.logout", peer, Some(session), "ok").await;
        Ok(())
    }

    /// Ends every session.
    pub(crate) async fn logout_all(&self, peer: IpAddr, session: &Session) -> Result<(), AuthError> {
        self.0.sessions.revoke_all().await.map_err(AuthError::Session)?;
        self.record("auth.logout_all", peer, Some(session), "ok").await;
        Ok(())
    }

    /// Who is signed in with the cookies of our name.
    pub(crate) fn session<'c>(
        &self,
        peer: IpAddr,
        cookies: impl Iterator<Item = &'c str>,
    ) -> Option<Session> {
        let stored = self.stored().ok()?;
        let visit = Visit {
            peer,
            generation: stored.generation(),
            now: self.now(),
        };
        self.0.sessions.verify(cookies, visit)
    }

    /// A new cookie for a session whose last recorded use is a while ago.
    pub(crate) fn renewal(&self, session: &Session) -> Option<Cookie> {
        let now = self.now();
        session.is_due(now).then(|| self.0.sessions.renew(session, now))?
    }

    /// Stores the first password; the second of two who try is told so.
    async fn create(&self, password: Secret<String>) -> Result<StoredPassword, AuthError> {
        let _changing = self.0.changing.lock().await;
        self.check_unset()?;
        self.store(password).await
    }

    /// Hashes a password that was just checked anew when its hash is weaker than today's.
    async fn strengthen(&self, stored: StoredPassword, password: Secret<String>) -> StoredPassword {
        if !stored.is_outdated() {
            return stored;
        }
        let _changing = self.0.changing.lock().await;
        if self
            .stored()
            .is_ok_and(|now| now.generation() == stored.generation())
            && let Ok(stronger) = self.store(password).await
        {
            return stronger;
        }
        stored
    }

    /// Under the mutex of credential changes.
    async fn store(&self, password: Secret<String>) -> Result<StoredPassword, AuthError> {
        let stored = self
            .0
            .credential
            .store(&self.0.hasher, password, self.0.clock.now());
        Ok(stored.await?)
    }

    async fn sign_in(&self, peer: IpAddr, stored: &StoredPassword) -> Result<(Session, Cookie), AuthError> {
        let visit = Visit {
            peer,
            generation: stored.generation(),
            now: self.now(),
        };
        self.0.sessions.open(visit).await.map_err(AuthError::Session)
    }

    fn stored(&self) -> Result<StoredPassword, AuthError> {
        match &*self.0.credential.current() {
            Credential::Configured(stored) => Ok(stored.clone()),
            Credential::Unset => Err(AuthError::NotConfigured),
            Credential::Unreadable => Err(AuthError::Unreadable),
        }
    }

    /// What failures are counted against: the password, or the token while there is none.
    fn generation(&self) -> String {
        match &*self.0.credential.current() {
            Credential::Configured(stored) => stored.generation().to_owned(),
            Credential::Unset => format!("token {}", self.0.token.id()),
            Credential::Unreadable => "unreadable".to_owned(),
        }
    }

    fn now(&self) -> i64 {
        self.0.clock.now().as_second()
    }

    async fn record(
        &self,
        event: &'static str,
        peer: IpAddr,
        session: Option<&Session>,
        result: &'static str,
    ) {
        let event = AuditEvent {
            event,
            peer,
            session: session.map(Session::id),
            result,
        };
        self.0.audit.record(event).await;
    }
}
