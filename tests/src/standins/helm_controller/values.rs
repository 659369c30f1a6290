//! The values of a release: its references in their order, then its own, each over the ones before.

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use serde_json::{Map, Value};

use super::release::{Release, ValuesFrom};

/// Key that is read when a reference names none.
const DEFAULT_KEY: &str = "values.yaml";

/// Reads and merges them.
pub(super) async fn of(client: &Client, release: &Release<'_>) -> Result<Value> {
    let mut merged = Value::Object(Map::new());
    for reference in &release.spec.values_from {
        let what = format!("{} {}/{}", reference.kind, release.namespace(), reference.name);
        let text = read(client, &release.namespace(), reference).await;
        let Some(text) = text.with_context(|| format!("reading values from {what}"))? else {
            if reference.optional {
                continue;
            }
            bail!("could not resolve values reference: {what} or its key does not exist");
        };
        let over = serde_saphyr::from_str(&text).with_context(|| format!("values of {what} are no YAML"))?;
        merge(&mut merged, over);
    }
    if let Some(own) = &release.spec.values {
        merge(&mut merged, own.clone());
    }
    Ok(merged)
}

async fn read(client: &Client, namespace: &str, reference: &ValuesFrom) -> Result<Option<String>> {
    let key = reference.values_key.as_deref().unwrap_or(DEFAULT_KEY);
    if reference.kind == "Secret" {
        let secret = Api::<Secret>::namespaced(client.clone(), namespace)
            .get_opt(&reference.name)
            .await?;
        let bytes = secret
            .and_then(|secret| secret.data)
            .and_then(|mut data| data.remove(key));
        return bytes
            .map(|bytes| String::from_utf8(bytes.0).context("not text"))
            .transpose();
    }
    let map = Api::<ConfigMap>::namespaced(client.clone(), namespace)
        .get_opt(&reference.name)
        .await?;
    Ok(map.and_then(|map| map.data).and_then(|mut data| data.remove(key)))
}

/// Objects are merged key by key; anything else replaces what is there.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// A digest that changes when a value does.
pub(super) fn digest(values: &Value) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, values.to_string().as_bytes());
    format!("sha256:{}", hex::encode(digest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn later_values_win_key_by_key_and_lists_are_replaced() {
        let mut base = json!({"image": {"name": "a", "tag": "1"}, "hosts": [1, 2]});
        merge(
            &mut base,
            json!({"image": {"tag": "2"}, "hosts": [3], "new": true}),
        );
        assert_eq!(
            base,
            json!({"image": {"name": "a", "tag": "2"}, "hosts": [3], "new": true})
        );
    }

    #[test]
    fn the_digest_changes_with_a_value() {
        assert_ne!(digest(&json!({"a": 1})), digest(&json!({"a": 2})));
    }
}
