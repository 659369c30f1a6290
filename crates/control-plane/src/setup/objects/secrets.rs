//! The Secrets of 20 §11, each merged into what is live: a key that is there is never lost.

use std::fmt;

use appliance_common::names::{namespace, object};
use appliance_common::release::usable::PasswordFormat;
use appliance_common::secret::{Secret, ct_eq};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use serde_json::json;

use super::named;
use super::password_hash::password_hash;
use crate::setup::inputs::{Edition, Tenant};
use crate::setup::redemption::{Held, Redeemed, Redemption};
use appliance_common::random;

/// Where client-side apply keeps a copy of all it wrote, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Random bytes of a generated key or token.
const TOKEN_LEN: usize = 32;

/// Keys of what a redeemed code gives, which others read too (20 §11).
const TENANT_ID: &str = "INITIAL_TENANT_ID";
const INSTALL_EDITION: &str = "INSTALL_EDITION";
const APPLIANCE_ID: &str = "APPLIANCE_ID";
const LICENSE_TOKEN: &str = "LICENSE_TOKEN";
const CREDENTIAL: &str = "APPLIANCE_CREDENTIAL";

/// A Secret to be written. It is never shown.
#[derive(Clone)]
pub struct WantedSecret(v1::Secret);

impl WantedSecret {
    /// The object, for the API.
    #[must_use]
    pub fn object(&self) -> &v1::Secret {
        &self.0
    }
}

impl fmt::Debug for WantedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.metadata.name.as_deref().unwrap_or_default();
        write!(f, "WantedSecret({name}, …)")
    }
}

/// What the bootstrap Job needs to make the company and its first administrator.
#[derive(Debug)]
pub struct InitialTenant<'a> {
    /// Company and administrator.
    pub tenant: &'a Tenant,
    /// The administrator's password.
    pub password: &'a Secret<String>,
    /// How the release's bootstrap Job takes it.
    pub format: PasswordFormat,
    /// The company's id, where a code gave one. Without it, one that is there stays, and a Secret that is made
    /// anew gets one of its own.
    pub tenant_id: Option<&'a str>,
}

/// Secret `appliance-initial-tenant`. A tenant id that is there stays, and so does a hash that verifies.
/// Hashing takes a good part of a second of CPU.
#[must_use]
pub fn initial_tenant(live: Option<&v1::Secret>, wanted: &InitialTenant<'_>) -> Option<WantedSecret> {
    let hash = password_hash(value(live, "INITIAL_ADMIN_PASSWORD_HASH"), wanted.password);
    let tenant = wanted.tenant;
    let clear = match wanted.format {
        PasswordFormat::Clear => Some(wanted.password.expose().as_str()),
        PasswordFormat::Phc => None,
    };
    let mut changes = vec![
        ("INITIAL_TENANT_NAME", Some(tenant.name.as_str())),
        ("INITIAL_ADMIN_FIRST_NAME", Some(&tenant.first_name)),
        ("INITIAL_ADMIN_LAST_NAME", Some(&tenant.last_name)),
        ("INITIAL_ADMIN_EMAIL", Some(&tenant.email)),
        ("INITIAL_ADMIN_PASSWORD", clear),
        ("INITIAL_ADMIN_PASSWORD_HASH", Some(&hash)),
    ];
    // The bootstrap Job takes an id that is there, and without one the administrator's password could never be
    // reset (30 W25). Of a Secret that lives, the company may exist already under an id of its own.
    let minted = (live.is_none() && wanted.tenant_id.is_none()).then(random::uuid);
    let id = wanted.tenant_id.or(minted.as_deref());
    changes.extend(id.map(|id| (TENANT_ID, Some(id))));
    merged(live, (namespace::MSP, object::INITIAL_TENANT), &changes)
}

/// Secret `alga-psa-shared`: its key is made once and never changed.
#[must_use]
pub fn psa_shared(live: Option<&v1::Secret>) -> Option<WantedSecret> {
    const KEY: &str = "ALGA_AUTH_KEY";
    if value(live, KEY).is_some_and(|key| !key.is_empty()) {
        return None;
    }
    merged(
        live,
        (namespace::MSP, object::PSA_SHARED),
        &[(KEY, Some(&token()))],
    )
}

/// Secret `appliance-status-auth`: its token is made once. The shipped product put the setup token there;
/// such a copy is replaced.
#[must_use]
pub fn status_auth(live: Option<&v1::Secret>, setup_token: Option<&Secret<String>>) -> Option<WantedSecret> {
    const KEY: &str = "token";
    let is_setup_token =
        |token: &[u8]| setup_token.is_some_and(|setup| ct_eq(token, setup.expose().trim().as_bytes()));
    if value(live, KEY).is_some_and(|token| !token.is_empty() && !is_setup_token(token)) {
        return None;
    }
    merged(
        live,
        (namespace::APPLIANCE_SYSTEM, object::STATUS_AUTH),
        &[(KEY, Some(&token()))],
    )
}

/// Secret `appliance-license-seed` of a manual licence. Without a key, one that is there stays.
#[must_use]
pub fn license_seed(
    live: Option<&v1::Secret>,
    edition: Edition,
    key: Option<&Secret<String>>,
) -> Option<WantedSecret> {
    let mut changes = vec![("EDITION_CHOICE", Some(edition.as_str()))];
    changes.extend(key.map(|key| (LICENSE_TOKEN, Some(key.expose().as_str()))));
    merged(live, (namespace::MSP, object::LICENSE_SEED), &changes)
}

