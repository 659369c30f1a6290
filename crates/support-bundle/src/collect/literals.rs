//! The values that are known to be secret: no member may have one of them, wherever it stands.

use std::fs;
use std::time::Duration;

use appliance_common::cluster::{Cluster, RawError};
use appliance_common::redact::Redactor;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::cluster::pages;
use super::state;
use crate::options::Options;
use crate::redactors::Redactors;

/// Namespaces whose Secrets a control plane may read that may not read all.
const READABLE: [&str; 5] = [
    "msp",
    "alga-system",
    "flux-system",
    "appliance-system",
    "alga-appliance-control-plane",
];
/// Words of configuration that Secrets have too; to mask them would hide everything.
const WORDS: [&str; 14] = [
    "enabled",
    "disabled",
    "default",
    "production",
    "development",
    "postgres",
    "cluster",
    "localhost",
    "support",
    "appliance",
    "service",
    "require",
    "prefer",
    "127.0.0.1",
];
/// Files of the state volume that are a secret as a whole.
const WHOLE: [&str; 2] = ["setup-token", "session-secret"];
/// Deeper answers are none of ours.
const MAX_DEPTH: usize = 16;

/// Pairs of key and value.
type Known = Vec<(String, Vec<u8>)>;

/// Knows what can be known; why not more, where something is missing.
pub(crate) async fn redactor(
    options: &Options,
    cluster: Option<&Cluster>,
    limit: Duration,
    mut redactors: Redactors,
) -> (Redactor, Option<String>) {
    let mut known = of_state(options);
    let mut missing = None;
    if let Some(cluster) = cluster {
        missing = of_cluster(cluster, limit, &mut known).await.err();
    }
    known.retain(|(_, value)| !WORDS.iter().any(|word| value == word.as_bytes()));
    let pairs = known.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    if options.anonymize {
        redactors.anonymize(names(options, cluster, limit).await);
    }
    (Redactor::new(pairs).then(redactors.into_further()), missing)
}

/// What this box and its nodes are called.
async fn names(options: &Options, cluster: Option<&Cluster>, limit: Duration) -> Vec<String> {
    let hostname = fs::read_to_string(options.host_root.join("etc/hostname")).unwrap_or_default();
    let mut names = vec![hostname.trim().to_owned()];
    let inputs = state::path(options, "setup-inputs.json").and_then(|path| fs::read(path).ok());
    let inputs: Value = serde_json::from_slice(&inputs.unwrap_or_default()).unwrap_or_default();
    let address = inputs["appHostname"].as_str().unwrap_or_default();
    let host = address.rsplit("://").next().unwrap_or_default();
    names.extend(host.split([':', '/']).next().map(str::to_owned));
    if let Some(cluster) = cluster {
        // One that may not be asked for its nodes has told their names nowhere either.
        let _ = pages(cluster, "/api/v1/nodes", limit, |node| {
            names.extend(node["metadata"]["name"].as_str().map(str::to_owned));
        })
        .await;
    }
    names
}

async fn of_cluster(cluster: &Cluster, limit: Duration, known: &mut Known) -> Result<(), String> {
    match secrets(cluster, "/api/v1/secrets", limit, known).await {
        Err(RawError::Refused { status: 403, .. }) => {}
        done => return done.map_err(|error| error.to_string()),
    }
    for namespace in READABLE {
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        match secrets(cluster, &path, limit, known).await {
            // One that is not there yet grants nothing either.
            Ok(())
            | Err(RawError::Refused {
                status: 403 | 404, ..
            }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

async fn secrets(cluster: &Cluster, path: &str, limit: Duration, known: &mut Known) -> Result<(), RawError> {
    pages(cluster, path, limit, |secret| {
        // A release of Helm's is its values and manifests over again, packed.
        if secret["type"] == "helm.sh/release.v1" {
            return;
        }
        for (key, value) in secret["data"].as_object().into_iter().flatten() {
            if let Some(bytes) = value.as_str().and_then(|text| STANDARD.decode(text).ok()) {
                known.push((key.clone(), bytes));
            }
        }
    })
    .await
}

fn of_state(options: &Options) -> Known {
    let mut known = Known::new();
    let Some(dir) = &options.state_dir else {
        return known;
    };
    for name in WHOLE {
        if let Ok(text) = fs::read_to_string(dir.join(name)) {
            known.push((name.to_owned(), text.trim().as_bytes().to_vec()));
        }
    }
    let inputs = state::path(options, "setup-inputs.json");
    let documents = [
        "setup-inputs.json",
        "admin-ui-credential.json",
        "support-sessions/active.json",
    ];
    for name in documents {
        let path = if name == "setup-inputs.json" {
            inputs.clone()
        } else {
            Some(dir.join(name))
        };
        let text = path.and_then(|path| fs::read(path).ok()).unwrap_or_default();
        if let Ok(document) = serde_json::from_slice(&text) {
            under_secret_keys(&document, &mut known, 0);
        }
    }
    known
}

fn under_secret_keys(document: &Value, known: &mut Known, depth: usize) {
    const KEYS: [&str; 10] = [
        "adminPassword",
        "adminPasswordConfirm",
        "installCode",
        "licenseKey",
        "applianceToken",
        "resumeGrant",
        "shareCode",
        "connectorToken",
        "hash",
        "salt",
    ];
    if depth > MAX_DEPTH {
        return;
    }
    match document {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if KEYS.contains(&key.as_str()) => {
                        known.push((format!("{key}-secret"), text.as_bytes().to_vec()));
                    }
                    _ => under_secret_keys(value, known, depth + 1),
                }
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| under_secret_keys(item, known, depth + 1)),
        _ => {}
    }
}
