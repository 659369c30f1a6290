//! A box with an installed application, as far as managing it needs one, and an operator who is signed in.
//!
//! Names in the cluster are fixed, so tests take turns on one cluster, and each begins by taking away what
//! the one before left.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use appliance_common::clock::Clock;
use appliance_common::state_file::replace;
use appliance_control_plane::App;
use appliance_control_plane::http::{Front, Limits};
use appliance_control_plane::settings::Settings;
use appliance_tests::apply;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Longest time any condition may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
const TOKEN: &str = "4821-0937-5566-1203-9987";
/// The management password.
pub(crate) const PASSWORD: &str = "M4nage-canary!Xq";
const HOST: &str = "192.0.2.10:8080";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 50));
const NAMESPACES: [&str; 3] = ["msp", "alga-system", "alga-appliance-control-plane"];

pub(crate) const CORE_VALUES: &str =
    "# the address\nappUrl: https://old.example # c\nhost: old.example\ndomainSuffix: lan\nreplicas: 1\n";
pub(crate) const WORKER_VALUES: &str =
    "applicationUrl: http://core.msp:3000\npublicBaseUrl: https://old.example\n";

/// The box.
pub(crate) struct Scene {
    pub(crate) cluster: MutexGuard<'static, TestCluster>,
    pub(crate) client: Client,
    pub(crate) dir: TempDir,
    pub(crate) app: App,
    front: Front,
    cookie: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }
}

impl Scene {
    /// A box whose application runs.
    pub(crate) async fn start() -> Result<Self> {
        Self::with_image("alga.test/app:1", "127.0.0.1:1").await
    }

    /// One whose application has this image, and which asks this registry.
    pub(crate) async fn with_image(image: &str, registry: &str) -> Result<Self> {
        let cluster = lease().await?;
        let client = cluster.client().await?;
        let dir = tempfile::tempdir()?;
        replace(
            &dir.path().join("setup-token"),
            format!("{TOKEN}\n").as_bytes(),
            0o600,
        )?;
        let app = open(&dir, &cluster, registry)?;
        let mut scene = Self {
            front: Front::new(app.clone()),
            cookie: String::new(),
            cluster,
            client,
            dir,
            app,
        };
        scene.clear().await?;
        scene.install(image, registry).await?;
        scene.sign_in().await?;
        Ok(scene)
    }

    /// The same box after its process was killed and started again; its operator signs in anew.
    pub(crate) async fn restarted(&mut self, registry: &str) -> Result<()> {
        self.app = open(&self.dir, &self.cluster, registry)?;
        self.front = Front::new(self.app.clone());
        let answer = self
            .send(
                Method::POST,
                "/api/auth/login",
                Some(json!({"password": PASSWORD})),
            )
            .await?;
        self.keep_cookie(answer.1)
    }

    async fn sign_in(&mut self) -> Result<()> {
        let body = json!({"token": TOKEN, "password": PASSWORD});
        let (_, cookie) = self
            .send(Method::POST, "/api/auth/set-password", Some(body))
            .await?;
        self.keep_cookie(cookie)
    }

    fn keep_cookie(&mut self, cookie: Option<String>) -> Result<()> {
        self.cookie = cookie.context("no session")?;
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        Ok(self.send(Method::GET, path, None).await?.0)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        Ok(self.send(Method::POST, path, Some(body)).await?.0)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(Answer, Option<String>)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("cookie", &self.cookie)
            .header("content-type", "application/json")
            .body(Full::new(
                body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
            ))?;
        let (parts, body) = self.front.clone().answer(request, PEER).await.into_parts();
        let text = body.collect().await?.to_bytes();
        let cookies = parts
            .headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
        let mut session = pairs.filter(|pair| pair.starts_with("alga_appliance_session="));
        let cookie = session.next_back().map(str::to_owned);
        let answer = Answer {
            status: parts.status,
            body: serde_json::from_slice(&text).unwrap_or_default(),
        };
        Ok((answer, cookie))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, document: &Value) -> Result<()> {
        Ok(replace(&self.path(name), document.to_string().as_bytes(), 0o600)?)
    }

