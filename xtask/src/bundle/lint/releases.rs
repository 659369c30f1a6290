//! Rules over the Helm releases: their values, charts and retries.

use std::collections::BTreeMap;

use appliance_common::names::SERVICES;
use serde_json::Value;

use super::{Findings, Object};
use crate::bundle::chart::Chart;
use crate::bundle::lock::Lock;
use crate::bundle::render::Bundle;

fn releases(objects: &[Object]) -> impl Iterator<Item = &Object> {
    objects.iter().filter(|object| object.kind() == "HelmRelease")
}

/// Exactly the six releases, each with the one `ConfigMap` and key that setup renders for it.
pub(super) fn values_exist(objects: &[Object], bundle: &Bundle, findings: &mut Findings) {
    let profile = bundle.profile_values();
    for name in SERVICES {
        if !releases(objects).any(|release| release.name() == name) {
            findings.add("base/releases", format!("HelmRelease/{name}"), "missing");
        }
    }
    for release in releases(objects) {
        let (id, name) = (release.id(), release.name());
        let mut add =
            |path: &str, message: String| findings.add(&release.file, format!("{id}: {path}"), message);
        if !SERVICES.contains(&name) {
            add("metadata.name", "setup renders no values for it".to_owned());
        }
        let key = format!("{name}.{}.yaml", bundle.profile);
        let sources = release
            .document
            .pointer("/spec/valuesFrom")
            .and_then(Value::as_array);
        let [source] = sources.map_or(&[][..], Vec::as_slice) else {
            add("spec.valuesFrom", "needs exactly one ConfigMap".to_owned());
            continue;
        };
        let is = |field: &str, wanted: &str| source.get(field).and_then(Value::as_str) == Some(wanted);
        let config_map = format!("appliance-values-{name}");
        if !is("kind", "ConfigMap") || !is("name", &config_map) || !is("valuesKey", &key) {
            add(
                "spec.valuesFrom",
                format!("setup writes ConfigMap {config_map:?} with key {key:?}; this reads {source}"),
            );
        }
        if !profile.contains_key(key.as_str()) {
            add(
                "spec.valuesFrom",
                format!("profiles/{}/values/{key} is missing", bundle.profile),
            );
        }
    }
}

/// Each chart comes from the one repository, in the version that the lock pins.
pub(super) fn charts_are_locked(objects: &[Object], lock: &Lock, findings: &mut Findings) {
    for release in releases(objects) {
        let (chart, version) = (
            release.text("/spec/chart/spec/chart"),
            release.text("/spec/chart/spec/version"),
        );
        let mut add = |path: &str, message: String| {
            findings.add(
                &release.file,
                format!("{}: spec.chart.spec.{path}", release.id()),
                message,
            );
        };
        match lock.charts.get(chart) {
            None => add("chart", format!("{chart:?} is not in the lock")),
            Some(pin) if pin.version != version => {
                add(
                    "version",
                    format!("{version:?}, and the lock pins {:?}", pin.version),
                );
            }
            Some(_) => {}
        }
        let source = release.text("/spec/chart/spec/sourceRef/name");
        let known = objects
            .iter()
            .any(|object| object.kind() == "HelmRepository" && object.name() == source);
        if !known {
            add(
                "sourceRef",
                format!("no HelmRepository named {source:?} in the bundle"),
            );
        }
    }
}

/// One transient failure must not wedge a release until somebody looks (W-14).
pub(super) fn failures_are_retried(objects: &[Object], findings: &mut Findings) {
    for release in releases(objects) {
        for action in ["install", "upgrade"] {
            let remediation = release.document.pointer(&format!("/spec/{action}/remediation"));
            let retries = remediation.and_then(|remediation| remediation.get("retries")?.as_i64());
            if retries.unwrap_or(0) == 0 {
                findings.add(
                    &release.file,
                    format!("{}: spec.{action}.remediation.retries", release.id()),
                    "with no retries one time-out stalls it for good: -1 for install, 5 for upgrade",
                );
            }
        }
    }
}

/// Every key of a profile's values is one that its chart has, and of the same shape.
pub(super) fn values_fit_charts(
    objects: &[Object],
    profile: &[(&str, Value)],
    charts: &BTreeMap<String, Chart>,
    findings: &mut Findings,
) {
    for release in releases(objects) {
        let Some(chart) = charts.get(release.text("/spec/chart/spec/chart")) else {
            continue;
        };
        let prefix = format!("{}.", release.name());
        for (file, values) in profile.iter().filter(|(file, _)| file.starts_with(&prefix)) {
            let mut unknown = Vec::new();
            unknown_keys("", values, &chart.values, &mut unknown);
            for path in unknown {
                let chart = release.text("/spec/chart/spec/chart");
                findings.add(file, path, format!("the chart {chart:?} has no such value"));
            }
        }
    }
}

/// Dotted paths in `values` that `defaults` lacks. A default that is null, a list or an empty map
/// takes anything.
fn unknown_keys(at: &str, values: &Value, defaults: &Value, unknown: &mut Vec<String>) {
    let Some(defaults) = defaults.as_object().filter(|map| !map.is_empty()) else {
        if !defaults.is_null() && !defaults.is_array() && !defaults.is_object() && values.is_object() {
            unknown.push(at.to_owned());
        }
        return;
    };
    for (key, value) in values.as_object().into_iter().flatten() {
        let path = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}.{key}")
        };
        match defaults.get(key) {
            Some(default) => unknown_keys(&path, value, default, unknown),
            None => unknown.push(path),
        }
    }
}
