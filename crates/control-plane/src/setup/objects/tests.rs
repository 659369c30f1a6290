use appliance_common::release::usable::PasswordFormat;
use appliance_common::secret::Secret;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use serde_json::{Value, json};

use super::*;
use crate::setup::inputs::{Edition, SetupInputs};
use crate::setup::redemption::{Held, Redeemed, Redemption};
use crate::setup::sample::{DIGEST, KEY, PASSWORD, inputs, release};
use crate::setup::selection::ReleaseSelection;
use crate::setup::values::RenderedValues;

fn tenant(live: Option<&v1::Secret>, inputs: &SetupInputs, format: PasswordFormat) -> Option<WantedSecret> {
    let wanted = InitialTenant {
        tenant: &inputs.tenant,
        password: &inputs.admin_password,
        format,
        tenant_id: None,
    };
    initial_tenant(live, &wanted)
}

fn text(secret: &v1::Secret, key: &str) -> Option<String> {
    let ByteString(bytes) = secret.data.as_ref()?.get(key)?;
    Some(String::from_utf8(bytes.clone()).unwrap())
}

/// What the API server gives back for a Secret that was written.
fn live(wanted: &WantedSecret) -> v1::Secret {
    let mut live = wanted.object().clone();
    live.metadata.resource_version = Some("7".to_owned());
    live
}

fn live_with(keys: &[(&str, &str)]) -> v1::Secret {
    v1::Secret {
        data: Some(
            keys.iter()
                .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect(),
        ),
        type_: Some("Opaque".to_owned()),
        ..v1::Secret::default()
    }
}

#[test]
fn the_namespaces_are_never_pruned() {
    let namespaces = application_namespaces();
    let names = namespaces
        .each_ref()
        .map(|namespace| namespace.metadata.name.as_deref().unwrap());
    assert_eq!(names, ["msp", "alga-system", "appliance-system"]);
    for namespace in &namespaces {
        assert_eq!(
            serde_json::to_value(&namespace.metadata.annotations).unwrap(),
            json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"})
        );
        assert!(namespace.metadata.labels.is_none());
    }
}

#[test]
fn the_tenant_secret_holds_the_password_byte_for_byte_and_its_hash() {
    let made = tenant(None, &inputs(), PasswordFormat::Clear).unwrap();
    let secret = made.object();
    assert_eq!(secret.metadata.namespace.as_deref(), Some("msp"));
    assert_eq!(secret.metadata.name.as_deref(), Some("appliance-initial-tenant"));
    assert_eq!(secret.type_.as_deref(), Some("Opaque"));
    for (key, value) in [
        ("INITIAL_TENANT_NAME", "Acme"),
        ("INITIAL_ADMIN_FIRST_NAME", "Ada"),
        ("INITIAL_ADMIN_LAST_NAME", "Byron"),
        ("INITIAL_ADMIN_EMAIL", "ada@example.com"),
        ("INITIAL_ADMIN_PASSWORD", PASSWORD),
    ] {
        assert_eq!(text(secret, key).as_deref(), Some(value), "{key}");
    }
    let hash = text(secret, "INITIAL_ADMIN_PASSWORD_HASH").unwrap();
    assert!(hash.starts_with("$pbkdf2-sha512$i=210000,l=64$"), "{hash}");
    let id = text(secret, "INITIAL_TENANT_ID").unwrap();
    assert_eq!((id.len(), secret.data.as_ref().unwrap().len()), (36, 7));
}

