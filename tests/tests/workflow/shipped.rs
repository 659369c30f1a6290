//! A cluster that the shipped product has written to: what lives there stays.

use anyhow::{Context, Result};
use appliance_common::state_file::replace;
use appliance_control_plane::setup::run::Run;
use appliance_tests::apply;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::objects::secret_value;
use crate::scene::{answers, ended, submit};
use crate::site::Site;

const SETUP_TOKEN: &str = "the-setup-token";

/// Secret, key and value that must outlive an install.
const KEPT: [(&str, &str, &str); 4] = [
    ("msp/alga-psa-shared", "ALGA_AUTH_KEY", "old-key"),
    (
        "msp/appliance-initial-tenant",
        "INITIAL_TENANT_ID",
        "11111111-1111-4111-8111-111111111111",
    ),
    (
        "msp/appliance-license-seed",
        "APPLIANCE_ID",
        "appliance-0123456789abcdef",
    ),
    (
        "msp/appliance-license-seed",
        "APPLIANCE_CREDENTIAL",
        "credential-of-the-box",
    ),
];

#[tokio::test]
async fn what_the_shipped_product_left_in_the_cluster_is_kept() -> Result<()> {
    let site = Site::start().await?;
    replace(&site.volume.settings.token_file, SETUP_TOKEN.as_bytes(), 0o640)?;
    for object in shipped() {
        apply::yaml(&site.client, "kubectl", "default", &object.to_string()).await?;
    }
    let setup = site.open();
    submit(&setup, &answers()).await?;
    let run = ended(&setup).await?.history.run.clone();
    assert_eq!(run, Run::Complete);

    for (place, key, value) in KEPT {
        let secret = live(&site.client, place).await?;
        assert_eq!(secret_value(&secret, key)?, value, "{place}");
        let annotations = &secret["metadata"]["annotations"];
        assert!(
            !annotations.to_string().contains("last-applied"),
            "{place}: {annotations}"
        );
    }
    let token = live(&site.client, "appliance-system/appliance-status-auth").await?;
    assert_ne!(
        secret_value(&token, "token")?,
        SETUP_TOKEN,
        "the status token is its own"
    );
    Ok(())
}

async fn live(client: &Client, place: &str) -> Result<Value> {
    let (namespace, name) = place.split_once('/').context("no namespace")?;
    let secret = Api::<Secret>::namespaced(client.clone(), namespace)
        .get(name)
        .await?;
    Ok(serde_json::to_value(secret)?)
}

/// As client-side apply wrote them, with a copy of the values beside the values.
fn shipped() -> [Value; 6] {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let secret = |place: &str, data: Value| {
        let (namespace, name) = place.split_once('/').unwrap_or_default();
        let copy = json!({"kubectl.kubernetes.io/last-applied-configuration": data.to_string()});
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": data,
            "metadata": {"name": name, "namespace": namespace, "annotations": copy},
        })
    };
    let [shared, tenant, id, credential] = KEPT;
    let seed = json!({"EDITION_CHOICE": "ee", id.1: id.2, credential.1: credential.2});
    [
        namespace("msp"),
        namespace("appliance-system"),
        secret(shared.0, json!({shared.1: shared.2})),
        secret(tenant.0, json!({tenant.1: tenant.2})),
        secret(id.0, seed),
        secret(
            "appliance-system/appliance-status-auth",
            json!({"token": SETUP_TOKEN}),
        ),
    ]
}
