//! The recovery seed, Secret `appliance-license-seed`: exactly the keys that were received are written, and
//! none is ever blanked (40 W-27).

use std::collections::BTreeMap;
use std::fmt;

use appliance_common::cluster::{Cluster, ClusterError, Created, Owner};
use appliance_common::names::{LAST_APPLIED_ANNOTATION, namespace, object};
use appliance_common::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use kube::api::ObjectMeta;
use serde_json::{Map, Value, json};

use super::{Redeemed, claims};
use crate::manage::conflict::Tries;

/// Longest value that is kept.
const MAX_BYTES: usize = 16 * 1024;

const EDITION_CHOICE: &str = "EDITION_CHOICE";
const INSTALL_EDITION: &str = "INSTALL_EDITION";
const LICENSE_TOKEN: &str = "LICENSE_TOKEN";
/// The edition of a code whose answer names none, where none is stored.
const DEFAULT_EDITION: &str = "essentials";

/// Each key of the seed, and the names that an answer may give its value.
const RECEIVED: [(&str, &[&str]); 5] = [
    (INSTALL_EDITION, &["edition", "install_edition", "installEdition"]),
    (
        LICENSE_TOKEN,
        &["license_token", "licenseToken", "first_jwt", "firstJwt"],
    ),
    ("APPLIANCE_ID", &["appliance_id", "applianceId"]),
    (
        "APPLIANCE_CREDENTIAL",
        &["appliance_credential", "applianceCredential", "credential"],
    ),
    ("CHECK_IN_URL", &["check_in_url", "checkInUrl"]),
];

/// What the seed is to say.
#[derive(Debug)]
pub(in crate::manage) struct SeedChange {
    values: BTreeMap<&'static str, Secret<String>>,
    /// Only where the seed says nothing of them.
    defaults: BTreeMap<&'static str, &'static str>,
}

impl SeedChange {
    /// That of a key that was applied.
    pub(super) fn of_key(key: Secret<String>) -> Self {
        Self {
            values: BTreeMap::from([(LICENSE_TOKEN, key)]),
            defaults: BTreeMap::new(),
        }
    }

    /// That of a redeemed code: what its answer holds, whatever else it should have held.
    pub(super) fn of_answer(answer: &Map<String, Value>) -> Self {
        let result = answer.get("result").and_then(Value::as_object);
        let found = |names: &[&str]| {
            let places = [result, Some(answer)].into_iter().flatten();
            let texts = places.flat_map(|place| names.iter().filter_map(|name| place.get(*name)?.as_str()));
            let mut usable = texts.map(str::trim).filter(|text| is_usable(text));
            usable.next().map(|text| Secret::new(text.to_owned()))
        };
        let mut values = BTreeMap::from([(EDITION_CHOICE, Secret::new("ee".to_owned()))]);
        for (key, names) in RECEIVED {
            if let Some(value) = found(names) {
                values.insert(key, value);
            } else {
                tracing::info!(
                    key,
                    "the answer to a code does not hold this; what is stored stays"
                );
            }
        }
        Self {
            values,
            defaults: BTreeMap::from([(INSTALL_EDITION, DEFAULT_EDITION)]),
        }
    }

    /// That of what the application says is in use.
    pub(super) fn of_live(row: &Map<String, Value>) -> Self {
        let found = |name: &str| {
            row.get(name)
                .and_then(Value::as_str)
                .filter(|text| is_usable(text))
        };
        let keys = [
            (LICENSE_TOKEN, "license_token"),
            (EDITION_CHOICE, "edition_choice"),
        ];
        let values = keys
            .into_iter()
            .filter_map(|(key, name)| Some((key, Secret::new(found(name)?.to_owned()))));
        Self {
            values: values.collect(),
            defaults: BTreeMap::new(),
        }
    }

    /// Its values as they go into a seal, and nowhere else.
    pub(super) fn revealed(&self) -> BTreeMap<String, String> {
        let revealed = |(key, value): (&&str, &Secret<String>)| ((*key).to_owned(), value.expose().clone());
        self.values.iter().map(revealed).collect()
    }

    /// That of a redeemed code, from its values.
    pub(super) fn of_revealed(mut values: BTreeMap<String, String>) -> Self {
        let keys = RECEIVED.into_iter().map(|(key, _)| key);
        let known = keys.chain([EDITION_CHOICE]);
        Self {
            values: known
                .filter_map(|key| Some((key, Secret::new(values.remove(key)?))))
                .collect(),
            defaults: BTreeMap::from([(INSTALL_EDITION, DEFAULT_EDITION)]),
        }
    }

    /// What may be told of it.
    pub(super) fn summary(&self, saved: Vec<&'static str>) -> Redeemed {
        let value = |key| self.values.get(key).map(Secret::expose);
        let term = value(LICENSE_TOKEN).map(|token| claims::read(token).term);
        Redeemed {
            edition: value(INSTALL_EDITION).cloned(),
            expires_at: term.and_then(claims::Term::expires_at),
            saved,
        }
    }

