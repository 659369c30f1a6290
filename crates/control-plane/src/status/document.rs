//! The document that readers get: made once for all of them, and never changed.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::random;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

/// Keys that alone make no new document.
const INCIDENTAL: &str = "collectedAt";
/// The key that says whether new answers may replace the old.
const EDITABLE: &str = "setupReEditable";

/// One top-level key and its value, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    key: Arc<str>,
    value: Bytes,
}

/// A document as it was published.
#[derive(Debug)]
pub(crate) struct Document {
    id: String,
    sections: Vec<Section>,
    /// All of it but the last key and the last brace.
    open: Bytes,
    published: Instant,
    is_editable: bool,
    /// The change from the one before, for all readers that had that one.
    from_before: Option<(String, Bytes)>,
}

/// Numbers documents: those of another process are others.
#[derive(Debug)]
pub(super) struct Numbers {
    run: String,
    last: u64,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self {
            run: random::url_safe::<6>(),
            last: 0,
        }
    }

    fn next(&mut self) -> String {
        self.last += 1;
        format!("{}-{}", self.run, self.last)
    }
}

impl Document {
    /// The document of these keys, with none before it.
    pub(super) fn first(keys: Map<String, Value>, numbers: &mut Numbers) -> Self {
        Self::of(sections(&[], keys), numbers)
    }

    /// The document of these keys; `None` when it would tell nothing that `before` does not.
    pub(super) fn after(before: &Self, keys: Map<String, Value>, numbers: &mut Numbers) -> Option<Self> {
        let sections = sections(&before.sections, keys);
        if told(&before.sections).eq(told(&sections)) {
            return None;
        }
        let mut document = Self::of(sections, numbers);
        document.from_before = Some((before.id.clone(), document.change_event(before)));
        Some(document)
    }

    fn of(sections: Vec<Section>, numbers: &mut Numbers) -> Self {
        let editable = sections.iter().find(|section| &*section.key == EDITABLE);
        Self {
            id: numbers.next(),
            open: open(&sections),
            is_editable: editable.is_some_and(|section| section.value == "true"),
            sections,
            published: Instant::now(),
            from_before: None,
        }
    }

    /// What tells it from all others.
    #[must_use]
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How long ago it was published.
    #[must_use]
    pub(crate) fn age(&self) -> Duration {
        self.published.elapsed()
    }

    /// What it says about whether new answers may replace the old.
    #[must_use]
    pub(crate) fn is_editable(&self) -> bool {
        self.is_editable
    }

    /// All of it, with its age as the last key: the large part is shared.
    #[must_use]
    pub(crate) fn whole(&self, age: Duration) -> [Bytes; 2] {
        [self.open.clone(), end(age)]
    }

    /// The same with other values for some keys.
    #[must_use]
    pub(crate) fn whole_with(&self, others: &[(&str, Value)], age: Duration) -> [Bytes; 2] {
        let other = |section: &Section| {
            let other = others.iter().find(|(key, _)| *key == &*section.key);
            Section {
                key: Arc::clone(&section.key),
                value: other.map_or_else(|| section.value.clone(), |(_, value)| value.to_string().into()),
            }
        };
        let sections: Vec<_> = self.sections.iter().map(other).collect();
        [open(&sections), end(age)]
    }

    /// The value of a top-level key.
    #[must_use]
    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        let section = self.sections.iter().find(|section| &*section.key == key)?;
        serde_json::from_slice(&section.value).ok()
    }

    /// The event that shows all of it.
    #[must_use]
    pub(crate) fn snapshot_event(&self, age: Duration) -> [Bytes; 3] {
        let head = format!("event: snapshot\nid: {}\ndata: ", self.id);
        let [open, end] = self.whole(age);
        let end = [&end[..], b"\n\n"].concat();
        [head.into(), open, end.into()]
    }

    /// The event that makes it of what a reader was sent last.
    #[must_use]
    pub(crate) fn change_from(&self, before: &Self) -> Bytes {
        match &self.from_before {
            Some((id, event)) if *id == before.id => event.clone(),
            _ => self.change_event(before),
        }
    }

    fn change_event(&self, before: &Self) -> Bytes {
        let old = |key: &str| before.sections.iter().find(|section| &*section.key == key);
        let set = self
            .sections
            .iter()
            .filter(|section| old(&section.key).is_none_or(|old| old.value != section.value));
        let gone = before
            .sections
            .iter()
            .filter(|old| self.sections.iter().all(|section| section.key != old.key));
        let gone: Vec<_> = gone.map(|section| &*section.key).collect();
        let mut event = format!("event: change\nid: {}\ndata: {{\"set\":", self.id).into_bytes();
        event.extend_from_slice(&open_of(set));
        event.extend_from_slice(b"},\"removed\":");
        event.extend_from_slice(serde_json::json!(gone).to_string().as_bytes());
        event.extend_from_slice(b"}\n\n");
        event.into()
    }
}

