use serde_json::json;

use super::*;

fn minimal() -> Value {
    json!({ "version": "1.0.3", "images": { "algaCore": "62cdce38" }, "config": { "repository": "r", "digest": "d" } })
}

fn read(document: &Value) -> Result<ReleaseManifest, ManifestError> {
    ReleaseManifest::from_json(document.to_string().as_bytes())
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = minimal();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

fn without(pointer: &str) -> Value {
    let mut document = minimal();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(key);
    document
}

#[test]
fn a_minimal_manifest_gets_the_defaults() {
    let manifest = read(&minimal()).unwrap();
    assert_eq!(manifest.values_profile, "single-node");
    assert_eq!(manifest.config.tag, "1.0.3");
    assert_eq!((manifest.control_plane, manifest.support_agent), (None, None));
    assert!(manifest.charts.is_empty() && manifest.profile_values.is_empty());
    assert!(manifest.support_receipt_keys.is_empty());
    assert_eq!(
        (manifest.declared_channel, manifest.password_format),
        (None, None)
    );
}

#[test]
fn a_foreign_schema_is_refused_naming_both() {
    for good in [json!(null), json!(""), json!(SCHEMA)] {
        assert!(read(&with("/schema", good)).is_ok());
    }
    for bad in [
        json!("alga.appliance.release/v2"),
        json!(2),
        json!({}),
        json!(format!("{SCHEMA} ")),
    ] {
        assert!(read(&with("/schema", bad)).is_err());
    }
    let error = read(&with("/schema", json!("alga.appliance.release/v2")))
        .unwrap_err()
        .to_string();
    assert!(error.contains("release/v2") && error.contains(SCHEMA), "{error}");
}

#[test]
fn what_is_missing_or_of_the_wrong_kind_is_named_by_its_path() {
    for (document, path) in [
        (json!(null), "$"),
        (json!("x"), "$"),
        (json!([]), "$"),
        (without("/version"), "$.version"),
        (with("/version", json!("  ")), "$.version"),
        (with("/version", json!({})), "$.version"),
        (without("/images"), "$.images"),
        (with("/images", json!([])), "$.images"),
        (without("/images/algaCore"), "$.images.algaCore"),
        (with("/images/algaCore", json!(" ")), "$.images.algaCore"),
        (without("/config"), "$.config"),
        (without("/config/digest"), "$.config.digest"),
        (with("/config/digest", json!("")), "$.config.digest"),
        (without("/config/repository"), "$.config.repository"),
        (with("/config/repository", json!(5)), "$.config.repository"),
        (with("/valuesProfile", json!(5)), "$.valuesProfile"),
        (with("/tenantBootstrap", json!("phc")), "$.tenantBootstrap"),
        (
            with("/tenantBootstrap", json!({ "passwordFormat": 1 })),
            "$.tenantBootstrap.passwordFormat",
        ),
    ] {
        match read(&document) {
            Err(ManifestError::Field { path: found, .. }) => assert_eq!(found, path, "{document}"),
            other => panic!("{document}: {other:?}"),
        }
    }
}

#[test]
fn texts_are_trimmed_and_a_number_is_a_version() {
    let manifest = read(&json!({
        "version": 1.5, "channel": " nightly ", "valuesProfile": " big ", "images": { "algaCore": " x " },
        "config": { "repository": " r ", "version": "v", "digest": " d " }, "charts": 5, "profileValues": [],
        "tenantBootstrap": { "passwordFormat": "phc" }, "unknown": { "kept": false }
    }))
    .unwrap();
    assert_eq!(manifest.version, "1.5");
    assert_eq!(manifest.declared_channel.as_deref(), Some("nightly"));
    assert_eq!(manifest.values_profile, "big");
    assert_eq!(manifest.images["algaCore"], " x ");
    assert_eq!(
        (
            manifest.config.repository.as_str(),
            manifest.config.digest.as_str()
        ),
        ("r", "d")
    );
    assert_eq!(manifest.config.tag, "v");
    assert_eq!(manifest.password_format.as_deref(), Some("phc"));
}

#[test]
fn the_support_agent_is_ours_by_digest_or_absent() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let good = format!("{SUPPORT_AGENT_REPOSITORY}@{digest}");
    assert_eq!(
        read(&with("/supportAgent", json!(good)))
            .unwrap()
            .support_agent
            .unwrap()
            .as_str(),
        good
    );
    for none in [json!(null), json!(""), json!("  ")] {
        assert_eq!(read(&with("/supportAgent", none)).unwrap().support_agent, None);
    }
    for bad in [
        json!(format!("{SUPPORT_AGENT_REPOSITORY}:latest")),
        json!(format!("{SUPPORT_AGENT_REPOSITORY}:latest@{digest}")),
        json!(format!("ghcr.io/other/agent@{digest}")),
        json!(format!("{SUPPORT_AGENT_REPOSITORY}@{}", digest.to_uppercase())),
        json!(format!(" {good}")),
        json!(false),
        json!({}),
    ] {
        assert!(read(&with("/supportAgent", bad.clone())).is_err(), "{bad}");
    }
}

