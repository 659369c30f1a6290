//! Whether a value is what a schema of the document says. The part of JSON Schema that the document uses,
//! and a failure for whatever else it should come to use.
//!
//! Clients may be sent more than they know, so the document does not close its objects. Here they are closed:
//! what an answer has beyond the members that its schema names is a violation, unless the schema says what
//! further members are, or names none at all.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that say nothing about a value.
const SILENT: [&str; 7] = [
    "description",
    "format",
    "default",
    "title",
    "example",
    "examples",
    "propertyNames",
];

/// What is wrong with `value`; empty when nothing is.
pub(crate) fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "$", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    surplus(document, schema, value, at, found);
    open(document, schema, value, at, found);
}

/// Members that nobody has named.
fn surplus(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let names = schema.get("$ref").is_none().then(|| named(document, schema));
    if let (Some(Some(names)), Some(object)) = (names, value.as_object()) {
        let unnamed = object.keys().filter(|key| !names.contains(key.as_str()));
        found.extend(unnamed.map(|key| format!("{at}: {key} is not in its schema")));
    }
}

/// The members that a schema names, also in its parts; `None` where it leaves open what they are.
fn named<'a>(document: &'a Value, schema: &'a Value) -> Option<BTreeSet<&'a str>> {
    if let Some(reference) = schema.get("$ref") {
        return named(document, resolve(document, reference));
    }
    if schema.get("additionalProperties").is_some() {
        return None;
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts: Option<Vec<_>> = parts.iter().map(|part| named(document, part)).collect();
        return Some(parts?.into_iter().flatten().collect());
    }
    let properties = schema.get("properties")?.as_object()?;
    Some(properties.keys().map(String::as_str).collect())
}

/// Everything but that.
fn open(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            found.push(format!("{at}: nothing is allowed here"));
        }
        return;
    };
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "$ref" => check(document, resolve(document, rule), value, at, found),
            "type" => of_type(rule, value, at, found),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                found.push(format!("{at}: {value} is none of {rule}"));
            }
            "const" if rule != value => found.push(format!("{at}: {value} is not {rule}")),
            "properties" | "additionalProperties" => members(document, (schema, keyword), value, at, found),
            "required" => required(rule, value, at, found),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{at}[{index}]"), found);
                }
            }
            "minimum"
                if value
                    .as_f64()
                    .is_some_and(|number| number < rule.as_f64().unwrap()) =>
            {
                found.push(format!("{at}: {value} is below {rule}"));
            }
            "enum" | "const" | "minimum" => {}
            "oneOf" | "anyOf" => alternatives(document, (keyword, rule), value, at, found),
            "allOf" => {
                for part in rule.as_array().unwrap() {
                    open(document, closed_by_whole(document, part), value, at, found);
                }
            }
            silent if SILENT.contains(&silent) => {}
            unknown => found.push(format!("{at}: this check does not know the keyword {unknown}")),
        }
    }
}

/// A part whose members are counted with those of the whole.
fn closed_by_whole<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    part.get("$ref")
        .map_or(part, |reference| resolve(document, reference))
}

fn resolve<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
    document
        .pointer(pointer)
        .unwrap_or_else(|| panic!("{reference} points nowhere"))
}

fn of_type(rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let types: Vec<&str> = match rule {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => panic!("{rule} is no type"),
    };
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("{name} is no type"),
    };
    if !types.iter().any(|name| is(name)) {
        found.push(format!("{at}: {value} is not of type {rule}"));
    }
}

fn members(
    document: &Value,
    rule: (&Map<String, Value>, &str),
    value: &Value,
    at: &str,
    found: &mut Vec<String>,
) {
    let (schema, keyword) = rule;
    let Some(object) = value.as_object() else {
        return;
    };
    let known = schema.get("properties").and_then(Value::as_object);
    for (name, member) in object {
        let at = format!("{at}.{name}");
        match (keyword, known.and_then(|known| known.get(name))) {
            ("properties", Some(rule)) => check(document, rule, member, &at, found),
            ("additionalProperties", None) => check(document, &schema[keyword], member, &at, found),
            _ => {}
        }
    }
}

fn required(rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return;
    };
    for name in rule.as_array().unwrap() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
}

fn alternatives(document: &Value, rule: (&str, &Value), value: &Value, at: &str, found: &mut Vec<String>) {
    let (keyword, schemas) = rule;
    let results: Vec<_> = schemas
        .as_array()
        .unwrap()
        .iter()
        .map(|schema| violations(document, schema, value))
        .collect();
    let fitting = results.iter().filter(|violations| violations.is_empty()).count();
    if fitting == 0 || keyword == "oneOf" && fitting > 1 {
        found.push(format!("{at}: fits {fitting} of {keyword}: {results:?}"));
    }
}

#[test]
fn each_rule_is_broken_by_what_breaks_it() {
    let document = serde_json::json!({"schemas": {"Name": {"type": "string"}}});
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"$ref": "#/schemas/Name"},
            "b": {"type": ["integer", "null"], "minimum": 1},
            "c": {"type": "array", "items": {"enum": ["x"]}},
            "d": {"oneOf": [{"type": "null"}, {"$ref": "#/schemas/Name"}]},
        },
        "additionalProperties": false,
    });
    let whole = serde_json::json!({"allOf": [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"b": {"type": "integer"}}},
    ]});
    let of_whole = |value: Value| violations(&document, &whole, &value).len();
    assert_eq!(of_whole(serde_json::json!({"a": "x", "b": 1})), 0);
    assert_eq!(of_whole(serde_json::json!({"a": "x", "c": 1})), 1);
    let no_more = serde_json::json!({"properties": {"a": {}}});
    assert_eq!(
        violations(&document, &no_more, &serde_json::json!({"b": 1})).len(),
        1
    );
    let any = serde_json::json!({"type": "object"});
    assert_eq!(violations(&document, &any, &serde_json::json!({"b": 1})).len(), 0);
    let good = serde_json::json!({"a": "x", "b": null, "c": ["x"], "d": "y"});
    assert_eq!(violations(&document, &schema, &good), Vec::<String>::new());
    for bad in [
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!({"a": 1}),
        serde_json::json!({"a": "x", "b": 1.5}),
        serde_json::json!({"a": "x", "b": 0}),
        serde_json::json!({"a": "x", "c": ["y"]}),
        serde_json::json!({"a": "x", "d": 1}),
        serde_json::json!({"a": "x", "e": 1}),
    ] {
        assert_eq!(violations(&document, &schema, &bad).len(), 1, "{bad}");
    }
    let unknown = violations(&document, &serde_json::json!({"pattern": "x"}), &good);
    assert!(unknown[0].contains("pattern"));
}
