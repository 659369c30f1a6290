use serde_json::{Map, json};

use super::*;
use crate::names::SERVICES;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// An Ed25519 key, from RFC 8410 §10.1.
const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn values() -> Map<String, Value> {
    SERVICES
        .iter()
        .map(|name| (format!("{name}.single-node.yaml"), json!("a: 1\n")))
        .collect()
}

fn document() -> Value {
    json!({
        "version": "1.0.3",
        "images": { "algaCore": "62cdce38", "emailService": format!("a@sha256:{HEX}") },
        "config": { "repository": "ghcr.io/nine-minds/alga-appliance-config", "digest": format!("sha256:{HEX}") },
        "profileValues": values(),
    })
}

fn used(document: &Value) -> Result<UsableRelease, UseError> {
    let policy = UsePolicy::for_registry(&"ghcr.io".parse().unwrap());
    ReleaseManifest::from_json(document.to_string().as_bytes())
        .unwrap()
        .usable(&policy)
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

#[test]
fn a_complete_manifest_becomes_a_release_of_checked_values() {
    let release = used(&document()).unwrap();
    assert_eq!(release.version.as_str(), "1.0.3");
    assert_eq!(release.profile.as_str(), "single-node");
    assert_eq!(release.images.alga_core.as_str(), "62cdce38");
    assert_eq!(
        release.images.email_service.unwrap().as_str(),
        format!("a@sha256:{HEX}")
    );
    assert_eq!(release.images.workflow_worker, None);
    assert_eq!(
        release.values.iter().map(|it| it.service).collect::<Vec<_>>(),
        SERVICES
    );
    assert_eq!(release.values[2].file, "temporal.single-node.yaml");
    assert_eq!(release.control_plane, ControlPlane::Absent);
    assert_eq!(release.password_format, PasswordFormat::Clear);
}

#[test]
fn what_cannot_be_used_blocks_the_resolve_step_with_its_path() {
    for (pointer, value, path) in [
        ("/version", json!("1.0 beta"), "version"),
        ("/version", json!("-1"), "version"),
        ("/version", json!("x".repeat(129)), "version"),
        ("/valuesProfile", json!("../x"), "valuesProfile"),
        ("/valuesProfile", json!("test-profile"), "valuesProfile"),
        ("/images/algaCore", json!("ghcr.io/x:1"), "images.algaCore"),
        ("/images/algaCore", json!(" a"), "images.algaCore"),
        ("/images/algaCore", json!(5), "images.algaCore"),
        ("/images/temporalWorker", json!({}), "images.temporalWorker"),
        ("/images/workflowWorker", json!(""), "images.workflowWorker"),
        (
            "/config/repository",
            json!("oci://ghcr.io/nine-minds/x"),
            "config.repository",
        ),
        (
            "/config/repository",
            json!("ghcr.io/nine-minds/x:1"),
            "config.repository",
        ),
        ("/config/repository", json!("ghcr.io/evil/x"), "config.repository"),
        (
            "/config/repository",
            json!("ghcr.io.evil.example/nine-minds/x"),
            "config.repository",
        ),
        ("/config/digest", json!("sha256:00"), "config.digest"),
        ("/config/digest", json!("latest"), "config.digest"),
        (
            "/tenantBootstrap",
            json!({ "passwordFormat": "rot13" }),
            "tenantBootstrap.passwordFormat",
        ),
    ] {
        let error = used(&with(pointer, value.clone())).unwrap_err();
        assert_eq!(error.step.as_str(), "resolve-release-manifest", "{value}");
        assert_eq!(error.path, path, "{value}");
        assert!(error.to_string().contains(path));
    }
}

#[test]
fn values_that_cannot_be_rendered_block_the_render_step_with_their_file() {
    let file = "temporal.single-node.yaml";
    for bad in [
        json!(5),
        json!(null),
        json!(""),
        json!("just text"),
        json!("- a\n- b\n"),
        json!("a: [1\n"),
        json!("a: 1\na: 2\n"),
        json!("a: 1\n---\nb: 2\n"),
        json!(format!("a: {}\n", "x".repeat(256 * 1024))),
    ] {
        let error = used(&with(&format!("/profileValues/{file}"), bad.clone())).expect_err(&bad.to_string());
        assert_eq!(error.step.as_str(), "render-runtime-values", "{bad}");
        assert_eq!(error.path, format!("profileValues[\"{file}\"]"), "{bad}");
    }
    let mut missing = document();
    missing["profileValues"].as_object_mut().unwrap().remove(file);
    assert!(used(&missing).unwrap_err().to_string().contains(file));
}

#[test]
fn all_values_together_have_a_limit() {
    let big = format!("a: {}\n", "x".repeat(200 * 1024));
    let mut document = document();
    for name in &SERVICES[..5] {
        document["profileValues"][format!("{name}.single-node.yaml")] = json!(big);
    }
    let error = used(&document).unwrap_err();
    assert_eq!(
        (error.step, error.path.as_str()),
        (UseStep::RenderRuntimeValues, "profileValues")
    );
}

#[test]
fn errors_never_repeat_a_values_file() {
    let error = used(&with(
        "/profileValues/temporal.single-node.yaml",
        json!("canary: \"s3cret\n"),
    ))
    .unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn a_control_plane_rolls_only_by_digest_from_an_allowed_repository() {
    let ours = "ghcr.io/nine-minds/alga-appliance-control-plane";
    let plane = |text: String| used(&with("/controlPlane", json!(text))).unwrap().control_plane;
    assert!(matches!(
        plane(format!("{ours}@sha256:{HEX}")),
        ControlPlane::Rollable(_)
    ));
    for unpinned in ["62cdce38".to_owned(), format!("{ours}:1.0.3")] {
        assert_eq!(plane(unpinned.clone()), ControlPlane::NotPinned(unpinned));
    }
    for foreign in [
        format!("evil.example/nine-minds/alga-appliance-control-plane@sha256:{HEX}"),
        format!("{ours}-2@sha256:{HEX}"),
        format!("{ours}:1@sha256:{HEX}"),
        format!("{ours}@sha256:{}", HEX.to_uppercase()),
        "; rm -rf /".to_owned(),
        "x".repeat(100_000),
    ] {
        match plane(foreign.clone()) {
            ControlPlane::Held { image, .. } => assert!(foreign.starts_with(&image) && image.len() <= 512),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_receipt_key_that_does_not_parse_turns_support_off_and_nothing_else() {
    let keys = |pem: &str| {
        used(&with("/supportReceiptKeys", json!({ "v1": pem })))
            .unwrap()
            .receipt_keys
    };
    assert!(matches!(keys(PEM), ReceiptKeys::Usable(keys) if keys.len() == 1));
    for bad in [
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nnot base64!\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
    ] {
        match keys(bad) {
            ReceiptKeys::Disabled { reason } => assert!(reason.contains("supportReceiptKeys.v1"), "{reason}"),
            usable @ ReceiptKeys::Usable(_) => panic!("{bad}: {usable:?}"),
        }
    }
}
