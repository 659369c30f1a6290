//! Publishing, against a real registry; and what is refused before one is asked.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use appliance_common::names::SERVICES;
use appliance_common::release::manifest::ReleaseManifest;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::reference::{Channel, Digest};
use appliance_common::state_file::replace;
use appliance_tests::registry::TestRegistry;
use appliance_tests::tools::Tools;
use serde_json::Value;
use tempfile::TempDir;
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

/// The shipped bundle with the sample pins, and `charts` or the sample charts.
fn options(registry: &str, charts: Option<&Path>) -> Options {
    let mut options = Options::sample(registry.parse().unwrap(), "1.0.0");
    options.sources.charts = charts.map(Path::to_owned);
    options
}

async fn refusal(options: &Options) -> String {
    format!("{:#}", publish(options).await.unwrap_err())
}

#[tokio::test]
async fn sample_pins_stay_on_loopback() {
    let charts = charts();
    let said = refusal(&options("registry.invalid", Some(charts.path()))).await;
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
    let said = refusal(&options("127.0.0.1:1", Some(charts.path()))).await;
    assert!(
        said.contains("the chart temporal is 0.2.0, and the lock pins 0.1.0"),
        "{said}"
    );
}

#[tokio::test]
async fn a_chart_that_is_neither_given_nor_pinned_by_digest_is_refused() {
    let charts = charts();
    fs::remove_dir_all(charts.path().join("temporal")).unwrap();
    let said = refusal(&options("127.0.0.1:1", Some(charts.path()))).await;
    assert!(
        said.contains("temporal is neither in --charts nor pinned by digest"),
        "{said}"
    );
}

#[tokio::test]
async fn a_bundle_with_findings_is_not_published() {
    let charts = charts();
    let mut options = options("127.0.0.1:1", Some(charts.path()));
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
    let said = refusal(&options("127.0.0.1:1", Some(charts.path()))).await;
    assert!(said.contains("asking for 127.0.0.1:1/nine-minds/"), "{said}");
}

async fn registry() -> TestRegistry {
    let tools = tokio::task::spawn_blocking(|| Tools::ensure(&|progress| eprintln!("{progress}")));
    TestRegistry::start(&tools.await.unwrap().unwrap()).await.unwrap()
}

/// One artifact as a stranger to this code pulls it.
struct Pulled {
    digest: Digest,
    manifest: Value,
    config: Vec<u8>,
    layer: Vec<u8>,
}

async fn pull(host: &str, repository: &str, reference: &str) -> Pulled {
    let get = async |path: String| {
        let url = format!("http://{host}/v2/nine-minds/{repository}/{path}");
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let client = reqwest::Client::new();
        let answer = client.get(url).header("accept", accept).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.bytes().await.unwrap().to_vec()
    };
    let bytes = get(format!("manifests/{reference}")).await;
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let blob = |descriptor: &Value| format!("blobs/{}", descriptor["digest"].as_str().unwrap());
    Pulled {
        digest: Digest::of(&bytes),
        config: get(blob(&manifest["config"])).await,
        layer: get(blob(&manifest["layers"][0])).await,
        manifest,
    }
}

fn files_in(archive: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.path().unwrap().display().to_string(), text)
    };
    archive.entries().unwrap().map(read).collect()
}

#[tokio::test]
async fn publishing_twice_gives_the_same_digests() {
    let registry = registry().await;
    let options = options(&registry.host(), None);
    let first = publish(&options).await.unwrap();
    let second = publish(&options).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.charts.len(), 6);
    let by_version = pull(&registry.host(), "alga-appliance-release", "1.0.0").await;
    let by_channel = pull(&registry.host(), "alga-appliance-release", "stable").await;
    assert_eq!(by_version.digest.as_str(), first.release.digest);
    assert_eq!(by_version.digest, by_channel.digest);
}

