//! Answers: those of a file, and those given so far.

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use appliance_common::secret::Secret;
use serde_json::{Map, Value};

use super::error::ConsoleError;
use super::terminal::Terminal;

/// Most that is read of a file: what the API takes, and room for white space.
const MAX_FILE: u64 = 256 * 1024;

/// The answer that opens the appliance; it is not part of a submission.
const MANAGEMENT_PASSWORD: &str = "managementPassword";
/// The console's token, where its file cannot be read; nor is this.
const SETUP_TOKEN: &str = "setupToken";

/// Answers that a file may give by another name, or below `initialTenant`.
const TENANT: [(&str, &[&str]); 4] = [
    ("tenantName", &["initialTenantName", "companyName"]),
    ("adminFirstName", &["initialAdminFirstName"]),
    ("adminLastName", &["initialAdminLastName"]),
    ("adminEmail", &["initialAdminEmail"]),
];

/// A submission in the making. It holds secrets and is never shown.
#[derive(Clone, Default)]
pub(super) struct Answers(Map<String, Value>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(…)")
    }
}

impl Answers {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(path: &Path, terminal: &Terminal) -> Result<Self, ConsoleError> {
        let text = read_bounded(path, terminal).map_err(|source| ConsoleError::AnswersUnreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|problem| ConsoleError::AnswersMalformed {
            path: path.to_owned(),
            problem,
        })
    }

    /// A parser's own message may quote the text, and with it a password: only the place is told.
    fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() as u64 > MAX_FILE {
            return Err(format!("more than {MAX_FILE} bytes"));
        }
        match serde_json::from_slice(text) {
            Ok(Value::Object(answers)) => Ok(Self(answers)),
            Ok(_) => Err("not a JSON object".to_owned()),
            Err(error) => Err(format!("not valid JSON, at line {}", error.line())),
        }
    }

    /// The management password, taken out.
    pub(super) fn take_management_password(&mut self) -> Option<Secret<String>> {
        self.take_secret(MANAGEMENT_PASSWORD)
    }

    /// The setup token, taken out.
    pub(super) fn take_setup_token(&mut self) -> Option<Secret<String>> {
        self.take_secret(SETUP_TOKEN)
    }

    fn take_secret(&mut self, field: &str) -> Option<Secret<String>> {
        match self.0.remove(field) {
            Some(Value::String(text)) => Some(Secret::new(text)),
            _ => None,
        }
    }

    /// Fills in what a file may leave out: what the form would show, and the password once more, since
    /// nobody mistypes in a file.
    pub(super) fn complete(&mut self, defaults: &Value) {
        for field in ["channel", "appHostname", "dnsMode", "dnsServers", "releaseRef"] {
            self.default(field, &[], defaults);
        }
        if !self.0.contains_key("initialTenant") {
            for (field, aliases) in TENANT {
                self.default(field, aliases, defaults);
            }
        }
        for (password, again) in [
            ("adminPassword", "adminPasswordConfirm"),
            ("initialAdminPassword", "initialAdminPasswordConfirm"),
        ] {
            if let Some(password) = self.0.get(password).cloned() {
                self.0.entry(again).or_insert(password);
            }
        }
    }

    fn default(&mut self, field: &str, aliases: &[&str], defaults: &Value) {
        let is_given = |name: &&str| self.0.get(*name).is_some_and(|value| !value.is_null());
        let value = &defaults[field];
        if value.is_string() && !std::iter::once(&field).chain(aliases).any(is_given) {
            self.0.insert(field.to_owned(), value.clone());
        }
    }

    pub(super) fn text(&self, field: &str) -> &str {
        self.0.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn set(&mut self, field: &str, text: &str) {
        self.0.insert(field.to_owned(), text.into());
    }

    pub(super) fn remove(&mut self, field: &str) {
        self.0.remove(field);
    }

    /// The body of a submission.
    pub(super) fn body(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

fn read_bounded(path: &Path, terminal: &Terminal) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut text)?;
        return Ok(text);
    }
    let file = File::open(path)?;
    let permissions = file.metadata()?.permissions();
    file.take(MAX_FILE + 1).read_to_end(&mut text)?;
    if is_open_to_others(&permissions) {
        terminal.warn(&format!(
            "warning: {} can be read by others on this machine and holds passwords: `chmod 600` it, and remove it \
             after the install",
            path.display()
        ));
    }
    Ok(text)
}

fn is_open_to_others(permissions: &Permissions) -> bool {
    permissions.mode() & 0o044 != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answers(value: &Value) -> Answers {
        Answers::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_file_that_is_no_object_is_refused_without_a_word_of_what_is_in_it() {
        for text in ["", "[]", "null", "{\"adminPassword\": \"C4nary!\"", "\"C4nary!\""] {
            let problem = Answers::parse(text.as_bytes()).unwrap_err();
            assert!(!problem.contains("C4nary"), "{problem}");
        }
        let debug = format!("{:?}", answers(&json!({"adminPassword": "C4nary!"})));
        assert!(!debug.contains("C4nary"), "{debug}");
    }

    #[test]
    fn what_opens_the_appliance_is_not_submitted() {
        let mut answers =
            answers(&json!({"managementPassword": "m", "setupToken": "t", "channel": "nightly"}));
        assert_eq!(answers.take_management_password().unwrap().expose(), "m");
        assert_eq!(answers.take_setup_token().unwrap().expose(), "t");
        assert_eq!(answers.body(), json!({"channel": "nightly"}));
    }

    #[test]
    fn a_file_may_leave_out_what_the_form_would_show() {
        let defaults = json!({"channel": "stable", "appHostname": "http://192.0.2.7:3000", "dnsMode": "system",
                              "tenantName": "Last Ltd", "adminEmail": "last@example.test"});
        let mut given =
            answers(&json!({"channel": "nightly", "adminPassword": "p", "companyName": "New Ltd"}));
        given.complete(&defaults);
        let expected = json!({"channel": "nightly", "adminPassword": "p", "companyName": "New Ltd",
                              "appHostname": "http://192.0.2.7:3000", "dnsMode": "system",
                              "adminEmail": "last@example.test", "adminPasswordConfirm": "p"});
        assert_eq!(given.body(), expected);

        let mut nested = answers(&json!({"initialTenant": {"tenantName": "New Ltd"}}));
        nested.complete(&defaults);
        assert_eq!(nested.text("tenantName"), "", "the nested one counts");
    }
}