    pub(crate) fn document(&self, name: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(self.path(name))?)?)
    }

    pub(crate) fn audit(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.path("audit.log"))?)
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) fn releases(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), "alga-system", &helm_releases())
    }

    pub(crate) async fn apply(&self, object: &Value) -> Result<()> {
        apply::yaml(&self.client, "test", "default", &object.to_string()).await?;
        Ok(())
    }

    /// The text of a value of a Secret.
    pub(crate) async fn secret(&self, name: &str, key: &str) -> Result<Option<String>> {
        let secret = self.api::<Secret>("msp").get(name).await?;
        let value = secret.data.unwrap_or_default().remove(key);
        Ok(value.map(|value| String::from_utf8_lossy(&value.0).into_owned()))
    }

    /// Waits until a condition holds.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let waiting = async {
            while !holds().await? {
                tokio::time::sleep(POLL).await;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(LIMIT, waiting).await {
            Ok(result) => result,
            Err(_) => bail!("not so: {what}"),
        }
    }

    /// What a script of the application says next, and how it ends.
    pub(crate) fn script(&self, name: &str, stdout: &str, exit: u8) -> Result<()> {
        let place = |extension: &str| self.application().join(format!("{name}.{extension}"));
        replace(&place("stdout"), stdout.as_bytes(), 0o600)?;
        replace(&place("exit"), exit.to_string().as_bytes(), 0o600)?;
        Ok(())
    }

    /// A file of the application's scripts: `.stdin` and `.argv` of the last run, `.runs` one letter a run.
    pub(crate) fn of_script(&self, name: &str, extension: &str) -> String {
        let path = self.application().join(format!("{name}.{extension}"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    pub(crate) fn application(&self) -> PathBuf {
        self.cluster.dir().join("application")
    }

    /// Takes away what the test before left.
    async fn clear(&self) -> Result<()> {
        for namespace in NAMESPACES {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            self.apply(&object).await?;
            self.empty::<Deployment>(namespace).await?;
            self.empty::<Job>(namespace).await?;
            self.empty::<Secret>(namespace).await?;
        }
        let values = self.api::<ConfigMap>("alga-system");
        for name in ["appliance-values-alga-core", "appliance-values-temporal-worker"] {
            let _ = values.delete(name, &DeleteParams::default()).await;
        }
        let all = ListParams::default();
        self.releases()
            .delete_collection(&DeleteParams::default(), &all)
            .await?;
        for namespace in NAMESPACES {
            let pods = self.api::<Pod>(namespace);
            self.until("no pods", async || Ok(pods.list(&all).await?.items.is_empty()))
                .await?;
        }
        let _ = std::fs::remove_dir_all(self.application());
        std::fs::create_dir_all(self.application())?;
        Ok(())
    }

    async fn empty<K>(&self, namespace: &str) -> Result<()>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api = self.api::<K>(namespace);
        api.delete_collection(&DeleteParams::background(), &ListParams::default())
            .await?;
        self.until("emptied", async || {
            Ok(api.list(&ListParams::default()).await?.items.is_empty())
        })
        .await
    }

    async fn install(&self, image: &str, registry: &str) -> Result<()> {
        let program = include_bytes!("../../fixtures/application/node");
        replace(&self.cluster.programs().join("node"), program, 0o700)?;
        self.apply(&deployment("msp", "alga-core-sebastian", "sebastian", image))
            .await?;
        self.apply(&secret("appliance-initial-tenant", &json!({
            "INITIAL_ADMIN_EMAIL": "Ada@Example.test ", "INITIAL_TENANT_ID": "5c3f3a52-0000-4000-8000-000000000001",
        })))
        .await?;
        for (service, values) in [("alga-core", CORE_VALUES), ("temporal-worker", WORKER_VALUES)] {
            self.apply(&json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("appliance-values-{service}"), "namespace": "alga-system"},
                "data": {format!("{service}.single-node.yaml"): values, "a.other": "kept"},
            }))
            .await?;
            self.apply(&json!({
                "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
                "metadata": {"name": service, "namespace": "alga-system"}, "spec": {"interval": "10m"},
            }))
            .await?;
        }
        self.write("release-selection.json", &selection(registry))?;
        self.ready("msp").await
    }

    /// Waits until the pods of a namespace are ready.
    pub(crate) async fn ready(&self, namespace: &str) -> Result<()> {
        let pods = self.api::<Pod>(namespace);
        self.until("the pod is ready", async || {
            let pods = pods.list(&ListParams::default()).await?.items;
            Ok(!pods.is_empty()
                && pods.iter().all(|pod| {
                    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                    phase == Some("Running")
                }))
        })
        .await
    }
}

