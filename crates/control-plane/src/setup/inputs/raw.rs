//! A submission as it arrived: any JSON object.

use std::fmt;

use appliance_common::secret::Secret;
use serde_json::{Map, Value};

use super::check::{self, Answer, Answers};
use super::{Complaint, InputErrors, StoredInputs};

/// Most ids of one list: more than there are checks.
const MAX_WAIVED: usize = 200;
const NO_LIST: &str = "Waived checks must be a list of ids.";

/// The JSON object of a submission, unchecked. It holds secrets and is never shown.
pub struct RawInputs(Map<String, Value>);

impl RawInputs {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`InputErrors`] without fields when the body is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, InputErrors> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(refused(
                "The request body must be a JSON object with the setup answers.",
            )),
            Err(_) => Err(refused("The request body is not valid JSON.")),
        }
    }

    pub(super) fn answers(&self) -> Answers<'_> {
        let text = |name, label| self.text(&[name], label);
        let tenant = |names: &[&str], label| self.tenant(names, label);
        Answers {
            channel: text("channel", "Channel"),
            app_hostname: text("appHostname", "App URL"),
            dns_mode: text("dnsMode", "DNS mode"),
            dns_servers: text("dnsServers", "DNS servers"),
            release_ref: text("releaseRef", "Release pin"),
            tenant_name: tenant(
                &["tenantName", "initialTenantName", "companyName"],
                "Company name",
            ),
            first_name: tenant(&["adminFirstName", "initialAdminFirstName"], "First name"),
            last_name: tenant(&["adminLastName", "initialAdminLastName"], "Last name"),
            email: tenant(&["adminEmail", "initialAdminEmail"], "E-mail address"),
            password: tenant(&["adminPassword", "initialAdminPassword"], "Password"),
            confirmation: tenant(
                &["adminPasswordConfirm", "initialAdminPasswordConfirm"],
                "Password confirmation",
            ),
            edition: text("editionChoice", "Edition"),
            license_mode: text("licenseMode", "Licence mode"),
            license_key: text("licenseKey", "Licence key"),
            install_code: text("installCode", "Install code"),
            waived_checks: self.waived_checks(),
        }
    }

    /// What the last submission said, where this one leaves it out.
    #[must_use]
    pub fn or_stored(mut self, stored: &StoredInputs) -> Self {
        let waived = stored.waived_checks.iter().cloned().map(Value::String).collect();
        for (name, value) in [
            ("channel", Value::from(stored.channel.as_str())),
            ("dnsMode", Value::from(stored.dns_mode.as_str())),
            ("dnsServers", Value::from(stored.dns_servers.as_str())),
            ("releaseRef", Value::from(stored.release_ref.as_str())),
            ("waivedChecks", Value::Array(waived)),
        ] {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// Whether the administrator's password is left out altogether.
    pub(in crate::setup) fn leaves_password_out(&self) -> bool {
        let answers = self.answers();
        [answers.password, answers.confirmation]
            .iter()
            .all(|typed| *typed == Ok(""))
    }

    /// Whether the administrator is the one of an earlier submission, told by the e-mail address.
    pub(in crate::setup) fn is_of_administrator(&self, stored: &StoredInputs) -> bool {
        let typed = self.answers().email.and_then(check::email);
        typed.is_ok_and(|email| email == stored.initial_tenant.admin_email)
    }

    /// The same with this password, as if it had been typed twice.
    pub(in crate::setup) fn with_password(&self, password: &Secret<String>) -> Self {
        let mut answers = self.0.clone();
        for name in ["adminPassword", "adminPasswordConfirm"] {
            answers.insert(name.to_owned(), Value::from(password.expose().as_str()));
        }
        Self(answers)
    }

    fn waived_checks(&self) -> Result<Vec<&str>, Complaint> {
        match self.0.get("waivedChecks") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(ids)) if ids.len() <= MAX_WAIVED => ids
                .iter()
                .map(|id| id.as_str().ok_or(Complaint::from(NO_LIST)))
                .collect(),
            Some(_) => Err(NO_LIST.into()),
        }
    }

    /// A tenant answer: flat, or in the nested object that the stored form has.
    fn tenant(&self, names: &[&str], label: &str) -> Answer<'_> {
        let nested = match self.0.get("initialTenant") {
            Some(Value::Object(nested)) => Some(nested),
            _ => None,
        };
        let flat = names.iter().map(|name| self.0.get(*name));
        let nested = names
            .iter()
            .map(|name| nested.and_then(|nested| nested.get(*name)));
        text_of(flat.chain(nested).flatten(), label)
    }

    fn text(&self, names: &[&str], label: &str) -> Answer<'_> {
        text_of(names.iter().filter_map(|name| self.0.get(*name)), label)
    }
}

/// The first candidate that is not null; an answer that is left out is empty.
fn text_of<'a>(mut candidates: impl Iterator<Item = &'a Value>, label: &str) -> Answer<'a> {
    match candidates.find(|value| !value.is_null()) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Complaint::from(format!("{label} must be text."))),
    }
}

fn refused(error: &str) -> InputErrors {
    InputErrors {
        error: error.to_owned(),
        fields: std::collections::BTreeMap::new(),
    }
}

impl fmt::Debug for RawInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawInputs(…)")
    }
}
