//! Arrows between the control plane's modules, read from its source text.
//!
//! A scan, not a compiler: it sees `crate::` paths and the names of foreign crates. That is how the
//! code is written, and enough to keep it so.

/// Modules that do the work; they do not know each other.
const ENGINES: [&str; 7] = ["setup", "update", "manage", "status", "auth", "access", "support"];

/// The modules that talk HTTP.
const HTTP: &str = "http";

/// What is wired together from both sides and so is above them.
const WIRING: [&str; 3] = ["app", "lib", "main"];

/// The forbidden arrows of one file, given by its path below `src`, as `line: message`.
pub(super) fn forbidden(path: &str, text: &str) -> Vec<String> {
    let from = path.split(['/', '.']).next().unwrap_or_default();
    let engine = ENGINES.contains(&from);
    let mut messages = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let code = line.split("//").next().unwrap_or_default();
        let mut add = |message: String| messages.push(format!("{number}: {message}"));
        for to in crate_paths(code) {
            if engine && (to == HTTP || WIRING.contains(&to)) {
                add(format!("{from} uses {to}: hand it what it needs instead"));
            } else if engine && to != from && ENGINES.contains(&to) {
                add(format!(
                    "{from} uses {to}: engines do not know each other; app.rs joins them"
                ));
            }
        }
        if engine && mentions(code, &["axum"]) {
            add(format!(
                "{from} names axum: engines know no HTTP; convert in http"
            ));
        }
        if from == HTTP && mentions(code, &["kube", "k8s_openapi"]) {
            add("http names kube: ask an engine".to_owned());
        }
    }
    messages
}

/// The first names of the `crate::` paths in a line, those in braces too.
fn crate_paths(code: &str) -> Vec<&str> {
    let starts = code.split("crate::").skip(1);
    let names = starts.flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split(',').map(first_name).collect(),
        None => vec![first_name(rest)],
    });
    names.filter(|name| !name.is_empty()).collect()
}

fn first_name(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Whether a path in `code` begins with one of `names`.
fn mentions(code: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        code.match_indices(name).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':');
            let after = &code[at + name.len()..];
            begins
                && (after.starts_with("::") || after.starts_with(';') && code.trim_start().starts_with("use"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_arrows_are_found_with_their_lines() {
        let cases = [
            (
                "setup/engine.rs",
                "use std::io;\nuse crate::http::error::ApiError;",
                "2: setup uses http",
            ),
            (
                "setup/engine.rs",
                "let x = crate::app::App::new();",
                "1: setup uses app",
            ),
            (
                "setup.rs",
                "use crate::{settings, status::Board};",
                "1: setup uses status",
            ),
            ("auth/mod.rs", "use crate::setup::Run;", "1: auth uses setup"),
            ("auth/mod.rs", "use axum::Json;", "1: auth names axum"),
            (
                "auth/mod.rs",
                "fn f(body: axum::body::Body) {}",
                "1: auth names axum",
            ),
            ("http/setup.rs", "use kube::Client;", "1: http names kube"),
            (
                "http/setup.rs",
                "use k8s_openapi::api::core::v1::Secret;",
                "1: http names kube",
            ),
        ];
        for (path, text, start) in cases {
            let found = forbidden(path, text);
            assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
            assert!(found[0].starts_with(start), "{found:?}");
        }
    }

    #[test]
    fn what_the_guide_allows_is_not_found() {
        let cases = [
            (
                "http/setup.rs",
                "use crate::app::App;\nuse crate::setup::{Run, SetupError};\nuse axum::Json;",
            ),
            (
                "setup/engine.rs",
                "use crate::setup::run::Run;\nuse crate::settings::Settings;\nuse kube::Client;",
            ),
            (
                "setup/engine.rs",
                "// not like crate::http::error, and not axum::Json",
            ),
            (
                "setup/engine.rs",
                "use appliance_common::cluster::Cluster;\nlet my_kube = 1;",
            ),
            ("app.rs", "use crate::{http, setup, status};"),
        ];
        for (path, text) in cases {
            assert_eq!(forbidden(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }
}
