//! `setup-inputs.json`: the last submission as it lies on the state volume.

use appliance_common::secret::Secret;
use ring::digest;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::check::Answers;
use super::{SetupInputs, SetupSecrets};

/// Names under which a secret may stand where this program does not look for it.
pub(in crate::setup) const SECRET_NAMES: [&str; 6] = [
    "adminPassword",
    "adminPasswordConfirm",
    "initialAdminPassword",
    "initialAdminPasswordConfirm",
    "installCode",
    "licenseKey",
];

/// The document. Secrets are in it only sealed; those that the shipped product wrote in plain text are
/// read and not written back. Unknown keys are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredInputs {
    /// Channel to follow.
    pub channel: String,
    /// The application's address in canonical form.
    pub app_hostname: String,
    /// `system` or `custom`.
    pub dns_mode: String,
    /// The list as typed.
    pub dns_servers: String,
    /// The release pin; empty when the channel is followed.
    pub release_ref: String,
    /// Company and first administrator.
    #[serde(deserialize_with = "null_is_empty")]
    pub initial_tenant: StoredTenant,
    /// `ee` or `ce`.
    pub edition_choice: String,
    /// `code` or `manual`; the shipped product did not know it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub license_mode: String,
    /// When it was submitted.
    pub submitted_at: String,
    /// Which submission this is; what the seal is bound to. The shipped product did not know it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub submission_id: String,
    /// Checks that shall not stop the install. The shipped product did not know them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waived_checks: Vec<String>,
    /// The secrets, sealed; absent once the installation is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// In plain text, from the shipped product.
    #[serde(skip_serializing)]
    license_key: Option<Secret<String>>,
    /// In plain text, from the shipped product.
    #[serde(skip_serializing)]
    install_code: Option<Secret<String>>,
    #[serde(flatten, deserialize_with = "without_secrets")]
    unknown: Map<String, Value>,
}

/// Company and first administrator, as they are stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredTenant {
    /// Company name.
    pub tenant_name: String,
    /// The administrator's first name.
    pub admin_first_name: String,
    /// The administrator's last name.
    pub admin_last_name: String,
    /// The administrator's e-mail address.
    pub admin_email: String,
    /// In plain text, from the shipped product.
    #[serde(skip_serializing)]
    admin_password: Option<Secret<String>>,
    #[serde(flatten, deserialize_with = "without_secrets")]
    unknown: Map<String, Value>,
}

impl StoredInputs {
    /// The stored form of a submission, its secrets sealed by the caller.
    #[must_use]
    pub fn new(inputs: &SetupInputs, submission_id: &str, sealed: String) -> Self {
        Self {
            channel: inputs.channel.as_str().to_owned(),
            app_hostname: inputs.app_hostname().to_owned(),
            dns_mode: inputs.dns.mode().to_owned(),
            dns_servers: inputs.dns.typed().to_owned(),
            release_ref: inputs.release_ref_text(),
            initial_tenant: StoredTenant {
                tenant_name: inputs.tenant.name.clone(),
                admin_first_name: inputs.tenant.first_name.clone(),
                admin_last_name: inputs.tenant.last_name.clone(),
                admin_email: inputs.tenant.email.clone(),
                ..StoredTenant::default()
            },
            edition_choice: inputs.license.edition().as_str().to_owned(),
            license_mode: inputs.license.mode().to_owned(),
            waived_checks: inputs.waived_texts(),
            submitted_at: inputs.submitted_at.clone(),
            submission_id: submission_id.to_owned(),
            sealed: Some(sealed),
            ..Self::default()
        }
    }

    /// The same, with the unknown keys of the document that it replaces.
    #[must_use]
    pub fn keeping_unknown(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before {
            self.unknown.clone_from(&before.unknown);
            self.initial_tenant
                .unknown
                .clone_from(&before.initial_tenant.unknown);
        }
        self
    }

    /// `setupInputs` of the state document (20 §4): enough to recognise the submission by.
    #[must_use]
    pub fn brief(&self) -> Value {
        let mut brief = json!({
            "channel": self.channel,
            "dnsMode": self.dns_mode,
            "initialTenant": {
                "tenantName": self.initial_tenant.tenant_name,
                "adminEmail": self.initial_tenant.admin_email,
            },
        });
        if !self.release_ref.is_empty() {
            brief["releaseRef"] = json!(self.release_ref);
        }
        brief
    }

    /// What tells these answers from others. The secrets take part in their sealed form only.
    #[must_use]
    pub fn digest(&self) -> String {
        let text = json!(self).to_string();
        hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    /// The secrets of a file that the shipped product wrote; storing the document again drops them, so
    /// they are sealed first.
    #[must_use]
    pub fn plain_secrets(&self) -> Option<SetupSecrets> {
        Some(SetupSecrets {
            admin_password: self.initial_tenant.admin_password.clone()?,
            install_code: self.install_code.clone(),
            license_key: self.license_key.clone(),
        })
    }

    pub(super) fn answers<'a>(&'a self, secrets: &'a SetupSecrets) -> Answers<'a> {
        let revealed =
            |secret: &'a Option<Secret<String>>| secret.as_ref().map_or("", |secret| secret.expose());
        let tenant = &self.initial_tenant;
        Answers {
            channel: Ok(&self.channel),
            app_hostname: Ok(&self.app_hostname),
            dns_mode: Ok(&self.dns_mode),
            dns_servers: Ok(&self.dns_servers),
            release_ref: Ok(&self.release_ref),
            tenant_name: Ok(&tenant.tenant_name),
            first_name: Ok(&tenant.admin_first_name),
            last_name: Ok(&tenant.admin_last_name),
            email: Ok(&tenant.admin_email),
            password: Ok(secrets.admin_password.expose()),
            confirmation: Ok(""),
            edition: Ok(&self.edition_choice),
            license_mode: Ok(&self.license_mode),
            license_key: Ok(revealed(&secrets.license_key)),
            install_code: Ok(revealed(&secrets.install_code)),
            waived_checks: Ok(self.waived_checks.iter().map(String::as_str).collect()),
        }
    }
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StoredTenant, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Unknown keys are kept and shown; a secret among them is neither.
fn without_secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let mut unknown = Map::deserialize(deserializer)?;
    unknown.retain(|name, _| !SECRET_NAMES.contains(&name.as_str()));
    Ok(unknown)
}
