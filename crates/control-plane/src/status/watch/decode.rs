//! What the API server sends, read as far as anybody needs it. A field that is missing or null is empty.

use std::time::Duration;

use appliance_common::readiness::observed::Condition;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Longest text that is kept of an object: messages of Helm and the kubelet can be pages long.
const MAX_TEXT: usize = 2048;

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    pub(super) metadata: PageMeta,
    #[serde(borrow, default, deserialize_with = "filled")]
    pub(super) items: Vec<&'a RawValue>,
}

/// Where a list is, and where it goes on.
#[derive(Default, Deserialize)]
pub(super) struct PageMeta {
    #[serde(default, rename = "resourceVersion")]
    pub(super) version: String,
    #[serde(default, rename = "continue")]
    pub(super) next: String,
}

/// One line of a watch.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

/// What a line of type `ERROR` holds.
#[derive(Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) code: u16,
    #[serde(default)]
    pub(super) message: String,
}

/// Enough of an object to know which one it is.
#[derive(Default, Deserialize)]
pub(super) struct Identity {
    #[serde(default)]
    pub(super) metadata: Meta,
}

/// What is read of an object's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    #[serde(deserialize_with = "filled")]
    pub(super) name: String,
    #[serde(deserialize_with = "filled")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "filled")]
    pub(super) uid: String,
    #[serde(deserialize_with = "filled")]
    pub(super) resource_version: String,
    #[serde(deserialize_with = "filled")]
    pub(super) generation: i64,
    pub(super) creation_timestamp: Option<Timestamp>,
    pub(super) deletion_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "filled")]
    pub(super) owner_references: Vec<Owner>,
}

/// Who an object belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) controller: Option<bool>,
}

/// A condition as every kind writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(deserialize_with = "filled")]
    reason: String,
    #[serde(deserialize_with = "filled")]
    message: String,
    last_transition_time: Option<Timestamp>,
    observed_generation: Option<i64>,
}

impl Meta {
    /// `namespace/name`, or the name where there is no namespace.
    pub(super) fn key(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        }
    }

    /// Kind and name of what controls it.
    pub(super) fn controller(&mut self) -> Option<(String, String)> {
        let mut owners = std::mem::take(&mut self.owner_references).into_iter();
        let owner = owners.find(|owner| owner.controller == Some(true))?;
        Some((owner.kind, owner.name))
    }
}

/// Conditions, cut down.
pub(super) fn conditions(raw: Vec<RawCondition>) -> Vec<Condition> {
    let cut = |raw: RawCondition| Condition {
        kind: raw.kind,
        status: raw.status,
        reason: raw.reason,
        message: short(raw.message),
        since: raw.last_transition_time,
        observed_generation: raw.observed_generation,
    };
    raw.into_iter().map(cut).collect()
}

/// Null is the empty value.
pub(super) fn filled<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The beginning of a text, and no more memory than it needs.
pub(super) fn short(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text.shrink_to_fit();
    text
}

/// A duration as Go writes it: `1h30m`, `90s`, `1.5m`, `500ms`.
pub(super) fn go_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += value.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_flux_writes_them() {
        for (text, seconds) in [
            ("10m0s", 600.0),
            ("1h30m", 5400.0),
            ("90s", 90.0),
            ("1.5m", 90.0),
            ("500ms", 0.5),
        ] {
            assert_eq!(
                go_duration(text),
                Some(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
        for text in ["", "10", "ten", "5d", "1e9999h", "-1s"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_text_ends_at_a_whole_character() {
        let text = short("ä".repeat(2000));
        assert_eq!((text.len(), text.chars().all(|c| c == 'ä')), (2048, true));
        assert_eq!(short("short".to_owned()), "short");
    }

    #[test]
    fn null_and_absent_are_empty() {
        let meta: Meta =
            serde_json::from_str(r#"{"name":"a","ownerReferences":null,"generation":null}"#).unwrap();
        assert_eq!((meta.key().as_str(), meta.generation), ("a", 0));
        assert!(meta.owner_references.is_empty());
    }
}