/// Secret `appliance-license-seed` of a redeemed code. Keys that the code does not give stay as they are.
#[must_use]
pub fn redeemed_seed(live: Option<&v1::Secret>, redeemed: &Redeemed) -> Option<WantedSecret> {
    let Redemption {
        edition,
        license_token,
        credential,
        check_in_url,
        ..
    } = &redeemed.redemption;
    let revealed = |secret: &'_ Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
    let given = [
        ("EDITION_CHOICE", Some(Edition::Enterprise.as_str().to_owned())),
        (INSTALL_EDITION, Some(edition.as_str().to_owned())),
        (APPLIANCE_ID, Some(redeemed.appliance_id.clone())),
        (LICENSE_TOKEN, revealed(license_token)),
        (CREDENTIAL, revealed(credential)),
        ("CHECK_IN_URL", check_in_url.clone()),
    ];
    let changes = given.iter().filter(|(_, value)| value.is_some());
    let changes: Vec<_> = changes.map(|(key, value)| (*key, value.as_deref())).collect();
    merged(live, (namespace::MSP, object::LICENSE_SEED), &changes)
}

/// What the two Secrets hold of a redemption.
#[must_use]
pub fn held(tenant: Option<&v1::Secret>, seed: Option<&v1::Secret>) -> Held {
    let text = |live, key| {
        let value = value(live, key).map(|value| String::from_utf8_lossy(value).trim().to_owned());
        value.filter(|value| !value.is_empty())
    };
    Held {
        appliance_id: text(seed, APPLIANCE_ID),
        tenant_id: text(tenant, TENANT_ID),
        edition: text(seed, INSTALL_EDITION),
        has_license: text(seed, LICENSE_TOKEN).is_some() && text(seed, CREDENTIAL).is_some(),
    }
}

/// The two Secrets of a redemption before there is one, to ask the API server whether it would take them:
/// the keys are the real ones, the values are not.
#[must_use]
pub fn trials(tenant: Option<&v1::Secret>, seed: Option<&v1::Secret>) -> Vec<WantedSecret> {
    const TRIAL: Option<&str> = Some("trial");
    let tenant = merged(
        tenant,
        (namespace::MSP, object::INITIAL_TENANT),
        &[(TENANT_ID, TRIAL), ("INITIAL_ADMIN_PASSWORD_HASH", TRIAL)],
    );
    let seed = merged(
        seed,
        (namespace::MSP, object::LICENSE_SEED),
        &[APPLIANCE_ID, INSTALL_EDITION, LICENSE_TOKEN, CREDENTIAL].map(|key| (key, TRIAL)),
    );
    tenant.into_iter().chain(seed).collect()
}

/// The merge patch that removes the copy of its values which client-side apply left on a Secret.
#[must_use]
pub fn without_last_applied(live: &v1::Secret) -> Option<serde_json::Value> {
    live.metadata
        .annotations
        .as_ref()?
        .contains_key(LAST_APPLIED)
        .then(|| json!({"metadata": {"annotations": {LAST_APPLIED: null}}}))
}

/// The merge patch that takes the cleartext password out of a live `appliance-initial-tenant`, and only out
/// of this version of it, so that nobody's newer write is judged by an older reading.
#[must_use]
pub fn without_cleartext(live: &v1::Secret) -> Option<serde_json::Value> {
    const KEY: &str = "INITIAL_ADMIN_PASSWORD";
    let copy = without_last_applied(live);
    if value(Some(live), KEY).is_none() {
        return copy;
    }
    let mut change = copy.unwrap_or_else(|| json!({"metadata": {}}));
    change["metadata"]["resourceVersion"] = json!(live.metadata.resource_version);
    change["data"] = json!({KEY: null});
    Some(change)
}

fn value<'a>(live: Option<&'a v1::Secret>, key: &str) -> Option<&'a [u8]> {
    Some(live?.data.as_ref()?.get(key)?.0.as_slice())
}

fn token() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<TOKEN_LEN>())
}

/// `live` with `changes`, where `None` removes a key; nothing when it is so already. The live version is
/// named, so that a write between the reading and ours is a conflict and not lost.
fn merged(
    live: Option<&v1::Secret>,
    (namespace, name): (&str, &str),
    changes: &[(&str, Option<&str>)],
) -> Option<WantedSecret> {
    let before = live.and_then(|live| live.data.clone()).unwrap_or_default();
    let mut data = before.clone();
    for (key, value) in changes {
        match value {
            Some(value) => data.insert((*key).to_owned(), ByteString(value.as_bytes().to_vec())),
            None => data.remove(*key),
        };
    }
    if live.is_some() && data == before {
        return None;
    }
    let mut metadata = named(namespace, name);
    metadata.resource_version = live.and_then(|live| live.metadata.resource_version.clone());
    Some(WantedSecret(v1::Secret {
        metadata,
        data: Some(data),
        type_: Some(
            live.and_then(|live| live.type_.clone())
                .unwrap_or_else(|| "Opaque".to_owned()),
        ),
        ..v1::Secret::default()
    }))
}