#[test]
fn a_company_gets_an_id_when_its_secret_is_made_and_never_later() {
    let without = live_with(&[("INITIAL_TENANT_NAME", "Acme")]);
    let made = tenant(Some(&without), &inputs(), PasswordFormat::Clear).unwrap();
    assert_eq!(text(made.object(), "INITIAL_TENANT_ID"), None);
    let ids = [(); 2].map(|()| {
        let made = tenant(None, &inputs(), PasswordFormat::Clear).unwrap();
        text(made.object(), "INITIAL_TENANT_ID").unwrap()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_chart_that_takes_the_hash_gets_no_password() {
    let clear = live(&tenant(None, &inputs(), PasswordFormat::Clear).unwrap());
    let made = tenant(Some(&clear), &inputs(), PasswordFormat::Phc).unwrap();
    assert_eq!(text(made.object(), "INITIAL_ADMIN_PASSWORD"), None);
    let hash = "INITIAL_ADMIN_PASSWORD_HASH";
    assert_eq!(
        text(made.object(), hash),
        text(&clear, hash),
        "the hash that verifies is kept"
    );
}

#[test]
fn a_corrected_submission_changes_what_it_corrects_and_keeps_the_rest() {
    let mut first = live(&tenant(None, &inputs(), PasswordFormat::Clear).unwrap());
    let id = ByteString(b"5c3f3a52-0000-4000-8000-000000000000".to_vec());
    first
        .data
        .as_mut()
        .unwrap()
        .insert("INITIAL_TENANT_ID".to_owned(), id);
    let mut corrected = inputs();
    corrected.admin_password = Secret::new("N3w!Password".to_owned());
    let made = tenant(Some(&first), &corrected, PasswordFormat::Clear).unwrap();
    let (hash, kept) = ("INITIAL_ADMIN_PASSWORD_HASH", "INITIAL_TENANT_ID");
    assert_eq!(text(made.object(), kept), text(&first, kept));
    assert_ne!(text(made.object(), hash), text(&first, hash));
    assert_eq!(
        made.object().metadata.resource_version.as_deref(),
        Some("7"),
        "a race is a conflict"
    );
}

#[test]
fn a_second_run_writes_no_secret() {
    let (inputs, setup_token) = (inputs(), Secret::new("setup-token".to_owned()));
    let key = Secret::new(KEY.to_owned());
    let first = live(&tenant(None, &inputs, PasswordFormat::Clear).unwrap());
    assert!(tenant(Some(&first), &inputs, PasswordFormat::Clear).is_none());
    let first = live(&psa_shared(None).unwrap());
    assert!(psa_shared(Some(&first)).is_none());
    let first = live(&status_auth(None, Some(&setup_token)).unwrap());
    assert!(status_auth(Some(&first), Some(&setup_token)).is_none());
    let first = live(&license_seed(None, Edition::Enterprise, Some(&key)).unwrap());
    assert!(license_seed(Some(&first), Edition::Enterprise, Some(&key)).is_none());
}

#[test]
fn generated_keys_are_256_random_bits_and_made_once() {
    let made = psa_shared(None).unwrap();
    let key = text(made.object(), "ALGA_AUTH_KEY").unwrap();
    assert_eq!(key.len(), 43, "base64url of 32 bytes, unpadded");
    assert_ne!(
        text(psa_shared(None).unwrap().object(), "ALGA_AUTH_KEY").unwrap(),
        key
    );
    assert!(psa_shared(Some(&live_with(&[("ALGA_AUTH_KEY", "old")]))).is_none());
    let filled = psa_shared(Some(&live_with(&[("ALGA_AUTH_KEY", ""), ("OTHER", "x")]))).unwrap();
    assert_eq!(text(filled.object(), "ALGA_AUTH_KEY").unwrap().len(), 43);
    assert_eq!(text(filled.object(), "OTHER").as_deref(), Some("x"));
}

#[test]
fn a_status_token_that_is_the_setup_token_is_replaced() {
    let setup_token = Secret::new("setup-token\n".to_owned());
    let shipped = live_with(&[("token", "setup-token")]);
    let made = status_auth(Some(&shipped), Some(&setup_token)).unwrap();
    assert_eq!(text(made.object(), "token").unwrap().len(), 43);
    assert_eq!(
        made.object().metadata.namespace.as_deref(),
        Some("appliance-system")
    );
    let own = live_with(&[("token", "another")]);
    assert!(status_auth(Some(&own), Some(&setup_token)).is_none());
    assert!(status_auth(Some(&shipped), None).is_none());
}

#[test]
fn a_licence_seed_never_loses_what_a_redemption_put_there() {
    let redeemed = live_with(&[
        ("EDITION_CHOICE", "ee"),
        ("LICENSE_TOKEN", "old"),
        ("APPLIANCE_ID", "appliance-1"),
    ]);
    assert!(license_seed(Some(&redeemed), Edition::Enterprise, None).is_none());
    let key = Secret::new(KEY.to_owned());
    let made = license_seed(Some(&redeemed), Edition::Community, Some(&key)).unwrap();
    assert_eq!(text(made.object(), "EDITION_CHOICE").as_deref(), Some("ce"));
    assert_eq!(text(made.object(), "LICENSE_TOKEN").as_deref(), Some(KEY));
    assert_eq!(
        text(made.object(), "APPLIANCE_ID").as_deref(),
        Some("appliance-1")
    );
    let fresh = license_seed(None, Edition::Enterprise, None).unwrap();
    assert_eq!(fresh.object().data.as_ref().unwrap().len(), 1);
}

#[test]
fn the_copy_of_client_side_apply_is_removed() {
    let mut secret = live_with(&[]);
    assert_eq!(without_last_applied(&secret), None);
    let annotation = "kubectl.kubernetes.io/last-applied-configuration".to_owned();
    secret.metadata.annotations = Some([(annotation.clone(), PASSWORD.to_owned())].into());
    let patch = without_last_applied(&secret).unwrap();
    assert_eq!(patch, json!({"metadata": {"annotations": {annotation: null}}}));
}

#[test]
fn values_have_their_own_config_map_and_key() {
    let map = values_config_map(&RenderedValues {
        service: "pgbouncer",
        key: "pgbouncer.single-node.yaml".to_owned(),
        text: "a: 1\n".to_owned(),
    });
    assert_eq!(
        serde_json::to_value(map).unwrap(),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "appliance-values-pgbouncer", "namespace": "alga-system"},
            "data": {"pgbouncer.single-node.yaml": "a: 1\n"},
        })
    );
}