#[tokio::test]
async fn the_published_manifest_is_one_that_an_appliance_uses() {
    let registry = registry().await;
    let host = registry.host();
    let options = options(&host, None);
    let published = publish(&options).await.unwrap();

    let release = pull(&host, "alga-appliance-release", "stable").await;
    assert_eq!(
        release.manifest["layers"][0]["mediaType"],
        "application/vnd.oci.empty.v1+json"
    );
    assert_eq!(release.layer, b"{}");
    let manifest = ReleaseManifest::from_json(&release.config).unwrap();
    assert_eq!(manifest.declared_channel.as_deref(), Some("stable"));
    let usable = manifest
        .usable(&UsePolicy::for_registry(&options.registry))
        .unwrap();
    assert_eq!(usable.version.as_str(), "1.0.0");
    assert_eq!(usable.config_digest.as_str(), published.config.digest);
    assert_eq!(
        usable.config_repository.as_str(),
        format!("{host}/nine-minds/alga-appliance-config")
    );
    let files: Vec<&str> = usable.values.iter().map(|values| values.file.as_str()).collect();
    let wanted = SERVICES.map(|service| format!("{service}.single-node.yaml"));
    assert_eq!(files, wanted);
}

#[tokio::test]
async fn the_published_bundle_is_what_flux_unpacks() {
    let registry = registry().await;
    let options = options(&registry.host(), None);
    let published = publish(&options).await.unwrap();

    let bundle = pull(
        &registry.host(),
        "alga-appliance-config",
        &published.config.digest,
    )
    .await;
    let media_type = |descriptor: &Value| descriptor["mediaType"].as_str().unwrap().to_owned();
    let config = "application/vnd.cncf.flux.config.v1+json";
    let layer = "application/vnd.cncf.flux.content.v1.tar+gzip";
    assert_eq!(media_type(&bundle.manifest["config"]), config);
    assert_eq!(media_type(&bundle.manifest["layers"][0]), layer);
    assert_eq!(bundle.manifest["layers"].as_array().unwrap().len(), 1);
    let files = files_in(&bundle.layer);
    let repository = &files["base/charts/helm-repository.yaml"];
    let url = format!("oci://{}/nine-minds/charts", registry.host());
    assert!(
        repository.contains(&url) && repository.contains("insecure: true"),
        "{repository}"
    );
    assert!(files.contains_key("base/kustomization.yaml"));
    assert!(
        !files.values().any(|text| text.contains("${")),
        "a placeholder is left"
    );

    let chart = pull(&registry.host(), "charts/sebastian", "0.0.1").await;
    let media = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
    assert_eq!(media_type(&chart.manifest["layers"][0]), media);
    assert!(files_in(&chart.layer).contains_key("sebastian/Chart.yaml"));
}

#[tokio::test]
async fn what_is_published_under_a_version_never_changes() {
    let registry = registry().await;
    let mut options = options(&registry.host(), None);
    let published = publish(&options).await.unwrap();

    options.source_date_epoch = 1;
    let said = refusal(&options).await;
    assert!(said.contains("is published already as sha256:"), "{said}");
    let now = pull(&registry.host(), "alga-appliance-release", "stable").await;
    assert_eq!(
        now.digest.as_str(),
        published.release.digest,
        "the channel stays where it was"
    );
}

#[tokio::test]
async fn the_next_release_comes_with_the_same_charts() {
    let registry = registry().await;
    let mut options = options(&registry.host(), None);
    let first = publish(&options).await.unwrap();
    options.version = "1.0.1".to_owned();
    options.source_date_epoch = 1;
    let next = publish(&options).await.unwrap();
    assert_eq!(next.charts, first.charts);
    let now = pull(&registry.host(), "alga-appliance-release", "stable").await;
    assert_eq!(now.digest.as_str(), next.release.digest);
}

#[tokio::test]
async fn a_release_is_promoted_to_another_channel_as_it_is() {
    let registry = registry().await;
    let mut options = options(&registry.host(), None);
    options.channel = Channel::Nightly;
    let nightly = publish(&options).await.unwrap();
    options.channel = Channel::Stable;
    let stable = publish(&options).await.unwrap();
    assert_eq!(stable.release, nightly.release);
    let now = pull(&registry.host(), "alga-appliance-release", "stable").await;
    assert_eq!(now.digest.as_str(), nightly.release.digest);
}
