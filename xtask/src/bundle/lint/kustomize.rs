//! Builds the bundle's kustomizations as Flux does, with resources outside their root allowed.
//!
//! The bundle uses `resources` and nothing else of kustomize, so that is all this knows; another
//! field is a finding, not a silent difference from the real build.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Findings, Object, ROOT};
use crate::bundle::Files;

/// Fields of a `kustomization.yaml` that this build understands.
const KNOWN: [&str; 3] = ["apiVersion", "kind", "resources"];

/// The objects of the root kustomization and of every Flux Kustomization in it.
pub(super) fn build_all(files: &Files, findings: &mut Findings) -> Vec<Object> {
    let mut build = Build {
        files,
        findings,
        used: BTreeSet::new(),
    };
    let mut objects = build.directory(ROOT, &mut Vec::new());
    let children = objects
        .iter()
        .filter(|object| object.group() == "kustomize.toolkit.fluxcd.io");
    let paths: Vec<(String, String)> = children
        .map(|child| (child.file.clone(), child.text("/spec/path").to_owned()))
        .collect();
    for (file, path) in paths {
        match join("", &path) {
            Some(dir) => objects.extend(build.directory(&dir, &mut Vec::new())),
            None => build
                .findings
                .add(&file, "spec.path", format!("{path:?} leaves the bundle")),
        }
    }
    build.report_unused();
    objects
}

struct Build<'a> {
    files: &'a Files,
    findings: &'a mut Findings,
    used: BTreeSet<String>,
}

impl Build<'_> {
    fn directory(&mut self, dir: &str, open: &mut Vec<String>) -> Vec<Object> {
        let file = format!("{dir}/kustomization.yaml");
        let Some(text) = self.files.get(&file) else {
            self.findings
                .add(&file, "resources", "no such kustomization in the bundle");
            return Vec::new();
        };
        if open.iter().any(|parent| parent == dir) {
            self.findings.add(&file, "resources", "it includes itself");
            return Vec::new();
        }
        self.used.insert(file.clone());
        let resources = self.resources(&file, text);
        open.push(dir.to_owned());
        let mut objects = Vec::new();
        for resource in resources {
            objects.extend(self.resource(dir, &file, &resource, open));
        }
        open.pop();
        objects
    }

    fn resources(&mut self, file: &str, text: &str) -> Vec<String> {
        let document: Value = match serde_saphyr::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                self.findings.add(file, "", format!("not YAML: {error}"));
                return Vec::new();
            }
        };
        let fields = document.as_object().into_iter().flatten();
        for (field, _) in fields.filter(|(field, _)| !KNOWN.contains(&field.as_str())) {
            self.findings.add(
                file,
                field,
                "the bundle's kustomizations list resources and nothing else",
            );
        }
        let resources = document.get("resources").and_then(Value::as_array);
        let texts = resources.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    fn resource(&mut self, dir: &str, file: &str, resource: &str, open: &mut Vec<String>) -> Vec<Object> {
        let Some(path) = join(dir, resource) else {
            self.findings
                .add(file, "resources", format!("{resource:?} leaves the bundle"));
            return Vec::new();
        };
        if self.files.contains_key(&path) {
            self.used.insert(path.clone());
            return self.objects(&path);
        }
        if self.files.contains_key(&format!("{path}/kustomization.yaml")) {
            return self.directory(&path, open);
        }
        self.findings
            .add(file, "resources", format!("{resource:?} is not in the bundle"));
        Vec::new()
    }

    fn objects(&mut self, file: &str) -> Vec<Object> {
        match serde_saphyr::from_multiple::<Value>(&self.files[file]) {
            Ok(documents) => documents
                .into_iter()
                .map(|document| Object {
                    file: file.to_owned(),
                    document,
                })
                .collect(),
            Err(error) => {
                self.findings.add(file, "", format!("not YAML: {error}"));
                Vec::new()
            }
        }
    }

    fn report_unused(&mut self) {
        let prefix = format!("{ROOT}/");
        for file in self.files.keys().filter(|file| file.starts_with(&prefix)) {
            if !self.used.contains(file) {
                self.findings
                    .add(file, "", "no kustomization uses it: list it or delete it");
            }
        }
    }
}

/// `relative` below `dir`, with `.` and `..` resolved; `None` when it leaves the bundle.
fn join(dir: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
