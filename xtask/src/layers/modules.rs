//! Arrows between the control plane's modules, read from its source text.
//!
//! A scan, not a compiler: it sees `crate::` paths and the names of foreign crates. That is how the
//! code is written, and enough to keep it so.

/// Modules that do the work; they do not know each other.
const ENGINES: [&str; 9] = [
    "setup",
    "update",
    "manage",
    "status",
    "auth",
    "access",
    "support",
    "workloads",
    "metrics",
];

/// The modules that talk HTTP.
const HTTP: &str = "http";

/// What is wired together from both sides and so is above them.
const WIRING: [&str; 3] = ["app", "lib", "main"];

/// The forbidden arrows of one file, given by its path below `src`, as `line: message`.
pub(super) fn forbidden(path: &str, text: &str) -> Vec<String> {
    let from = path.split(['/', '.']).next().unwrap_or_default();
    let engine = ENGINES.contains(&from);
    let code = without_comments(text);
    let mut found = Vec::new();
    for (line, to) in crate_paths(&code) {
        if engine && (to == HTTP || WIRING.contains(&to)) {
            found.push((line, format!("{from} uses {to}: hand it what it needs instead")));
        } else if engine && to != from && ENGINES.contains(&to) {
            let why = "engines do not know each other; app.rs joins them";
            found.push((line, format!("{from} uses {to}: {why}")));
        }
    }
    for (number, code) in code.lines().enumerate() {
        if engine && mentions(code, &["axum"]) {
            let message = format!("{from} names axum: engines know no HTTP; convert in http");
            found.push((number + 1, message));
        }
        if from == HTTP && mentions(code, &["kube", "k8s_openapi"]) {
            found.push((number + 1, "http names kube: ask an engine".to_owned()));
        }
    }
    found.sort();
    let lines = found.into_iter();
    lines
        .map(|(line, message)| format!("{line}: {message}"))
        .collect()
}

fn without_comments(text: &str) -> String {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// The first names of the `crate::` paths, those in braces too, with their lines.
fn crate_paths(code: &str) -> Vec<(usize, &str)> {
    let mut paths = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => paths.extend(names_in_braces(list).into_iter().map(|name| (line, name))),
            None => paths.push((line, first_name(rest))),
        }
    }
    paths
}

/// The first name of each entry of a list, up to the brace that closes it.
fn names_in_braces(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(first_name(&list[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(first_name(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
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
            (
                "setup.rs",
                "use std::io;\nuse crate::{\n    settings::{Settings, auth},\n    status::Board,\n};",
                "2: setup uses status",
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
