//! What the API's document promises, held against every answer that a test is given.

use std::sync::LazyLock;

use appliance_control_plane::http::openapi;
use axum::http::{Method, Uri};
use serde_json::Value;

use super::harness::Answer;
use super::schema::violations;

/// The document, as it is served.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi()).unwrap());
    &DOCUMENT
}

/// The answer is one that the document has for this operation, and its body is of that schema, with nothing
/// in it that the schema does not name.
pub(crate) fn hold(operation: &str, answer: &Answer) {
    let (method, path) = operation.split_once(' ').unwrap();
    let status = answer.status.as_str();
    let response = &document()["paths"][path][method.to_lowercase()]["responses"][status];
    assert!(
        response.is_object(),
        "{operation} answered {status}, which is not documented: {}",
        answer.text
    );
    let Some(content) = response["content"].as_object() else {
        return;
    };
    let kind = answer.header("content-type").split(';').next().unwrap();
    let schema = &content
        .get(kind)
        .unwrap_or_else(|| panic!("{operation} {status} is of type {kind}"))["schema"];
    if kind == "application/json" {
        let found = violations(document(), schema, &answer.body);
        assert!(
            found.is_empty(),
            "{operation} {status}: {found:#?}\n{}",
            answer.text
        );
    }
}

/// The same of an answer to any request: to one that is no documented operation nothing is promised.
pub(crate) fn hold_whatever(method: &Method, uri: &Uri, answer: &Answer) {
    let paths = document()["paths"].as_object().unwrap();
    let is_it = |template: &&String| {
        let (asked, known) = (uri.path().split('/'), template.split('/'));
        asked.clone().count() == known.clone().count()
            && known
                .zip(asked)
                .all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let Some(template) = paths.keys().find(is_it) else {
        return;
    };
    if !paths[template][method.as_str().to_lowercase()].is_null() {
        hold(&format!("{method} {template}"), answer);
    }
}
