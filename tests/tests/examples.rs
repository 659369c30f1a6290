//! The examples in `docs/examples` are what a real install told; they name what there is today.

use std::path::Path;

use anyhow::{Context, Result};
use appliance_common::preflight::catalogue;
use appliance_control_plane::setup::metadata::MaintenanceMetadata;
use appliance_control_plane::setup::plan::{PLAN, StepId};
use serde_json::Value;

fn example(name: &str) -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/examples")
        .join(name);
    let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|entry| entry["id"].as_str()).collect()
}

#[test]
fn the_plan_has_every_step() -> Result<()> {
    for name in ["plan.json", "plan-blocked.json"] {
        assert_eq!(ids(&example(name)?["steps"]), PLAN.map(StepId::as_str), "{name}");
    }
    Ok(())
}

#[test]
fn the_preflight_report_has_every_check() -> Result<()> {
    let report = example("preflight.json")?;
    let mut found = ids(&report["report"]["checks"]);
    let mut known: Vec<_> = catalogue().map(|check| check.id.as_str()).collect();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known);
    Ok(())
}

#[test]
fn the_metadata_has_the_keys_of_today() -> Result<()> {
    let written = example("maintenance-metadata.json")?;
    let read: MaintenanceMetadata = serde_json::from_value(written.clone())?;
    assert_eq!(serde_json::to_value(read)?, written);
    Ok(())
}