/// The record of an installed release.
pub(crate) fn selection(registry: &str) -> Value {
    json!({
        "schemaVersion": 1, "updatedAt": "2026-01-01T00:00:00.000Z", "selectedChannel": "stable",
        "selectedReleaseVersion": "1.0.0", "registryHost": registry,
        "repository": "nine-minds/alga-appliance-release",
        "manifestDigest": format!("sha256:{}", "a".repeat(64)), "supportAgent": null,
        "installedAt": "2026-01-01T00:00:00.000Z", "future": {"kept": true},
        "runtime": {"appHostname": "https://old.example", "dnsMode": "system", "dnsServers": "", "note": 1},
    })
}

pub(crate) fn deployment(namespace: &str, name: &str, container: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"automountServiceAccountToken": false, "containers": [{
                "name": container, "image": image, "env": [{"name": "DB_HOST", "value": "db"}],
            }]},
        }},
    })
}

pub(crate) fn secret(name: &str, values: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "msp"},
        "type": "Opaque", "stringData": values,
    })
}

fn helm_releases() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(
        "helm.toolkit.fluxcd.io",
        "v2",
        "HelmRelease",
    ))
}

fn open(dir: &TempDir, cluster: &TestCluster, registry: &str) -> Result<App> {
    let path = |name: &str| dir.path().join(name).display().to_string();
    let mut args = vec!["appliance-control-plane".to_owned()];
    for (flag, value) in [
        // What running needs, and nothing of what setup needs.
        ("--kubeconfig", cluster.issued_to_the_pod().display().to_string()),
        ("--registry-host", registry.to_owned()),
        ("--token-file", path("setup-token")),
        ("--admin-credential-file", path("admin-ui-credential.json")),
        ("--session-secret-file", path("session-secret")),
        ("--state-file", path("install-state.json")),
        ("--setup-inputs-file", path("setup-inputs.json")),
        ("--release-selection-file", path("release-selection.json")),
        ("--host-agent-socket", path("host-agent.sock")),
        ("--kubectl-api-timeout-ms", "5000".to_owned()),
    ] {
        args.extend([flag.to_owned(), value]);
    }
    Ok(App::open(
        Settings::read(args)?,
        Clock::system(),
        Limits::default(),
    ))
}

/// The cluster, for one test at a time; whatever the last one did to it is mended first.
async fn lease() -> Result<MutexGuard<'static, TestCluster>> {
    static CLUSTER: OnceCell<Mutex<TestCluster>> = OnceCell::const_new();
    let cluster = CLUSTER
        .get_or_try_init(|| async { anyhow::Ok(Mutex::new(prepared().await?)) })
        .await?;
    let mut cluster = cluster.lock().await;
    if cluster.resume_api().is_err() {
        cluster.start_api().await?;
    }
    Ok(cluster)
}

async fn prepared() -> Result<TestCluster> {
    let tools = tools()?;
    let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
    let client = cluster.client().await?;
    let definition = include_str!("../../fixtures/flux/helmrelease-crd.yaml");
    apply::yaml(&client, "test", "default", definition).await?;
    // Its kind is served a moment later.
    let releases = Api::<DynamicObject>::all_with(client, &helm_releases());
    let served = async {
        while releases.list(&ListParams::default()).await.is_err() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(LIMIT, served)
        .await
        .context("HelmReleases are not served")?;
    for name in ["msp", "alga-system", "appliance-system", "flux-system"] {
        let object = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}");
        apply::yaml(&cluster.client().await?, "test", "default", &object).await?;
    }
    cluster.pod_kubeconfig(&["rbac-application.yaml"]).await?;
    Ok(cluster)
}

pub(crate) fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

/// Names of what is there.
pub(crate) async fn names<K>(api: &Api<K>) -> Result<Vec<String>>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Resource<DynamicType = ()>,
{
    let found = api.list(&ListParams::default()).await?;
    Ok(found.items.iter().map(ResourceExt::name_any).collect())
}
