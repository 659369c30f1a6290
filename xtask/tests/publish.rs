//! What is refused before a registry is asked.

#![cfg(test)]

use std::fs;
use std::path::Path;

use appliance_common::release::reference::Channel;
use appliance_common::state_file::replace;
use tempfile::TempDir;
use xtask::bundle::Sources;
use xtask::publish::{Options, publish};

const CHARTS: [(&str, &str); 6] = [
    ("sebastian", "0.0.1"),
    ("pgbouncer", "0.1.0"),
    ("temporal", "0.1.0"),
    ("temporal-worker", "0.1.0"),
    ("workflow-worker", "0.1.0"),
    ("email-service", "0.1.0"),
];

/// Six charts that render nothing.
fn charts() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, version) in CHARTS {
        let text = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        write(&dir.path().join(name).join("Chart.yaml"), &text);
    }
    dir
}

fn write(path: &Path, text: &str) {
    replace(path, text.as_bytes(), 0o644).unwrap();
}

fn options(registry: &str, charts: &Path) -> Options {
    Options {
        registry: registry.parse().unwrap(),
        channel: Channel::Stable,
        version: "1.0.0".to_owned(),
        sources: Sources {
            charts: Some(charts.to_owned()),
            lock: Some(xtask::root().join("tests/fixtures/release.lock.toml")),
            flux: None,
        },
        source_date_epoch: 0,
        username: None,
        password_file: None,
        json: false,
    }
}

async fn refusal(options: &Options) -> String {
    format!("{:#}", publish(options).await.unwrap_err())
}

#[tokio::test]
async fn sample_pins_stay_on_loopback() {
    let charts = charts();
    let said = refusal(&options("registry.invalid", charts.path())).await;
    assert!(
        said.contains("sample pins, which may not go to registry.invalid"),
        "{said}"
    );
}

#[tokio::test]
async fn a_chart_that_is_not_what_the_lock_pins_is_refused() {
    let charts = charts();
    let chart = charts.path().join("temporal/Chart.yaml");
    write(&chart, "apiVersion: v2\nname: temporal\nversion: 0.2.0\n");
    let said = refusal(&options("127.0.0.1:1", charts.path())).await;
    assert!(
        said.contains("the chart temporal is 0.2.0, and the lock pins 0.1.0"),
        "{said}"
    );
}

#[tokio::test]
async fn a_chart_that_is_neither_given_nor_pinned_by_digest_is_refused() {
    let charts = charts();
    fs::remove_dir_all(charts.path().join("temporal")).unwrap();
    let said = refusal(&options("127.0.0.1:1", charts.path())).await;
    assert!(
        said.contains("temporal is neither in --charts nor pinned by digest"),
        "{said}"
    );
}

#[tokio::test]
async fn a_bundle_with_findings_is_not_published() {
    let charts = charts();
    let mut options = options("127.0.0.1:1", charts.path());
    let flux = tempfile::tempdir().unwrap();
    let shipped = xtask::bundle::read_tree(&xtask::root().join("flux"), &["base", "profiles"]).unwrap();
    for (path, text) in shipped {
        write(
            &flux.path().join(path),
            &text.replace("retries: -1", "retries: 0"),
        );
    }
    options.sources.flux = Some(flux.path().to_owned());
    let said = refusal(&options).await;
    assert!(said.contains("the bundle has 6 findings"), "{said}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named() {
    let charts = charts();
    let said = refusal(&options("127.0.0.1:1", charts.path())).await;
    assert!(said.contains("127.0.0.1:1/nine-minds/charts/"), "{said}");
}
