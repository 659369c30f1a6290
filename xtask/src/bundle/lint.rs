//! What must hold of a rendered bundle before it is published (70 §16.2).
//!
//! Each rule looks at plain data and reports findings; none stops at its first.

mod kustomize;
mod objects;
mod releases;
mod values;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::chart::Chart;
use super::lock::Lock;
use super::render::Bundle;

/// The Kustomization that setup applies has this path.
const ROOT: &str = "base";

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File of the bundle.
    pub file: String,
    /// Object and field in it.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.path, self.message)
    }
}

/// The findings so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, file: &str, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding {
            file: file.to_owned(),
            path: path.into(),
            message: message.into(),
        });
    }
}

/// One object of the bundle and the file it is in.
#[derive(Debug, Clone)]
struct Object {
    file: String,
    document: Value,
}

impl Object {
    fn text(&self, pointer: &str) -> &str {
        self.document
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.text("/kind")
    }

    fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `Kind/name`, for findings.
    fn id(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    fn group(&self) -> &str {
        self.text("/apiVersion")
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Names in `spec.dependsOn`.
    fn dependencies(&self) -> Vec<&str> {
        let list = self.document.pointer("/spec/dependsOn").and_then(Value::as_array);
        let entries = list.into_iter().flatten();
        entries.filter_map(|entry| entry.get("name")?.as_str()).collect()
    }
}

/// Every finding in `bundle`, sorted; none means that it may be published. Values are checked
/// against those `charts` that are given.
#[must_use]
pub fn lint(bundle: &Bundle, lock: &Lock, charts: &BTreeMap<String, Chart>) -> Vec<Finding> {
    let mut findings = Findings::default();
    let objects = kustomize::build_all(&bundle.files, &mut findings);
    let profile: Vec<(&str, Value)> = values::parse(bundle, &mut findings);

    objects::versions(&objects, &mut findings);
    objects::identities(&objects, &mut findings);
    objects::namespaces(&objects, &mut findings);
    objects::dependencies(&objects, &mut findings);
    releases::values_exist(&objects, bundle, &mut findings);
    releases::charts_are_locked(&objects, lock, &mut findings);
    releases::failures_are_retried(&objects, &mut findings);
    values::images(&objects, &profile, &mut findings);
    values::secrets(&bundle.files, &mut findings);
    values::hosts(&profile, &mut findings);
    values::crypto(&profile, &mut findings);
    releases::values_fit_charts(&objects, &profile, charts, &mut findings);

    findings.0.sort();
    findings.0.dedup();
    findings.0
}