    /// The keys that differ from what is live, with their new values.
    fn against(&self, live: &BTreeMap<String, ByteString>) -> BTreeMap<&'static str, Bytes> {
        let given = self
            .values
            .iter()
            .map(|(key, value)| (*key, value.expose().as_bytes()));
        let missing = self.defaults.iter().filter(|(key, _)| {
            !self.values.contains_key(*key) && live.get(**key).is_none_or(|value| value.0.is_empty())
        });
        given
            .chain(missing.map(|(key, value)| (*key, value.as_bytes())))
            .filter(|(key, value)| live.get(*key).is_none_or(|live| live.0 != *value))
            .map(|(key, value)| (key, Bytes(value.to_vec())))
            .collect()
    }
}

/// A value for the API; not shown.
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes(…)")
    }
}

fn is_usable(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Brings the seed about; gives the keys that were written. What somebody else writes meanwhile stays.
pub(super) async fn save(cluster: &Cluster, change: &SeedChange) -> Result<Vec<&'static str>, ClusterError> {
    let mut tries = Tries::new();
    loop {
        match save_once(cluster, change).await {
            Err(error) if error.is_conflict() && tries.another() => {}
            other => return other,
        }
    }
}

async fn save_once(cluster: &Cluster, change: &SeedChange) -> Result<Vec<&'static str>, ClusterError> {
    let (place, name) = (Some(namespace::MSP), object::LICENSE_SEED);
    let live: Option<v1::Secret> = cluster.get(place, name).await?;
    let Some(live) = live else {
        let wanted = change.against(&BTreeMap::new());
        let keys = wanted.keys().copied().collect();
        return match cluster.create(Owner::Manage, &secret(wanted)).await? {
            Created::Made(_) => Ok(keys),
            Created::Existed(_) => Err(ClusterError::Raced {
                name: name.to_owned(),
            }),
        };
    };
    let wanted = change.against(live.data.as_ref().unwrap_or(&BTreeMap::new()));
    let annotations = live.metadata.annotations.as_ref();
    let has_copy = annotations.is_some_and(|all| all.contains_key(LAST_APPLIED_ANNOTATION));
    if wanted.is_empty() && !has_copy {
        return Ok(Vec::new());
    }
    let mut patch = json!({
        "metadata": {"resourceVersion": live.metadata.resource_version},
        "data": wanted.iter().map(|(key, value)| ((*key).to_owned(), Value::from(STANDARD.encode(&value.0))))
            .collect::<Map<_, _>>(),
    });
    if has_copy {
        // Client-side apply left a copy of all it wrote there.
        patch["metadata"]["annotations"] = json!({LAST_APPLIED_ANNOTATION: null});
    }
    cluster.merge::<v1::Secret>(place, name, &patch).await?;
    Ok(wanted.keys().copied().collect())
}

fn secret(values: BTreeMap<&'static str, Bytes>) -> v1::Secret {
    let values = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), ByteString(value.0)));
    v1::Secret {
        metadata: ObjectMeta {
            namespace: Some(namespace::MSP.to_owned()),
            name: Some(object::LICENSE_SEED.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(values.collect()),
        type_: Some("Opaque".to_owned()),
        ..v1::Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(values: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
        let entry = |(key, value): &(&str, &str)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec()));
        values.iter().map(entry).collect()
    }

    fn changes(answer: Value, seed: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let Value::Object(answer) = answer else { panic!() };
        let text = |(key, Bytes(value)): (&'static str, Bytes)| (key, String::from_utf8(value).unwrap());
        let change = SeedChange::of_answer(&answer);
        change.against(&live(seed)).into_iter().map(text).collect()
    }

    #[test]
    fn only_what_was_received_is_written_and_nothing_is_blanked() {
        let seed = [
            ("EDITION_CHOICE", "ee"),
            ("INSTALL_EDITION", "pro"),
            ("LICENSE_TOKEN", "old"),
            ("APPLIANCE_CREDENTIAL", "kept-credential"),
            ("CHECK_IN_URL", "https://kept.example"),
        ];
        let answer = json!({"ok": true, "result": {
            "license_token": "new", "appliance_credential": "", "check_in_url": null, "appliance_id": 7,
        }});
        assert_eq!(changes(answer, &seed), [("LICENSE_TOKEN", "new".to_owned())]);
    }

    #[test]
    fn an_edition_that_nobody_names_is_essentials_only_where_none_is_stored() {
        let answer = || json!({"ok": true, "applianceId": "box-1"});
        let fresh = changes(answer(), &[]);
        let text = |value: &str| value.to_owned();
        assert_eq!(
            fresh,
            [
                ("APPLIANCE_ID", text("box-1")),
                ("EDITION_CHOICE", text("ee")),
                ("INSTALL_EDITION", text("essentials"))
            ]
        );
        let stored = [("INSTALL_EDITION", "pro"), ("EDITION_CHOICE", "ee")];
        assert_eq!(changes(answer(), &stored), [("APPLIANCE_ID", text("box-1"))]);
    }

    #[test]
    fn what_cannot_be_a_value_is_not_one() {
        for bad in ["a b", "a\nb", "é", &"x".repeat(MAX_BYTES + 1)] {
            let answer = json!({"result": {"licenseToken": bad}});
            assert!(
                !changes(answer, &[]).iter().any(|(key, _)| *key == LICENSE_TOKEN),
                "{bad}"
            );
        }
    }

    #[test]
    fn no_value_is_shown() {
        let change = SeedChange::of_key(Secret::new("a.canary.c".to_owned()));
        assert!(!format!("{change:?} {:?}", change.against(&BTreeMap::new())).contains("canary"));
    }
}
