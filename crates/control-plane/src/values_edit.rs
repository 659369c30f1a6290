//! One scalar of a YAML mapping set by its path, and nothing else changed.
//!
//! The edit is made on a lossless syntax tree, so comments and layout stay. Whether it did what it
//! should is not left to that: the result is parsed again, by another parser, and compared.

use appliance_common::release::usable::parse_values;
use serde_json::{Map, Value};
use yaml_edit::path::{AliasPolicy, YamlPath};
use yaml_edit::{ScalarValue, YamlFile};

/// Why a text could not be read or edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    #[error("it is not valid YAML: {0}")]
    Syntax(String),
    #[error("it is not a YAML mapping")]
    NotAMapping,
    #[error("{at} holds {found}, where {wanted} belongs")]
    Occupied {
        at: String,
        found: &'static str,
        wanted: &'static str,
    },
    #[error("it cannot be set without changing other values")]
    Entangled,
}

/// The mapping that `text` says.
pub(crate) fn read(text: &str) -> Result<Map<String, Value>, EditError> {
    match parse_values(text).map_err(|error| EditError::Syntax(first_line(&error.to_string())))? {
        Value::Object(map) => Ok(map),
        _ => Err(EditError::NotAMapping),
    }
}

/// `text` with the string `value` at the dotted `path`, parents made as needed; the same bytes when it
/// says so already.
pub(crate) fn upsert(text: &str, path: &str, value: &str) -> Result<String, EditError> {
    let before = read(text)?;
    let mut wanted = before.clone();
    set(&mut wanted, path, path, value)?;
    if wanted == before {
        return Ok(text.to_owned());
    }
    let file: YamlFile = text.parse().map_err(|_| EditError::Entangled)?;
    let document = file.document().ok_or(EditError::Entangled)?;
    document
        .try_set_path_with(path, ScalarValue::double_quoted(value), AliasPolicy::Expand)
        .map_err(|_| EditError::Entangled)?;
    let edited = file.to_string();
    match read(&edited) {
        Ok(after) if after == wanted => Ok(edited),
        _ => Err(EditError::Entangled),
    }
}