#[test]
fn the_selection_config_map_has_every_key() {
    let selection: ReleaseSelection = serde_json::from_value(json!({
        "selectedChannel": "nightly", "registryHost": "ghcr.io", "repository": "nine-minds/alga-appliance-release",
        "manifestDigest": DIGEST, "releaseRef": "1.4.2",
        "previous": {"selectedReleaseVersion": "1.4.1", "manifestDigest": "sha256:00", "selectedChannel": "stable"},
    }))
    .unwrap();
    let map = release_selection(&selection, &release("1.4.2"));
    assert_eq!(map.metadata.name.as_deref(), Some("appliance-release-selection"));
    assert_eq!(map.metadata.namespace.as_deref(), Some("alga-system"));
    assert_eq!(
        serde_json::to_value(map.data).unwrap(),
        json!({
            "releaseVersion": "1.4.2", "selectedChannel": "nightly", "appVersion": "1.4.2",
            "registryHost": "ghcr.io", "repository": "nine-minds/alga-appliance-release", "manifestDigest": DIGEST,
            "algaCoreTag": "core-1", "workflowWorkerTag": "worker-1", "emailServiceTag": "",
            "temporalWorkerTag": "", "controlPlaneTag": "0a1b2c3", "supportAgent": "", "releaseRef": "1.4.2",
            "previousReleaseVersion": "1.4.1", "previousManifestDigest": "sha256:00",
        })
    );
}

#[test]
fn the_source_is_pinned_by_digest_and_only_loopback_is_insecure() {
    let digest = DIGEST.parse().unwrap();
    let source = |repository: &str| {
        let made = oci_repository(&repository.parse().unwrap(), &digest);
        assert_eq!(made.resource.plural, "ocirepositories");
        serde_json::to_value(made.object).unwrap()
    };
    assert_eq!(
        source("ghcr.io/nine-minds/alga-appliance-config"),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": {"name": "alga-appliance", "namespace": "flux-system"},
            "spec": {
                "interval": "1m0s", "url": "oci://ghcr.io/nine-minds/alga-appliance-config",
                "ref": {"digest": DIGEST},
            },
        })
    );
    for (repository, insecure) in [
        ("127.0.0.1:5000/nine-minds/config", json!(true)),
        ("localhost:5000/nine-minds/config", json!(true)),
        ("[::1]:5000/nine-minds/config", json!(true)),
        ("10.0.0.5:5000/nine-minds/config", Value::Null),
    ] {
        assert_eq!(source(repository)["spec"]["insecure"], insecure, "{repository}");
    }
}

