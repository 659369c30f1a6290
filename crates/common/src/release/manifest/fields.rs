//! Reading single values of the manifest.

use serde_json::{Map, Value};

use super::ManifestError;

/// Longest part of a value that an error repeats, in characters.
const SHOWN: usize = 80;

pub(super) fn bad(path: impl Into<String>, problem: impl Into<String>) -> ManifestError {
    ManifestError::Field {
        path: path.into(),
        problem: problem.into(),
    }
}

/// A value as an error shows it.
pub(super) fn shown(value: &Value) -> String {
    value.to_string().chars().take(SHOWN).collect()
}

pub(super) fn object<'a>(
    path: &str,
    value: Option<&'a Value>,
) -> Result<&'a Map<String, Value>, ManifestError> {
    match value {
        Some(Value::Object(map)) => Ok(map),
        None | Some(Value::Null) => Err(bad(path, "is missing")),
        Some(other) => Err(bad(path, format!("is {}, not an object", shown(other)))),
    }
}

pub(super) fn object_or_empty(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// A trimmed string; absent or blank is none.
pub(super) fn text(path: &str, value: Option<&Value>) -> Result<Option<String>, ManifestError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(non_blank(text)),
        Some(other) => Err(bad(path, format!("is {}, not a string", shown(other)))),
    }
}

/// A trimmed string that must be there.
pub(super) fn required(path: &str, value: Option<&Value>) -> Result<String, ManifestError> {
    text(path, value)?.ok_or_else(|| bad(path, "is missing or blank"))
}

/// Whatever was stated, as text: nothing for what a script would call false.
pub(super) fn stated(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) => non_blank(text),
        other => Some(other.to_string()),
    }
}

fn non_blank(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
