//! Documents as values: what the cluster answers, and files of JSON and YAML.

use serde_json::{Map, Value};

use super::keys::is_sensitive;
use super::rule::{Counts, Rule};
use super::{MASK, Redactor};

/// A whole object as text, secrets and all (`kubectl apply` keeps it there).
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Deeper documents are not gone into: what is there is taken out.
const MAX_DEPTH: usize = 64;

/// Takes the secrets out of a document; keys and shape stay.
pub(super) fn mask(redactor: &Redactor, document: &mut Value, counts: &mut Counts) {
    walk(redactor, document, counts, 0);
}

fn walk(redactor: &Redactor, value: &mut Value, counts: &mut Counts, depth: usize) {
    if depth > MAX_DEPTH {
        return take(value, Rule::Key, counts);
    }
    match value {
        Value::String(text) => shown(redactor, text, counts),
        Value::Array(items) => {
            for item in items {
                walk(redactor, item, counts, depth + 1);
            }
        }
        Value::Object(fields) => object(redactor, fields, counts, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn object(redactor: &Redactor, fields: &mut Map<String, Value>, counts: &mut Counts, depth: usize) {
    let is_secret = fields.get("kind").is_some_and(|kind| kind == "Secret");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.shift_remove("managedFields");
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
    // An entry of an environment: the name says what the value is.
    let named = fields
        .get("name")
        .and_then(Value::as_str)
        .is_some_and(is_sensitive);
    for (key, value) in fields.iter_mut() {
        if is_secret && matches!(key.as_str(), "data" | "stringData") {
            take(value, Rule::SecretObject, counts);
        } else if (named && key == "value") || is_sensitive(key) {
            taken(redactor, value, counts, depth);
        } else {
            walk(redactor, value, counts, depth + 1);
        }
    }
}

/// Under a sensitive key: every text and number. A map under it names what it holds (`secret: {secretName: x}`), and
/// its own keys decide; a switch or nothing stays.
fn taken(redactor: &Redactor, value: &mut Value, counts: &mut Counts, depth: usize) {
    match value {
        Value::Object(_) => walk(redactor, value, counts, depth + 1),
        Value::Array(items) => {
            for item in items {
                taken(redactor, item, counts, depth + 1);
            }
        }
        Value::String(_) | Value::Number(_) => take(value, Rule::Key, counts),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Every leaf.
fn take(value: &mut Value, rule: Rule, counts: &mut Counts) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| take(value, rule, counts)),
        Value::Array(items) => items.iter_mut().for_each(|value| take(value, rule, counts)),
        Value::String(text) if text.is_empty() || text.starts_with(MASK) => {}
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            *value = Value::String(rule.mask());
            counts.note(rule);
        }
        Value::Null => {}
    }
}

/// A text may be a document itself.
fn shown(redactor: &Redactor, text: &mut String, counts: &mut Counts) {
    let redacted = redactor.text(text);
    if redacted.as_str() != text {
        counts.add(redacted.counts());
        *text = redacted.into_string();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(mut document: Value) -> Value {
        Redactor::new([("x", b"known-value".as_slice())]).document(&mut document);
        document
    }

    /// 60, case 6: any type, and the document stays one.
    #[test]
    fn values_of_sensitive_keys_go_whatever_their_type() {
        let shown = masked(json!({
            "token": 12345, "passwords": ["a1b2c3", "d4e5f6"], "nested": {"apiKey": "k", "secretName": "db", "maxTokens": 4096},
            "secret": {"secretName": "tls", "optional": true}, "automountServiceAccountToken": false, "note": "a known-value here",
        }));
        assert_eq!(
            shown,
            json!({
                "token": "[REDACTED:key]", "passwords": ["[REDACTED:key]", "[REDACTED:key]"],
                "nested": {"apiKey": "[REDACTED:key]", "secretName": "db", "maxTokens": 4096},
                "secret": {"secretName": "tls", "optional": true}, "automountServiceAccountToken": false,
                "note": "a [REDACTED:literal] here",
            })
        );
    }

    #[test]
    fn an_environment_a_secret_and_what_kubectl_keeps() {
        let shown = masked(json!({"items": [
            {"kind": "Secret", "metadata": {"name": "s", "managedFields": [1], "annotations":
                {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}}, "data": {"k": "dg=="}, "stringData": {"n": 1}},
            {"kind": "SecretStore", "data": {"k": "kept"}},
            {"env": [{"name": "DB_PASSWORD", "value": "x1"}, {"name": "HOME", "value": "/root"},
                     {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        ]}));
        assert_eq!(
            shown,
            json!({"items": [
                {"kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "b"}}, "data": {"k": "[REDACTED:secret-object]"},
                 "stringData": {"n": "[REDACTED:secret-object]"}},
                {"kind": "SecretStore", "data": {"k": "kept"}},
                {"env": [{"name": "DB_PASSWORD", "value": "[REDACTED:key]"}, {"name": "HOME", "value": "/root"},
                         {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            ]})
        );
    }
}
