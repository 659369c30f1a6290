//! What an operator would type into the wizard.

use std::path::Path;

use anyhow::{Context, Result};
use appliance_common::random;
use serde_json::{Map, Value, json};

/// The fields of `POST /api/setup`.
pub(crate) struct Answers(Map<String, Value>);

impl Answers {
    /// The answers of a file, or else sample ones.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self::sample());
        };
        let text = std::fs::read(file).with_context(|| format!("reading the answers {}", file.display()))?;
        let read = serde_json::from_slice(&text);
        let fields = read.with_context(|| format!("{} is no JSON object with answers", file.display()))?;
        Ok(Self(fields))
    }

    /// A company, its first administrator and no licence.
    pub(crate) fn sample() -> Self {
        let password = password();
        let fields = json!({
            "channel": "stable",
            "tenantName": "Example Ltd",
            "adminFirstName": "Ada",
            "adminLastName": "Lovelace",
            "adminEmail": "ada@example.test",
            "adminPassword": password,
            "adminPasswordConfirm": password,
            "editionChoice": "ee",
            "licenseMode": "manual",
            // The disks are the ones of this laptop, not of an appliance.
            "waivedChecks": ["disk-space", "disk-space-data", "inode-space"],
        });
        let Value::Object(fields) = fields else {
            return Self(Map::new());
        };
        Self(fields)
    }

    /// With the address of the application, where none is given.
    pub(crate) fn with_app_url(mut self, url: String) -> Self {
        self.0.entry("appHostname").or_insert(Value::String(url));
        self
    }

    /// The body of the request.
    pub(crate) fn body(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// A password that satisfies every rule of the appliance and of the application.
pub(crate) fn password() -> String {
    format!("Demo!{}", random::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_given_is_kept() {
        let sample = Answers::sample().with_app_url("http://a".to_owned());
        assert_eq!(sample.body()["appHostname"], "http://a");
        let kept = sample.with_app_url("http://b".to_owned());
        assert_eq!(kept.body()["appHostname"], "http://a");
    }
}