#[test]
fn receipt_keys_are_one_or_two_pem_keys_with_plain_ids() {
    let pem = |length: usize| {
        format!(
            "{RECEIPT_KEY_START}{}",
            "x".repeat(length - RECEIPT_KEY_START.len())
        )
    };
    let keys = |ids: &[&str]| {
        ids.iter()
            .map(|id| ((*id).to_owned(), json!(pem(100))))
            .collect::<Map<_, _>>()
    };
    let read_keys =
        |value: Value| read(&with("/supportReceiptKeys", value)).map(|it| it.support_receipt_keys.len());

    assert_eq!(read_keys(json!(null)).unwrap(), 0);
    assert_eq!(read_keys(json!(keys(&["v1"]))).unwrap(), 1);
    assert_eq!(read_keys(json!(keys(&["v1", "V_2.-"]))).unwrap(), 2);
    assert_eq!(read_keys(json!(keys(&["k".repeat(64).as_str()]))).unwrap(), 1);
    assert_eq!(read_keys(json!({ "v1": pem(8192) })).unwrap(), 1);
    for bad in [
        json!({}),
        json!([]),
        json!(0),
        json!(keys(&["a", "b", "c"])),
        json!(keys(&["k".repeat(65).as_str()])),
        json!(keys(&["a b"])),
        json!(keys(&[""])),
        json!({ "v1": pem(8193) }),
        json!({ "v1": "not pem" }),
        json!({ "v1": 5 }),
    ] {
        assert!(read_keys(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_control_plane_is_whatever_was_stated() {
    for (stated, kept) in [
        (json!(" abc "), Some("abc")),
        (json!(5), Some("5")),
        (json!(true), Some("true")),
        (json!(null), None),
        (json!(""), None),
        (json!("  "), None),
        (json!(0), None),
        (json!(false), None),
    ] {
        assert_eq!(
            read(&with("/controlPlane", stated))
                .unwrap()
                .control_plane
                .as_deref(),
            kept
        );
    }
}

#[test]
fn values_pass_through_untouched() {
    let values = json!({ "alga-core.single-node.yaml": "a: 1\n", "odd": 5 });
    assert_eq!(
        read(&with("/profileValues", values.clone()))
            .unwrap()
            .profile_values,
        *values.as_object().unwrap()
    );
}

#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    let twice = br#"{"version":"1","images":{"algaCore":"a","algaCore":"b"},"config":{"repository":"r","digest":"d"}}"#;
    let error = ReleaseManifest::from_json(twice).unwrap_err();
    assert!(
        crate::process::chain(&error).contains("$.images.algaCore appears twice"),
        "{error:?}"
    );
    assert!(ReleaseManifest::from_json(b"<html>").is_err());
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = ReleaseManifest::from_json(&bytes);
    }
}