/// The same edit on the parsed mapping. `rest` is what is left of `path`.
fn set(map: &mut Map<String, Value>, path: &str, rest: &str, value: &str) -> Result<(), EditError> {
    let occupied = |rest: &str, found: &Value, wanted| EditError::Occupied {
        at: path[..path.len() - rest.len()].trim_end_matches('.').to_owned(),
        found: kind(found),
        wanted,
    };
    let Some((key, rest)) = rest.split_once('.') else {
        return match map.insert(rest.to_owned(), Value::String(value.to_owned())) {
            Some(found @ (Value::Object(_) | Value::Array(_))) => Err(occupied("", &found, "a single value")),
            _ => Ok(()),
        };
    };
    let parent = map.entry(key).or_insert(Value::Null);
    if parent.is_null() {
        *parent = Value::Object(Map::new());
    }
    match parent {
        Value::Object(parent) => set(parent, path, rest, value),
        found => Err(occupied(rest, found, "a mapping")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "a mapping",
        Value::Array(_) => "a list",
        _ => "a single value",
    }
}

/// A parser's message without the excerpt under it.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "1.4.2@sha256:ab";

    /// Each text with a new `image.tag`; `NEW` stands for the tag.
    fn turn_into(cases: &[(&str, &str)]) {
        for (text, edited) in cases {
            assert_eq!(
                upsert(text, "image.tag", NEW).unwrap(),
                edited.replace("NEW", NEW),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_the_value_at_the_path_changes() {
        turn_into(&[
            (
                "image:\n  name: a # c\n  tag: latest # d\nz: 1\n",
                "image:\n  name: a # c\n  tag: \"NEW\" # d\nz: 1\n",
            ),
            ("image: {tag: x, name: y}\n", "image: {tag: \"NEW\", name: y}\n"),
            (
                "{\"image\": {\"tag\": \"x\"}}\n",
                "{\"image\": {\"tag\": \"NEW\"}}\n",
            ),
            ("\"image\":\n  'tag': 'x'\n", "\"image\":\n  'tag': \"NEW\"\n"),
            (
                "script: |\n  image:\n    tag: no\nimage:\n  tag: yes\n",
                "script: |\n  image:\n    tag: no\nimage:\n  tag: \"NEW\"\n",
            ),
            (
                "image:\n  tag: |\n    a\n    b\n  name: c\n",
                "image:\n  tag: \"NEW\"\n  name: c\n",
            ),
            (
                "image:\n  tag: a\n    b\n  name: c\n",
                "image:\n  tag: \"NEW\"\n  name: c\n",
            ),
            ("image:\n  tag: 1.10\n", "image:\n  tag: \"NEW\"\n"),
            (
                "image:\n  tag:\n  name: a\n",
                "image:\n  tag: \"NEW\"\n  name: a\n",
            ),
            (
                "image:\r\n  tag: x\r\nb: 1\r\n",
                "image:\r\n  tag: \"NEW\"\r\nb: 1\r\n",
            ),
            (
                "---\nimage:\n  tag: x\n...\n",
                "---\nimage:\n  tag: \"NEW\"\n...\n",
            ),
            (
                "ü: é # ü\nimage:\n  tag: x # ü\n",
                "ü: é # ü\nimage:\n  tag: \"NEW\" # ü\n",
            ),
            (
                "list:\n- image:\n    tag: n\n- tag: n\nimage:\n    tag: x\n",
                "list:\n- image:\n    tag: n\n- tag: n\nimage:\n    tag: \"NEW\"\n",
            ),
            (
                "t: &t x\nimage:\n  tag: *t\n",
                "t: &t x\nimage:\n  tag: \"NEW\"\n",
            ),
            (
                "image:\n  <<: {tag: x}\n",
                "image:\n  <<: {tag: x}\n  tag: \"NEW\"\n",
            ),
        ]);
    }

    #[test]
    fn a_tag_that_looks_like_a_number_is_written_as_text() {
        for tag in ["1234567", "0012345", "12e4567", "1e10", "1.10", "0x1f"] {
            let edited = upsert(&format!("image:\n  tag: {tag}\n"), "image.tag", tag).unwrap();
            assert_eq!(edited, format!("image:\n  tag: \"{tag}\"\n"));
        }
    }

    #[test]
    fn what_stands_around_the_document_stays() {
        let text = "%YAML 1.2\n# a\n---\nimage:\n  tag: x\n...\n# z\n";
        let edited = upsert(text, "image.tag", "v1").unwrap();
        assert_eq!(edited, text.replace("tag: x", "tag: \"v1\""));
    }

    #[test]
    fn what_is_missing_is_inserted() {
        turn_into(&[
            ("a: 1\n# tail\n", "a: 1\n# tail\nimage:\n  tag: \"NEW\"\n"),
            ("a: 1", "a: 1\nimage:\n  tag: \"NEW\"\n"),
            ("image:\nb: 1\n", "image:\n  tag: \"NEW\"\nb: 1\n"),
            ("image: {}\n", "image: {tag: \"NEW\"}\n"),
            (
                "image:\n  name: a\n\n# on b\nb: 1\n",
                "image:\n  name: a\n  tag: \"NEW\"\n\n# on b\nb: 1\n",
            ),
            (
                "image:\r\n  name: a\r\nb: 1\r\n",
                "image:\r\n  name: a\r\n  tag: \"NEW\"\r\nb: 1\r\n",
            ),
        ]);
    }

    #[test]
    fn a_text_that_says_so_already_keeps_every_byte() {
        for text in [
            "image: {tag: 'v1'}   # c",
            "image:\n\n    tag:   v1\n",
            "image:\n  tag: |-\n    v1\n",
        ] {
            assert_eq!(upsert(text, "image.tag", "v1").unwrap(), text);
        }
    }

    #[test]
    fn a_text_that_cannot_be_edited_is_refused_with_its_reason() {
        for (text, reason) in [
            ("image: [\n", "it is not valid YAML"),
            ("image:\n\ttag: x\n", "it is not valid YAML"),
            ("image: {tag: x}\n---\nimage: {tag: x}\n", "it is not valid YAML"),
            ("image:\n  tag: x\n  tag: y\n", "it is not valid YAML"),
            ("image: {tag: x}\nimage: {tag: y}\n", "it is not valid YAML"),
            ("image: *gone\n", "it is not valid YAML"),
            ("", "it is not a YAML mapping"),
            ("# nothing\n", "it is not a YAML mapping"),
            ("- image\n", "it is not a YAML mapping"),
            ("image\n", "it is not a YAML mapping"),
            (
                "image:\n  tag:\n    a: 1\n",
                "image.tag holds a mapping, where a single value belongs",
            ),
            (
                "image:\n  tag: []\n",
                "image.tag holds a list, where a single value belongs",
            ),
            (
                "image: v1\n",
                "image holds a single value, where a mapping belongs",
            ),
            ("image: [tag]\n", "image holds a list, where a mapping belongs"),
            (
                "image:\n  tag: &t x\nother: *t\n",
                "it cannot be set without changing other values",
            ),
        ] {
            let error = upsert(text, "image.tag", NEW).unwrap_err().to_string();
            assert!(
                error.starts_with(reason) && !error.contains('\n'),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn an_alias_to_a_mapping_becomes_a_copy() {
        let edited = upsert("t: &t {tag: x, n: 1}\nimage: *t\n", "image.tag", NEW).unwrap();
        let read = Value::Object(read(&edited).unwrap());
        assert_eq!(
            read,
            serde_json::json!({"t": {"tag": "x", "n": 1}, "image": {"tag": NEW, "n": 1}})
        );
    }

    proptest::proptest! {
        #[test]
        fn any_string_comes_back_as_it_was_set(value in "\\PC{0,20}|[ -~\\n\\t\"'#{}\\\\]{0,20}") {
            for text in ["a:\n  b: x # c\nz: 1\n", "a: {b: x}\nz: 1\n", "z: 1\n"] {
                let edited = upsert(text, "a.b", &value).unwrap();
                let read = Value::Object(read(&edited).unwrap());
                proptest::prop_assert_eq!(&read, &serde_json::json!({"a": {"b": value}, "z": 1}));
                proptest::prop_assert_eq!(upsert(&edited, "a.b", &value).unwrap(), edited);
            }
        }
    }

    proptest::proptest! {
        // Most of these texts are no valid mapping; there are enough cases for those that are.
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]

        #[test]
        fn no_text_is_edited_into_something_else(
            lines in proptest::collection::vec("( {0,4})(- )?(a|b|'a'|\"b\"|<<|\\? a): {0,2}(x|1|\\||>-|&t x|\\*t|\\{b: x\\}|\\[b\\]|~|#c|\"x|y\")?", 0..7),
            end in "\n|\r\n||\n\n#c\n",
        ) {
            let text = lines.join(if end == "\r\n" { "\r\n" } else { "\n" }) + &end;
            if let (Ok(mut wanted), Ok(edited)) = (read(&text), upsert(&text, "a.b", NEW)) {
                set(&mut wanted, "a.b", "a.b", NEW).unwrap();
                proptest::prop_assert_eq!(read(&edited).unwrap(), wanted);
            }
        }
    }
}
