//! What a `HelmRelease` asks for, and whether something is to be done about it.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::Deserialize;
use serde_json::Value;

use crate::standins::{REQUESTED_AT, annotation, status};

/// With the same value as [`REQUESTED_AT`]: one attempt even if no retry is left.
const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";

/// With the same value as [`REQUESTED_AT`]: failures so far are forgotten.
const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// Flux's timeout when none is given.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// A release and the object it came from.
pub(super) struct Release<'a> {
    pub(super) object: &'a DynamicObject,
    pub(super) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) chart: Chart,
    pub(super) release_name: Option<String>,
    pub(super) target_namespace: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) values: Option<Value>,
    #[serde(default)]
    pub(super) values_from: Vec<ValuesFrom>,
    #[serde(default)]
    pub(super) install: Action,
    #[serde(default)]
    pub(super) upgrade: Action,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chart {
    pub(super) spec: ChartSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChartSpec {
    pub(super) chart: String,
    pub(super) version: String,
    pub(super) source_ref: NamedObject,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedObject {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValuesFrom {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) values_key: Option<String>,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Action {
    pub(super) create_namespace: bool,
    pub(super) disable_wait: bool,
    pub(super) remediation: Remediation,
    pub(super) strategy: Strategy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Remediation {
    pub(super) retries: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Strategy {
    pub(super) name: String,
}

impl<'a> Release<'a> {
    pub(super) fn of(object: &'a DynamicObject) -> Result<Self> {
        let spec = serde_json::from_value(object.data["spec"].clone());
        Ok(Self {
            object,
            spec: spec.context("reading the spec")?,
        })
    }

    /// Namespace of the `HelmRelease`.
    pub(super) fn namespace(&self) -> String {
        self.object.namespace().unwrap_or_default()
    }

    /// Namespace of what is rendered.
    pub(super) fn target(&self) -> String {
        self.spec
            .target_namespace
            .clone()
            .unwrap_or_else(|| self.namespace())
    }

    /// Helm's name of the release.
    pub(super) fn helm_name(&self) -> String {
        let composed = || match &self.spec.target_namespace {
            Some(target) => format!("{target}-{}", self.object.name_any()),
            None => self.object.name_any(),
        };
        self.spec.release_name.clone().unwrap_or_else(composed)
    }

    /// Revision the next successful attempt gets.
    pub(super) fn next_version(&self) -> i64 {
        self.object.data["status"]["history"][0]["version"]
            .as_i64()
            .unwrap_or_default()
            + 1
    }

    /// `install` or `upgrade`.
    pub(super) fn action(&self) -> (&'static str, &Action) {
        if self.next_version() == 1 {
            ("install", &self.spec.install)
        } else {
            ("upgrade", &self.spec.upgrade)
        }
    }

    /// How long the workloads may take.
    pub(super) fn timeout(&self) -> Duration {
        self.spec
            .timeout
            .as_deref()
            .and_then(duration)
            .unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Whether somebody asked for an attempt though no retry is left.
    pub(super) fn is_forced(&self) -> bool {
        let requested = annotation(self.object, REQUESTED_AT);
        [FORCE_AT, RESET_AT]
            .iter()
            .any(|by| !requested.is_empty() && annotation(self.object, by) == requested)
    }
}

/// What is to be done about a release.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    No,
    Now,
    WaitsFor(String),
}

/// Judges one release among all. `rested` says whether its last failure is long enough ago.
pub(super) fn due(object: &DynamicObject, all: &[DynamicObject], rested: bool) -> Due {
    let status = &object.data["status"];
    if object.data["spec"]["suspend"] == true || object.metadata.deletion_timestamp.is_some() {
        return Due::No;
    }
    let changed = status["observedGeneration"].as_i64() != object.metadata.generation;
    let requested =
        annotation(object, REQUESTED_AT) != status["lastHandledReconcileAt"].as_str().unwrap_or_default();
    let failed = status::is(object, "Ready", "False") && !status::is(object, "Stalled", "True");
    if !(changed || requested || failed) || !rested {
        return Due::No;
    }
    match waits_for(object, all) {
        Some(dependency) => Due::WaitsFor(format!("dependency '{dependency}' is not ready")),
        None => Due::Now,
    }
}

/// The first dependency that is not ready.
fn waits_for(object: &DynamicObject, all: &[DynamicObject]) -> Option<String> {
    let own = object.namespace().unwrap_or_default();
    for dependency in object.data["spec"]["dependsOn"].as_array().into_iter().flatten() {
        let name = dependency["name"].as_str().unwrap_or_default();
        let namespace = dependency["namespace"].as_str().unwrap_or(&own);
        let matches = |other: &&DynamicObject| {
            other.name_any() == name && other.namespace().as_deref() == Some(namespace)
        };
        if !all
            .iter()
            .find(matches)
            .is_some_and(|other| status::is(other, "Ready", "True"))
        {
            return Some(format!("{namespace}/{name}"));
        }
    }
    None
}

/// A Go duration of whole units: `1h30m`, `90s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += amount
            * match &rest[..unit] {
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "m" => Duration::from_mins(1),
                "h" => Duration::from_hours(1),
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(total)
}

#[cfg(test)]
mod tests;
