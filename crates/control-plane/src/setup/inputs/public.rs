//! What may leave the process about a submission: two lists of fields, neither with a secret.

use serde::Serialize;

use super::{LicenseChoice, SetupInputs, StoredInputs};

/// `acceptedInputs` of the 202 answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedInputs {
    channel: &'static str,
    app_hostname: String,
    dns_mode: &'static str,
    dns_servers: String,
    release_ref: String,
    initial_tenant: AcceptedTenant,
    edition_choice: &'static str,
    license_mode: &'static str,
    #[schema(required)]
    license_key: Option<&'static str>,
    #[schema(required)]
    install_code: Option<&'static str>,
    waived_checks: Vec<String>,
    submitted_at: String,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct AcceptedTenant {
    tenant_name: String,
    admin_first_name: String,
    admin_last_name: String,
    admin_email: String,
}

impl From<&SetupInputs> for AcceptedInputs {
    fn from(inputs: &SetupInputs) -> Self {
        let (license_key, install_code) = match &inputs.license {
            LicenseChoice::Code(_) => (None, Some("set")),
            LicenseChoice::Manual { key, .. } => (key.as_ref().map(|_| "set"), None),
        };
        Self {
            channel: inputs.channel.as_str(),
            app_hostname: inputs.app_hostname().to_owned(),
            dns_mode: inputs.dns.mode(),
            dns_servers: inputs.dns.typed().to_owned(),
            release_ref: inputs.release_ref_text(),
            initial_tenant: AcceptedTenant {
                tenant_name: inputs.tenant.name.clone(),
                admin_first_name: inputs.tenant.first_name.clone(),
                admin_last_name: inputs.tenant.last_name.clone(),
                admin_email: inputs.tenant.email.clone(),
            },
            edition_choice: inputs.license.edition().as_str(),
            license_mode: inputs.license.mode(),
            license_key,
            install_code,
            waived_checks: inputs.waived_texts(),
            submitted_at: inputs.submitted_at.clone(),
        }
    }
}

/// `defaults` of `GET /api/setup/config`: what the form is filled with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetupDefaults {
    channel: String,
    app_hostname: String,
    dns_mode: String,
    dns_servers: String,
    release_ref: String,
    #[serde(flatten)]
    tenant: TenantDefaults,
}

/// Company and administrator of the last submission; absent before the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct TenantDefaults {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_email: Option<String>,
}

impl SetupDefaults {
    /// What was submitted last, else the defaults; `app_hostname` stands in for an empty one.
    #[must_use]
    pub fn new(stored: Option<&StoredInputs>, app_hostname: &str) -> Self {
        let last = |field: fn(&StoredInputs) -> &String, default: &str| {
            let value = stored.map_or("", |stored| field(stored).as_str());
            if value.is_empty() { default } else { value }.to_owned()
        };
        Self {
            channel: last(|stored| &stored.channel, "stable"),
            app_hostname: last(|stored| &stored.app_hostname, app_hostname),
            dns_mode: last(|stored| &stored.dns_mode, "system"),
            dns_servers: last(|stored| &stored.dns_servers, ""),
            release_ref: last(|stored| &stored.release_ref, ""),
            tenant: stored.map_or_else(TenantDefaults::default, |stored| TenantDefaults {
                tenant_name: Some(stored.initial_tenant.tenant_name.clone()),
                admin_first_name: Some(stored.initial_tenant.admin_first_name.clone()),
                admin_last_name: Some(stored.initial_tenant.admin_last_name.clone()),
                admin_email: Some(stored.initial_tenant.admin_email.clone()),
            }),
        }
    }
}
