//! Secrets that the shipped product wrote in plain text, and the documents without them. Pure.

use serde_json::Value;

use crate::setup::inputs::SECRET_NAMES;

/// Takes every secret out of a document and keeps the rest; whether there was one.
pub(super) fn erase(document: &mut Value) -> bool {
    match document {
        Value::Object(fields) => {
            let before = fields.len();
            fields.retain(|name, value| value.is_null() || !SECRET_NAMES.contains(&name.as_str()));
            let erased = fields.len() < before;
            // All of them: `any` would stop at the first.
            fields.values_mut().map(erase).fold(erased, |any, one| any | one)
        }
        Value::Array(items) => items.iter_mut().map(erase).fold(false, |any, one| any | one),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_go_and_everything_else_stays() {
        let mut document = json!({
            "channel": "stable", "installCode": "K7QPM2RX", "licenseKey": null, "x": [{"adminPassword": "p"}],
            "initialTenant": {"tenantName": "Example Ltd", "adminPassword": "p"},
        });
        assert!(erase(&mut document));
        let expected = json!({
            "channel": "stable", "licenseKey": null, "x": [{}], "initialTenant": {"tenantName": "Example Ltd"},
        });
        assert_eq!(document, expected);
        assert!(!erase(&mut document), "a second time there is nothing to do");
    }
}
