//! The stack as the tests use it: started, with Flux and storage installed, and asked until it agrees.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use appliance_tests::stack::Stack;
use appliance_tests::tools::Tools;
use appliance_tests::{apply, flux};
use flate2::{Compression, write::GzEncoder};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use serde_json::Value;

/// Longest time any one condition may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// The whole stack with Flux and storage installed, and a client for its cluster.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) client: Client,
    pub(crate) tools: Tools,
}

impl Scene {
    pub(crate) async fn start() -> Result<Self> {
        let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
        let started = Instant::now();
        let stack = Stack::start(&tools).await?;
        eprintln!("cluster and registry up after {:?}", started.elapsed());
        let client = stack.cluster.client().await?;
        let manifest = std::fs::read_to_string(flux::manifest(&tools)?.path)?;
        apply::yaml(&client, "test", "default", &manifest).await?;
        let storage = include_str!("../../fixtures/cluster/storage.yaml");
        apply::yaml(&client, "test", "default", storage).await?;
        eprintln!("Flux and storage applied after {:?}", started.elapsed());
        Ok(Self { stack, client, tools })
    }

    pub(crate) async fn apply(&self, object: Value) -> Result<()> {
        apply::yaml(&self.client, "test", "default", &object.to_string())
            .await
            .map(drop)
    }

    /// Waits until an object meets a condition, and gives it.
    pub(crate) async fn wait(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        is_met: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &resource(kind));
        let deadline = Instant::now() + LIMIT;
        loop {
            let live = api
                .get_opt(name)
                .await?
                .map(serde_json::to_value)
                .transpose()?
                .unwrap_or_default();
            if is_met(&live) {
                return Ok(live);
            }
            if Instant::now() >= deadline {
                bail!("{kind} {name} is not as expected; status: {}", live["status"]);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub(crate) fn resource(kind: &str) -> ApiResource {
    let (group, version) = match kind {
        "HelmRelease" => ("helm.toolkit.fluxcd.io", "v2"),
        "Kustomization" => ("kustomize.toolkit.fluxcd.io", "v1"),
        _ => ("source.toolkit.fluxcd.io", "v1"),
    };
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

pub(crate) fn ready(object: &Value) -> &Value {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
    ready.unwrap_or(&Value::Null)
}

pub(crate) fn is_ready(object: &Value) -> bool {
    ready(object)["status"] == "True"
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Packs files as Flux does and pushes them; gives the manifest's digest.
pub(crate) async fn push_bundle(host: &str, repository: &str, files: &[(&str, &str)]) -> Result<String> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes())?;
    }
    let content = archive.into_inner()?.finish()?;
    let layer = ImageLayer::new(
        content,
        "application/vnd.cncf.flux.content.v1.tar+gzip".to_owned(),
        None,
    );
    let config = Config::new(
        &b"{}"[..],
        "application/vnd.cncf.flux.config.v1+json".to_owned(),
        None,
    );
    let client = oci_client::Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..Default::default()
    });
    let reference = format!("{host}/{repository}:1.0.0").parse()?;
    client
        .push(&reference, &[layer], config, &RegistryAuth::Anonymous, None)
        .await?;
    Ok(client
        .fetch_manifest_digest(&reference, &RegistryAuth::Anonymous)
        .await?)
}
