//! The sample charts: the application's names and shapes, images that nothing ever pulls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use crate::helm::Helm;
use crate::tools::Tools;

/// The charts by name, with their versions.
pub const CHARTS: [(&str, &str); 6] = [
    ("sebastian", "0.0.1"),
    ("pgbouncer", "0.1.0"),
    ("temporal", "0.1.0"),
    ("email-service", "0.1.0"),
    ("workflow-worker", "0.1.0"),
    ("temporal-worker", "0.1.0"),
];

/// Directory of a chart's source.
#[must_use]
pub fn source(chart: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/charts")
        .join(chart)
}

/// Packs every chart and pushes it to `oci://<target>/<chart>:<version>` over plain HTTP, `target` being
/// the loopback registry and a prefix. Gives each chart's manifest digest.
///
/// # Errors
/// `helm` or the registry refuses a chart.
pub async fn push_all(tools: &Tools, target: &str) -> Result<BTreeMap<String, String>> {
    let helm = Helm::new(tools)?;
    let protocol = ClientProtocol::HttpsExcept(vec![target.split('/').next().unwrap_or(target).to_owned()]);
    let registry = Client::new(ClientConfig {
        protocol,
        ..ClientConfig::default()
    });
    let mut digests = BTreeMap::new();
    for (chart, version) in CHARTS {
        let packed = helm.file(&format!("{chart}-{version}.tgz")).display().to_string();
        let to = helm.file("").display().to_string();
        let package = vec![
            "package".to_owned(),
            source(chart).display().to_string(),
            "-d".to_owned(),
            to,
        ];
        helm.run(chart, package)
            .await
            .with_context(|| format!("packing chart {chart}"))?;
        let push = ["push", &packed, &format!("oci://{target}"), "--plain-http"].map(str::to_owned);
        helm.run(chart, push.into())
            .await
            .with_context(|| format!("pushing chart {chart}"))?;
        let reference = format!("{target}/{chart}:{version}");
        let reference: Reference = reference.parse().with_context(|| format!("naming {reference}"))?;
        let digest = registry
            .fetch_manifest_digest(&reference, &RegistryAuth::Anonymous)
            .await;
        digests.insert(
            chart.to_owned(),
            digest.with_context(|| format!("asking for {reference}"))?,
        );
    }
    Ok(digests)
}
