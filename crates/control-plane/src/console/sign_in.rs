//! A session, as the web has it: with the management password, or by setting the first one with the
//! console's token.

use std::io::Read;
use std::path::Path;

use appliance_common::secret::Secret;
use http::StatusCode;
use serde_json::json;

use super::answers::Answers;
use super::client::{Client, Refused};
use super::error::ConsoleError;
use super::form::new_password;
use super::settings::ConsoleSettings;
use super::terminal::Terminal;

/// Wrong answers that are asked for again before the console gives up; the control plane locks an address
/// out after some more.
const MAX_TRIES: u32 = 3;
/// Most that is read of a token file.
const MAX_TOKEN_FILE: u64 = 256;

/// What signing in may use.
pub(super) struct SignIn<'a> {
    pub(super) client: &'a mut Client,
    pub(super) terminal: &'a Terminal,
    pub(super) settings: &'a ConsoleSettings,
    /// The answers of a file; `None` when a person is asked.
    pub(super) answers: Option<&'a mut Answers>,
}

impl SignIn<'_> {
    /// Opens a session.
    pub(super) async fn open(mut self) -> Result<(), ConsoleError> {
        let state = self.client.get("/api/auth/state").await?;
        let password = self
            .answers
            .as_mut()
            .map(|answers| answers.take_management_password());
        match (state["phase"].as_str(), password) {
            (Some("authenticated"), _) => Ok(()),
            (Some("needs-token"), Some(password)) => {
                let password = password.ok_or(ConsoleError::NoManagementPassword)?;
                let token = self.given_token()?;
                self.set_password(&token, &password).await
            }
            (Some("needs-token"), None) => self.ask_for_first_password().await,
            (_, Some(password)) => {
                let password = password.ok_or(ConsoleError::NoManagementPassword)?;
                self.log_in(&password).await
            }
            (_, None) => self.ask_for_password().await,
        }
    }

    async fn ask_for_password(&mut self) -> Result<(), ConsoleError> {
        let mut tries = 1;
        loop {
            let password = self
                .terminal
                .ask_hidden("Management password of this appliance (not shown)")
                .await?;
            match self.log_in(&password).await {
                Err(ConsoleError::Refused(refused)) if is_wrong(&refused) && tries < MAX_TRIES => {
                    self.terminal.warn(&refused.sentence);
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn ask_for_first_password(&mut self) -> Result<(), ConsoleError> {
        let token = self.redeemed_token().await?;
        loop {
            let password = new_password(
                self.terminal,
                "Choose a management password, which opens this appliance",
            )
            .await?;
            match self.set_password(&token, &password).await {
                Err(ConsoleError::Refused(refused)) if refused.code == "weak_password" => {
                    self.terminal.warn(&refused.sentence);
                }
                ended => return ended,
            }
        }
    }

    /// A token that the control plane accepted: the file's, or else the one that is typed.
    async fn redeemed_token(&mut self) -> Result<Secret<String>, ConsoleError> {
        let mut tries = 1;
        let mut of_file = read_token(&self.settings.token_file);
        loop {
            let token = match of_file.take() {
                Some(token) => token,
                None => Secret::new(
                    self.terminal
                        .ask(
                            "Setup token (twenty digits, shown on the appliance's console)",
                            "",
                        )
                        .await?,
                ),
            };
            let body = json!({"token": token.expose()});
            match self.client.post("/api/auth/redeem-token", &body).await {
                Ok(_) => return Ok(token),
                Err(ConsoleError::Refused(refused)) if is_wrong(&refused) && tries < MAX_TRIES => {
                    self.terminal.warn(&refused.sentence);
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The token where nobody can be asked.
    fn given_token(&mut self) -> Result<Secret<String>, ConsoleError> {
        let given = self
            .answers
            .as_mut()
            .and_then(|answers| answers.take_setup_token());
        given
            .or_else(|| read_token(&self.settings.token_file))
            .ok_or_else(|| ConsoleError::NoToken {
                path: self.settings.token_file.clone(),
            })
    }

    async fn set_password(
        &mut self,
        token: &Secret<String>,
        password: &Secret<String>,
    ) -> Result<(), ConsoleError> {
        let password = password.expose();
        let body = json!({"token": token.expose(), "password": password, "passwordConfirm": password});
        self.client.post("/api/auth/set-password", &body).await?;
        Ok(())
    }

    async fn log_in(&mut self, password: &Secret<String>) -> Result<(), ConsoleError> {
        let body = json!({"password": password.expose()});
        self.client.post("/api/auth/login", &body).await?;
        Ok(())
    }
}

fn is_wrong(refused: &Refused) -> bool {
    refused.status == StatusCode::UNAUTHORIZED
}

fn read_token(path: &Path) -> Option<Secret<String>> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_TOKEN_FILE).read_to_string(&mut text).ok()?;
    let text = Secret::new(text);
    let token = text.expose().trim();
    (!token.is_empty()).then(|| Secret::new(token.to_owned()))
}
