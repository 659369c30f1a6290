//! The questions of the wizard, on a terminal: code first, then company and administrator, and nothing
//! else unless it is asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answers::Answers;
use super::error::ConsoleError;
use super::terminal::Terminal;

/// Answers that have a question of their own, in its words.
const QUESTIONS: [(&str, &str); 9] = [
    ("tenantName", "Company name"),
    ("adminFirstName", "Administrator's first name"),
    ("adminLastName", "Administrator's last name"),
    ("adminEmail", "Administrator's e-mail address"),
    ("appHostname", "Address of the application"),
    ("channel", "Release channel (stable or nightly)"),
    (
        "dnsMode",
        "DNS servers: those of this network (system) or others (custom)",
    ),
    (
        "dnsServers",
        "DNS servers for registry and licence service, separated by commas (host and pods keep their own)",
    ),
    ("releaseRef", "Release pin, empty to follow the channel"),
];

/// What is asked of everybody, after the licence.
const COMPANY: [&str; 4] = ["tenantName", "adminFirstName", "adminLastName", "adminEmail"];

/// The form, as far as it is filled in.
pub(super) struct Form<'a> {
    terminal: &'a Terminal,
    defaults: Value,
    answers: Answers,
}

impl<'a> Form<'a> {
    /// An empty form. `defaults` are those of `GET /api/setup/config`.
    pub(super) fn new(terminal: &'a Terminal, defaults: Value) -> Self {
        Self {
            terminal,
            defaults,
            answers: Answers::default(),
        }
    }

    /// Asks everything once.
    pub(super) async fn fill(&mut self) -> Result<(), ConsoleError> {
        self.license().await?;
        for field in COMPANY {
            self.question(field).await?;
        }
        self.password().await?;
        self.question("appHostname").await?;
        if self
            .terminal
            .confirm("Change DNS, channel or release pin?", false)
            .await?
        {
            self.advanced().await?;
        }
        if self.terminal.confirm("Install now?", true).await? {
            return Ok(());
        }
        Err(ConsoleError::Declined)
    }

    /// Asks again for what was not right, and for nothing else. False when a problem has no question
    /// here.
    pub(super) async fn correct(
        &mut self,
        problems: &BTreeMap<String, String>,
    ) -> Result<bool, ConsoleError> {
        let mut is_asked = false;
        for (field, problem) in problems {
            self.terminal.warn(problem);
            // The confirmation and the licence fields share a question with their neighbour.
            let asked = match field.as_str() {
                "adminPassword" => self.password().await.map(|()| true),
                "adminPasswordConfirm" if problems.contains_key("adminPassword") => Ok(true),
                "adminPasswordConfirm" => self.password().await.map(|()| true),
                "installCode" => self.license().await.map(|()| true),
                "licenseMode" | "licenseKey" | "editionChoice" if problems.contains_key("installCode") => {
                    Ok(true)
                }
                "licenseMode" | "licenseKey" | "editionChoice" => self.license().await.map(|()| true),
                field => self.question(field).await,
            };
            is_asked |= asked?;
        }
        Ok(is_asked)
    }

    pub(super) fn answers(&self) -> &Answers {
        &self.answers
    }

    async fn license(&mut self) -> Result<(), ConsoleError> {
        for field in ["installCode", "licenseMode", "editionChoice", "licenseKey"] {
            self.answers.remove(field);
        }
        loop {
            let code = self
                .terminal
                .ask("Install code (from the portal; empty if you have none)", "")
                .await?;
            if !code.is_empty() {
                self.answers.set("installCode", &code);
                return Ok(());
            }
            let question = "Install without a code, with a licence key or as a trial?";
            if self.terminal.confirm(question, false).await? {
                return self.manual_license().await;
            }
        }
    }

    async fn manual_license(&mut self) -> Result<(), ConsoleError> {
        self.answers.set("licenseMode", "manual");
        let edition = self.terminal.ask("Edition (ee or ce)", "ee").await?;
        self.answers.set("editionChoice", &edition);
        let key = self
            .terminal
            .ask_hidden("Licence key (not shown; empty if none)")
            .await?;
        if !key.expose().trim().is_empty() {
            self.answers.set("licenseKey", key.expose());
        }
        Ok(())
    }

    async fn password(&mut self) -> Result<(), ConsoleError> {
        let password = new_password(self.terminal, "Administrator's password for the application").await?;
        self.answers.set("adminPassword", password.expose());
        self.answers.set("adminPasswordConfirm", password.expose());
        Ok(())
    }

    async fn advanced(&mut self) -> Result<(), ConsoleError> {
        self.question("channel").await?;
        self.question("dnsMode").await?;
        if self.answers.text("dnsMode") == "custom" {
            self.question("dnsServers").await?;
        }
        self.question("releaseRef").await?;
        Ok(())
    }

    /// Asks for one answer; what was given before, else the default, is taken for an empty one.
    async fn question(&mut self, field: &str) -> Result<bool, ConsoleError> {
        let Some((_, words)) = QUESTIONS.iter().find(|(name, _)| *name == field) else {
            return Ok(false);
        };
        let before = match self.answers.text(field) {
            "" => self.defaults[field].as_str().unwrap_or_default(),
            before => before,
        };
        let answer = self.terminal.ask(words, before).await?;
        self.answers.set(field, &answer);
        Ok(true)
    }
}

/// Asks for a password twice, until both are the same.
pub(super) async fn new_password(
    terminal: &Terminal,
    question: &str,
) -> Result<appliance_common::secret::Secret<String>, ConsoleError> {
    loop {
        let password = terminal.ask_hidden(&format!("{question} (not shown)")).await?;
        let again = terminal.ask_hidden("The same again").await?;
        if password.same_as(again.expose()) {
            return Ok(password);
        }
        terminal.warn("The two are not the same.");
    }
}
