//! The licence in use: asked of the application, else read from the recovery seed.

use std::sync::Weak;
use std::time::Duration;

use appliance_common::cluster::Cluster;
use appliance_common::names::{namespace, object};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::claims::{self, Claims, Term};
use crate::manage::Inner;
use crate::manage::application::{self, Said, Script};
use crate::manage::cluster_view::{ending, trouble};
use crate::manage::part::Trouble;

/// Longest time the seed may take.
const SEED_LIMIT: Duration = Duration::from_secs(5);

/// What is known of the licence in use; nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manage) struct LicenseView {
    source: &'static str,
    claims: Claims,
    /// The edition that was chosen; wins over what the token says.
    choice: Option<String>,
    last_check_in: Option<String>,
    /// Why the application itself was not asked with success.
    pub(in crate::manage) trouble: Option<Trouble>,
}

impl LicenseView {
    /// The `license` of the wire.
    pub(in crate::manage) fn wire(&self, now: Timestamp) -> Value {
        let term = self.claims.term;
        let mut wire = json!({
            "edition": self.choice.as_ref().or(self.claims.edition.as_ref()),
            "expiresAt": term.expires_at(),
            "perpetual": term == Term::Perpetual,
            "status": term.status(now),
            "source": self.source,
        });
        if let Some(at) = &self.last_check_in {
            wire["lastCheckinAt"] = at.as_str().into();
        }
        wire
    }
}

/// Asks the application, and the seed when it does not answer.
pub(in crate::manage) async fn read(inner: Weak<Inner>) -> Result<LicenseView, Trouble> {
    let inner = inner.upgrade().ok_or_else(ending)?;
    let cluster = inner.cluster().await.map_err(|error| trouble(&error))?;
    let why = match application::run(cluster, Script::LicenseStatus, &json!({})).await {
        Ok(Said::Done(answer)) => match answer.0.get("row").and_then(Value::as_object) {
            Some(row) => return Ok(live(row)),
            None => Trouble::new("no_license_row", "The application has no record of a licence."),
        },
        Ok(Said::Refused(_)) => {
            Trouble::new("license_unknown", "The application could not tell its licence.")
        }
        Err(error) => application::trouble(&error),
    };
    seed(cluster, why).await
}

fn live(row: &Map<String, Value>) -> LicenseView {
    let text = |key: &str| {
        row.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    LicenseView {
        source: "live",
        claims: claims::read(text("license_token").unwrap_or_default()),
        choice: text("edition_choice").map(str::to_owned),
        last_check_in: text("last_checkin_at").map(str::to_owned),
        trouble: None,
    }
}

async fn seed(cluster: &Cluster, why: Trouble) -> Result<LicenseView, Trouble> {
    let reading = cluster.get::<Secret>(Some(namespace::MSP), object::LICENSE_SEED);
    let Ok(seed) = timeout(SEED_LIMIT, reading).await else {
        return Err(why);
    };
    let seed = seed.map_err(|error| trouble(&error))?.ok_or(why.clone())?;
    let data = seed.data.unwrap_or_default();
    let text = |key: &str| {
        let value = data
            .get(key)
            .map(|value| String::from_utf8_lossy(&value.0).into_owned());
        value.filter(|text| !text.is_empty())
    };
    Ok(LicenseView {
        source: "seed-fallback",
        claims: claims::read(&text("LICENSE_TOKEN").unwrap_or_default()),
        choice: text("EDITION_CHOICE"),
        last_check_in: None,
        trouble: Some(why),
    })
}