fn sections(before: &[Section], keys: Map<String, Value>) -> Vec<Section> {
    keys.into_iter()
        .map(|(key, value)| section(before, &key, &value))
        .collect()
}

/// What makes a document another.
fn told(sections: &[Section]) -> impl Iterator<Item = &Section> {
    sections.iter().filter(|section| &*section.key != INCIDENTAL)
}

/// A key's section; a value that has not changed shares its memory with the one before.
fn section(before: &[Section], key: &str, value: &Value) -> Section {
    let text = value.to_string();
    match before.iter().find(|section| &*section.key == key) {
        Some(old) if old.value == text.as_bytes() => old.clone(),
        Some(old) => Section {
            key: Arc::clone(&old.key),
            value: text.into(),
        },
        None => Section {
            key: key.into(),
            value: text.into(),
        },
    }
}

fn open(sections: &[Section]) -> Bytes {
    open_of(sections.iter()).into()
}

/// An object of these sections without its last brace.
fn open_of<'a>(sections: impl Iterator<Item = &'a Section>) -> Vec<u8> {
    let mut text = vec![b'{'];
    for (position, section) in sections.enumerate() {
        if position > 0 {
            text.push(b',');
        }
        text.extend_from_slice(Value::from(&*section.key).to_string().as_bytes());
        text.push(b':');
        text.extend_from_slice(&section.value);
    }
    text
}

fn end(age: Duration) -> Bytes {
    let mut text = String::with_capacity(40);
    // Writing to a string does not fail.
    let _ = write!(text, ",\"ageSeconds\":{:.1}}}", age.as_secs_f64());
    text.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn first(value: &Value, numbers: &mut Numbers) -> Document {
        Document::first(keys(value), numbers)
    }

    fn after(before: &Document, value: &Value, numbers: &mut Numbers) -> Option<Document> {
        Document::after(before, keys(value), numbers)
    }

    fn data(event: &[u8]) -> Value {
        let text = std::str::from_utf8(event).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(data).unwrap()
    }

    #[test]
    fn the_age_is_the_last_key_and_no_part_of_what_makes_a_document_another() {
        let mut numbers = Numbers::new();
        let first = first(
            &json!({"b": 1, "a": {"c": "ä\n"}, "collectedAt": "x"}),
            &mut numbers,
        );
        let whole = first.whole(Duration::from_millis(1234)).concat();
        let text = std::str::from_utf8(&whole).unwrap();
        assert!(text.ends_with(r#","ageSeconds":1.2}"#), "{text}");
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read["a"]["c"], "ä\n");
        let later = json!({"b": 1, "a": {"c": "ä\n"}, "collectedAt": "y"});
        assert!(after(&first, &later, &mut numbers).is_none());
        assert!(after(&first, &json!({"b": 2}), &mut numbers).is_some());
    }

    #[test]
    fn a_change_makes_the_new_document_of_any_older_one() {
        let mut numbers = Numbers::new();
        let shapes = [
            json!({"a": 1, "b": [1], "c": {}}),
            json!({"a": 2, "b": [1]}),
            json!({"a": 2, "d": null, "b": [1, 2]}),
        ];
        let first = first(&shapes[0], &mut numbers);
        let second = after(&first, &shapes[1], &mut numbers).unwrap();
        let third = after(&second, &shapes[2], &mut numbers).unwrap();
        for (from, to, document) in [(&first, &second, 1), (&second, &third, 2), (&first, &third, 2)] {
            let change = data(&to.change_from(from));
            let mut made = keys(&serde_json::from_slice(&from.whole(Duration::ZERO).concat()).unwrap());
            made.remove("ageSeconds");
            for key in change["removed"].as_array().unwrap() {
                made.remove(key.as_str().unwrap());
            }
            made.extend(keys(&change["set"]));
            assert_eq!(made, keys(&shapes[document]));
        }
        assert_eq!(
            data(&second.change_from(&first))["set"],
            json!({"a": 2}),
            "and no more than that"
        );
    }

    #[test]
    fn values_that_did_not_change_are_shared() {
        let mut numbers = Numbers::new();
        let first = first(&json!({"a": 1, "b": "long"}), &mut numbers);
        let second = after(&first, &json!({"a": 2, "b": "long"}), &mut numbers).unwrap();
        assert_eq!(
            first.sections[1].value.as_ptr(),
            second.sections[1].value.as_ptr()
        );
        assert_ne!(first.id(), second.id());
    }

    #[test]
    fn a_snapshot_is_one_event_of_one_line() {
        let mut numbers = Numbers::new();
        let document = first(&json!({"a": "one\ntwo"}), &mut numbers);
        let event = document.snapshot_event(Duration::from_secs(3)).concat();
        let text = std::str::from_utf8(&event).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert_eq!(data(&event), json!({"a": "one\ntwo", "ageSeconds": 3.0}));
        let other = document
            .whole_with(&[("a", json!(false))], Duration::ZERO)
            .concat();
        assert_eq!(serde_json::from_slice::<Value>(&other).unwrap()["a"], false);
    }
}