#[test]
fn the_kustomization_takes_the_bundles_base() {
    let made = kustomization();
    assert_eq!(made.resource.plural, "kustomizations");
    assert_eq!(
        serde_json::to_value(made.object).unwrap(),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "alga-appliance", "namespace": "flux-system"},
            "spec": {
                "interval": "5m0s", "path": "./base", "prune": true,
                "sourceRef": {"kind": "OCIRepository", "name": "alga-appliance"},
                "patches": super::hardening::parent_patches(),
            },
        })
    );
}

#[test]
fn a_secret_to_be_written_is_not_shown() {
    let inputs = inputs();
    let key = Secret::new(KEY.to_owned());
    let shown = format!(
        "{:?} {:?}",
        tenant(None, &inputs, PasswordFormat::Clear),
        license_seed(None, Edition::Enterprise, Some(&key))
    );
    assert!(shown.contains("appliance-initial-tenant"), "{shown}");
    // ByteString shows its bytes: `Can4` as numbers, and the text itself.
    for canary in ["Can4ry", "67, 97, 110, 52", "Y2FuYXJ5", "89, 50, 70, 117"] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

#[test]
fn a_redeemed_code_is_merged_key_by_key_and_nothing_that_is_there_is_removed() {
    let redeemed = |edition: &str| {
        let answer = json!({
            "tenant_id": "5c3f3a52-90ab-4cde-8f01-23456789abcd", "edition": edition,
            "first_jwt": "a.b.c", "appliance_credential": "credential-0123456789",
        });
        let mut redemption = Redemption::read(answer.to_string().as_bytes()).unwrap();
        if edition == "essentials" {
            (redemption.license_token, redemption.credential) = (None, None);
        }
        Redeemed {
            redemption,
            appliance_id: "appliance-1".to_owned(),
        }
    };
    let keys = |secret: &v1::Secret| {
        secret
            .data
            .clone()
            .unwrap_or_default()
            .into_keys()
            .collect::<Vec<_>>()
    };
    let free = redeemed_seed(None, &redeemed("essentials")).unwrap();
    assert_eq!(
        keys(free.object()),
        ["APPLIANCE_ID", "EDITION_CHOICE", "INSTALL_EDITION"]
    );
    assert_eq!(text(free.object(), "EDITION_CHOICE").as_deref(), Some("ee"));

    let before = live_with(&[
        ("LICENSE_TOKEN", "old"),
        ("CHECK_IN_URL", "https://a.example/"),
        ("OTHER", "x"),
    ]);
    let paid = live(&redeemed_seed(Some(&before), &redeemed("pro")).unwrap());
    assert_eq!(text(&paid, "LICENSE_TOKEN").as_deref(), Some("a.b.c"));
    for kept in ["CHECK_IN_URL", "OTHER"] {
        assert_eq!(text(&paid, kept), text(&before, kept), "{kept}");
    }
    assert!(
        redeemed_seed(Some(&paid), &redeemed("pro")).is_none(),
        "a second run writes nothing"
    );
    assert!(
        license_seed(Some(&paid), Edition::Enterprise, None).is_none(),
        "nor does one without a code"
    );

    let tenant = live_with(&[("INITIAL_TENANT_ID", "id")]);
    let seen = held(Some(&tenant), Some(&paid));
    assert_eq!(seen.appliance_id.as_deref(), Some("appliance-1"));
    assert_eq!(seen.tenant_id.as_deref(), Some("id"));
    assert!(seen.has_license && !held(Some(&tenant), Some(free.object())).has_license);
    assert_eq!(held(None, None), Held::default());
}
