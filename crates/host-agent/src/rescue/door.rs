//! Who is let in: whoever knows the management password, or the setup token while there is none.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use appliance_common::names::file;
use appliance_common::password::{PasswordDocument, StoredPassword, derive};
use appliance_common::secret::Secret;
use appliance_common::setup_token::SetupToken;
use appliance_common::state_file::StateFile;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::visitors::Visitors;
use crate::settings::Settings;

/// Largest token file.
const MAX_TOKEN: usize = 256;

/// What a visitor has to know.
enum Key {
    Password(StoredPassword),
    Token(SetupToken),
    /// Neither can be read.
    Nothing,
}

/// Why somebody stays outside, in words for them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// The door.
#[derive(Debug)]
pub(super) struct Door {
    credential: PathBuf,
    token: PathBuf,
    visitors: Mutex<Visitors>,
    /// A password costs 16 MiB and a fraction of a second: one at a time.
    checking: Semaphore,
}

impl Door {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            credential: settings.state_dir.join(file::ADMIN_CREDENTIAL),
            token: settings.state_dir.join(file::SETUP_TOKEN),
            visitors: Mutex::default(),
            checking: Semaphore::new(1),
        }
    }

    fn visitors(&self) -> MutexGuard<'_, Visitors> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is asked for.
    pub(super) fn asks_for(&self) -> &'static str {
        match self.key() {
            Key::Password(_) => "Management password",
            Key::Token(_) => "Setup token, as the console of the box shows it",
            Key::Nothing => "Management password (it cannot be read; see below)",
        }
    }

    pub(super) fn is_in(&self, cookie: &str) -> bool {
        self.visitors().is_in(cookie, Instant::now())
    }

    pub(super) fn leave(&self, cookie: &str) {
        self.visitors().leave(cookie);
    }

    /// Lets a visitor in; what its cookie says from now on.
    pub(super) async fn enter(&self, peer: IpAddr, said: Secret<String>) -> Result<String, Refused> {
        let Ok(_turn) = self.checking.try_acquire() else {
            return Err(Refused(
                "Another visitor is being checked. Try again in a moment.".to_owned(),
            ));
        };
        if let Some(wait) = self.visitors().wait(peer, Instant::now()) {
            let words = format!(
                "Too many attempts failed. Try again in {} seconds.",
                wait.as_secs() + 1
            );
            return Err(Refused(words));
        }
        // Counted before it is checked: whoever hangs up has tried.
        self.visitors().fail(peer, Instant::now());
        if self.knows(said).await {
            return Ok(self.visitors().enter(peer, Instant::now()));
        }
        tracing::warn!(%peer, "somebody was not let in to the rescue page");
        Err(Refused("That is not right.".to_owned()))
    }

    async fn knows(&self, said: Secret<String>) -> bool {
        match self.key() {
            Key::Token(token) => SetupToken::parse(said.expose()).is_some_and(|said| said.is(&token)),
            Key::Password(stored) => {
                let checked = tokio::task::spawn_blocking(move || {
                    let key = derive(said.expose().as_bytes(), stored.salt(), stored.cost());
                    key.is_some_and(|key| stored.is(&key))
                });
                checked.await.unwrap_or(false)
            }
            Key::Nothing => false,
        }
    }

    /// A password file that cannot be used is no reason to believe the token: it must never read as "no password".
    fn key(&self) -> Key {
        match StateFile::<PasswordDocument>::at(&self.credential).load() {
            Ok(Some(document)) => {
                StoredPassword::from_document(&document).map_or(Key::Nothing, Key::Password)
            }
            Ok(None) => {
                let text = fs::read_to_string(&self.token).map(Secret::new);
                let text = text.ok().filter(|text| text.expose().len() <= MAX_TOKEN);
                text.and_then(|text| SetupToken::parse(text.expose()))
                    .map_or(Key::Nothing, Key::Token)
            }
            Err(_) => Key::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use appliance_common::password::Cost;
    use appliance_common::state_file;
    use clap::Parser;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn door(dir: &std::path::Path) -> Door {
        let settings =
            Settings::parse_from(["agent".into(), "--state-dir".into(), dir.as_os_str().to_owned()]);
        Door::new(&settings)
    }

    async fn tries(door: &Door, said: &str) -> bool {
        door.enter(PEER, Secret::new(said.to_owned())).await.is_ok()
    }

    #[tokio::test]
    async fn the_token_opens_until_there_is_a_password_and_a_damaged_password_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let door = door(dir.path());
        assert!(!tries(&door, "").await, "nothing is set");
        let token = dir.path().join(file::SETUP_TOKEN);
        state_file::replace(&token, b"1111-2222-3333-4444-5555\n", 0o640).unwrap();
        assert!(
            tries(&door, "1111 2222 3333 4444 5555").await && !tries(&door, "1111-2222-3333-4444-5556").await
        );

        let cost = Cost::checked(2, 1, 1, 64).unwrap();
        let key = derive(b"Str0ng!Pass", b"salt", cost).unwrap();
        let document = PasswordDocument::new(cost, b"salt", &key, jiff::Timestamp::UNIX_EPOCH);
        let credential = dir.path().join(file::ADMIN_CREDENTIAL);
        state_file::replace(&credential, &serde_json::to_vec(&document).unwrap(), 0o600).unwrap();
        assert!(tries(&door, "Str0ng!Pass").await && !tries(&door, "1111-2222-3333-4444-5555").await);
        state_file::replace(&credential, b"{", 0o600).unwrap();
        assert!(!tries(&door, "Str0ng!Pass").await && !tries(&door, "1111-2222-3333-4444-5555").await);
    }
}
