//! An install from answers to running releases, on a whole stack, and a second one on top of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use appliance_common::names::{PRUNE_ANNOTATION, SERVICES, file};
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::run::Run;
use appliance_tests::flux;
use appliance_tests::stack::Stack;
use appliance_tests::tools::Tools;
use kube::api::{Api, DynamicObject};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use xtask::publish::{Options, Published, publish};

use crate::log::Log;
use crate::objects::{self, Objects, ours, secret_value};
use crate::scene::{PASSWORD, Volume, answers, ended, installed, released, submit, tools};

/// Longest time Flux may take for any one object.
const FLUX_LIMIT: Duration = Duration::from_mins(1);

/// Most requests to the API server in a whole first install, so that another one is noticed. The overview's
/// figure is 60; 48 of these apply an object each, and the storage test (20 §7.9: namespace, claim, Job, volume,
/// log, clean-up, with their watches) makes 15 of all, once for a `StorageClass`.
const MAX_REQUESTS: usize = 73;

/// How a run looks, every ten seconds, whether the API server is there.
const HEARTBEAT: &str = "get /api/v1/namespaces/alga-appliance-control-plane/secrets/setup-seal";

/// What is watched after the hand-over.
const FOLLOWED: [&str; 3] = ["/helmreleases?", "/msp/jobs?", "/msp/deployments?"];

pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) tools: Tools,
    published: Published,
    pub(crate) client: kube::Client,
}

impl Scene {
    pub(crate) async fn start() -> Result<Self> {
        let tools = tools()?;
        let stack = Stack::start(&tools).await?;
        // With the pod's own account, and no right that it does not have.
        stack.cluster.pod_kubeconfig(&["rbac-setup.yaml"]).await?;
        let published = publish(&Options::sample(stack.registry.host().parse()?, "1.0.0")).await;
        Ok(Self {
            published: published.context("publishing")?,
            client: stack.cluster.client().await?,
            stack,
            tools,
        })
    }

    /// A box without a memory of this cluster.
    pub(crate) fn volume(&self) -> Result<Volume> {
        let manifest = flux::manifest(&self.tools)?.path;
        let cluster = &self.stack.cluster;
        Volume::new(
            cluster.issued_to_the_pod(),
            &self.stack.registry.host(),
            Some(manifest),
        )
    }
}

#[tokio::test]
async fn an_install_hands_the_release_to_flux_and_a_second_one_changes_no_secret() -> Result<()> {
    let scene = Scene::start().await?;
    let volume = scene.volume()?;
    let setup = volume.open();
    let log = Log::default();
    // With one subscriber only, a line that another test's thread reaches first would be off for good.
    let _second = tracing::Dispatch::new(log.subscriber("off".parse()?));
    let logging = tracing::subscriber::set_default(log.subscriber("appliance_control_plane=info".parse()?));
    let started = Instant::now();
    let statuses = tokio::spawn(statuses(setup.clone()));
    // Until the first look at the cluster is done, Flux makes nothing of what it was given.
    scene.stack.helm.stall("alga-core");
    submit(&setup, &answers()).await?;
    let view = ended(&setup).await?;
    let state = volume.document(file::INSTALL_STATE)?;
    assert_eq!(view.history.run, Run::Complete, "{state:#}");
    let wall = started.elapsed();
    released(&volume).await?;
    show_the_overhead(wall, &log)?;
    drop(logging);

    assert_eq!(statuses.await??, STATUSES);
    the_state_document_has_the_keys_of_the_contract(&scene, &state);
    the_cluster_has_exactly_the_objects_of_the_contract(&scene).await?;
    the_selection_says_what_is_installed(&scene, &volume)?;
    few_requests_were_made(&scene)?;
    scene.stack.helm.heal("alga-core");
    everything_becomes_ready_in_order(&scene).await?;
    let bootstrap = installed(&setup).await?;
    assert_eq!(
        (bootstrap.attempts, bootstrap.inferred),
        (1, false),
        "{bootstrap:?}"
    );
    assert_eq!(
        volume.document(file::INSTALL_STATE)?["bootstrap"]["state"],
        "complete"
    );
    a_start_after_the_install_asks_only_for_another_job(&scene, &volume).await?;
    a_second_install_changes_no_secret(&scene).await
}

/// The workflow's own share of the time, which the benchmark measures under its conditions.
fn show_the_overhead(wall: Duration, log: &Log) -> Result<()> {
    let text = log.text();
    let ended = text.lines().find(|line| line.contains("setup run ended"));
    let event: Value = serde_json::from_str(ended.context("no summary of the run in the log")?)?;
    let waited = event["fields"]["waited_ms"]
        .as_u64()
        .context("no time of waiting")?;
    let overhead = wall.saturating_sub(Duration::from_millis(waited));
    eprintln!("installed in {wall:?}, of which {overhead:?} were not spent waiting");
    Ok(())
}

/// `status` of the state document, in the order of an install (20 §4, with W17).
const STATUSES: [&str; 16] = [
    "setup-queued",
    "preflight-running",
    "preflight-complete",
    "storage-install-running",
    "storage-install-complete",
    "flux-install-running",
    "flux-install-complete",
    "release-resolve-running",
    "release-resolve-complete",
    "runtime-values-running",
    "runtime-values-complete",
    "release-config-running",
    "flux-source-running",
    "flux-source-complete",
    "release-config-running",
    "release-config-complete",
];

/// Every status that readers see, until the run ends.
async fn statuses(setup: Setup) -> Result<Vec<String>> {
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let mut seen = Vec::new();
    loop {
        let view = views.borrow_and_update().clone();
        if let Some(status) = view
            .document
            .as_ref()
            .and_then(|document| document["status"].as_str())
        {
            seen.push(status.to_owned());
        }
        if matches!(view.history.run, Run::Complete | Run::Blocked { .. }) {
            seen.dedup();
            return Ok(seen);
        }
        views.changed().await?;
    }
}

fn the_state_document_has_the_keys_of_the_contract(scene: &Scene, state: &Value) {
    let host = scene.stack.registry.host();
    let manifest = &scene.published.release.digest;
    assert_eq!(state["phase"], "registry-release-source");
    let tenant = json!({"tenantName": "Example Ltd", "adminEmail": "ada@example.test"});
    assert_eq!(state["setupInputs"]["initialTenant"], tenant);
    assert_eq!(state["preflight"]["release"]["version"], "1.0.0");
    assert_eq!(
        state["preflight"]["ghcr"]["endpoint"],
        format!("http://{host}/v2/")
    );
    assert_eq!(state["flux"]["namespace"], "flux-system");
    assert_eq!(state["release"]["selectedChannel"], "stable");
    assert_eq!(state["release"]["manifestDigest"], *manifest);
    assert_eq!(state["runtimeValues"]["profile"], "single-node");
    assert_eq!(state["fluxSource"]["digest"], scene.published.config.digest);
    assert_eq!(state["releaseSelection"]["selectedReleaseVersion"], "1.0.0");
    assert_eq!(state.get("failure"), None);
    let steps = state["steps"].as_array();
    let is_done = |step: &Value| step["status"] == "done" && step["attempt"] == 1;
    assert_eq!(steps.map(Vec::len), Some(12));
    assert!(steps.is_some_and(|steps| steps.iter().all(is_done)), "{state:#}");
    assert_eq!(state["run"]["attempt"], 1);
}

async fn the_cluster_has_exactly_the_objects_of_the_contract(scene: &Scene) -> Result<()> {
    let objects = ours(&scene.client).await?;
    let names: Vec<_> = objects.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ConfigMap alga-system/appliance-release-selection",
            "ConfigMap alga-system/appliance-values-alga-core",
            "ConfigMap alga-system/appliance-values-email-service",
            "ConfigMap alga-system/appliance-values-pgbouncer",
            "ConfigMap alga-system/appliance-values-temporal",
            "ConfigMap alga-system/appliance-values-temporal-worker",
            "ConfigMap alga-system/appliance-values-workflow-worker",
            "Kustomization flux-system/alga-appliance",
            "Namespace /alga-system",
            "Namespace /appliance-system",
            "Namespace /flux-system",
            "Namespace /msp",
            "OCIRepository flux-system/alga-appliance",
            "Secret alga-appliance-control-plane/setup-seal",
            "Secret appliance-system/appliance-status-auth",
            "Secret msp/alga-psa-shared",
            "Secret msp/appliance-initial-tenant",
            "Secret msp/appliance-license-seed",
        ]
    );
    for namespace in ["msp", "alga-system", "appliance-system"] {
        let live = &objects[&format!("Namespace /{namespace}")];
        assert_eq!(live["metadata"]["annotations"][PRUNE_ANNOTATION], "disabled");
    }
    the_secrets_hold_what_their_readers_expect(&objects)?;
    the_config_maps_hold_values_and_selection(scene, &objects)?;
    the_source_is_pinned_and_the_kustomization_follows_it(scene, &objects);
    Ok(())
}

fn the_source_is_pinned_and_the_kustomization_follows_it(scene: &Scene, objects: &Objects) {
    let config = &scene.published.config;
    let url = config.reference.trim_end_matches(":1.0.0");
    assert_eq!(
        objects["OCIRepository flux-system/alga-appliance"]["spec"]["ref"],
        json!({"digest": config.digest}),
        "a digest and no tag"
    );
    let source = &objects["OCIRepository flux-system/alga-appliance"]["spec"];
    assert_eq!(source["url"], format!("oci://{url}"));
    assert_eq!(
        (&source["interval"], &source["insecure"]),
        (&json!("1m0s"), &json!(true))
    );
    let kustomization = &objects["Kustomization flux-system/alga-appliance"]["spec"];
    let wanted = [
        ("interval", json!("5m0s")),
        ("path", json!("./base")),
        ("prune", json!(true)),
        (
            "sourceRef",
            json!({"kind": "OCIRepository", "name": "alga-appliance"}),
        ),
    ];
    for (key, value) in wanted {
        assert_eq!(kustomization[key], value, "{key}");
    }
}

fn the_secrets_hold_what_their_readers_expect(objects: &Objects) -> Result<()> {
    let tenant = &objects["Secret msp/appliance-initial-tenant"];
    let keys = |object: &Value| -> Vec<String> {
        let data = object["data"].as_object();
        data.map(|data| data.keys().cloned().collect())
            .unwrap_or_default()
    };
    assert_eq!(
        keys(tenant),
        [
            "INITIAL_ADMIN_EMAIL",
            "INITIAL_ADMIN_FIRST_NAME",
            "INITIAL_ADMIN_LAST_NAME",
            "INITIAL_ADMIN_PASSWORD",
            "INITIAL_ADMIN_PASSWORD_HASH",
            "INITIAL_TENANT_ID",
            "INITIAL_TENANT_NAME",
        ]
    );
    assert_eq!(secret_value(tenant, "INITIAL_ADMIN_PASSWORD")?, PASSWORD);
    assert_eq!(secret_value(tenant, "INITIAL_TENANT_NAME")?, "Example Ltd");
    assert_eq!(secret_value(tenant, "INITIAL_ADMIN_EMAIL")?, "ada@example.test");
    let hash = secret_value(tenant, "INITIAL_ADMIN_PASSWORD_HASH")?;
    assert!(hash.starts_with("$pbkdf2-sha512$i=210000,l=64$"), "{hash}");
    let seed = &objects["Secret msp/appliance-license-seed"];
    assert_eq!(keys(seed), ["EDITION_CHOICE"]);
    assert_eq!(secret_value(seed, "EDITION_CHOICE")?, "ee");
    let key = &objects["Secret msp/alga-psa-shared"];
    assert_eq!(keys(key), ["ALGA_AUTH_KEY"]);
    assert_eq!(
        secret_value(key, "ALGA_AUTH_KEY")?.len(),
        43,
        "32 bytes, unpadded"
    );
    let token = &objects["Secret appliance-system/appliance-status-auth"];
    assert_eq!(keys(token), ["token"]);
    for secret in objects.iter().filter(|(name, _)| name.starts_with("Secret")) {
        assert_eq!(secret.1["type"], "Opaque", "{}", secret.0);
        assert_eq!(secret.1["metadata"].get("annotations"), None, "{}", secret.0);
    }
    Ok(())
}

fn the_config_maps_hold_values_and_selection(scene: &Scene, objects: &Objects) -> Result<()> {
    for service in SERVICES {
        let data = objects[&format!("ConfigMap alga-system/appliance-values-{service}")]["data"].as_object();
        let keys = data.map(|data| data.keys().cloned().collect::<Vec<_>>());
        assert_eq!(keys.unwrap_or_default(), [format!("{service}.single-node.yaml")]);
    }
    let core = &objects["ConfigMap alga-system/appliance-values-alga-core"]["data"];
    let core = core["alga-core.single-node.yaml"].as_str().unwrap_or_default();
    assert!(
        core.contains("# Setup puts the operator's address here."),
        "comments stay"
    );
    let core: Value = serde_saphyr::from_str(core)?;
    for (path, value) in [
        ("/bootstrap/mode", "recover"),
        ("/appUrl", "https://psa.example.test"),
        ("/host", "psa.example.test"),
        ("/domainSuffix", ""),
        ("/setup/image/tag", "sample-core"),
        ("/server/image/tag", "sample-core"),
    ] {
        assert_eq!(core.pointer(path), Some(&value.into()), "{path}");
    }
    assert_eq!(
        objects["ConfigMap alga-system/appliance-release-selection"]["data"],
        json!({
            "releaseVersion": "1.0.0", "selectedChannel": "stable", "appVersion": "1.0.0",
            "registryHost": scene.stack.registry.host(), "repository": "nine-minds/alga-appliance-release",
            "manifestDigest": scene.published.release.digest,
            "algaCoreTag": "sample-core", "workflowWorkerTag": "sample-workflow",
            "emailServiceTag": "sample-email", "temporalWorkerTag": "sample-temporal",
            "controlPlaneTag": format!(
                "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:{}", "1".repeat(64)
            ),
            "supportAgent": format!("ghcr.io/nine-minds/alga-appliance-support-agent@sha256:{}", "2".repeat(64)),
            "releaseRef": "", "previousReleaseVersion": "", "previousManifestDigest": "",
        })
    );
    Ok(())
}

fn the_selection_says_what_is_installed(scene: &Scene, volume: &Volume) -> Result<()> {
    let mut selection = volume.document(file::RELEASE_SELECTION)?;
    let installed_at = selection["installedAt"].take();
    let updated_at = selection["updatedAt"].take();
    assert!(
        installed_at.is_string() && updated_at == installed_at,
        "{installed_at} {updated_at}"
    );
    let expected = json!({
        "schemaVersion": 1, "updatedAt": null, "installedAt": null,
        "selectedChannel": "stable", "selectedReleaseVersion": "1.0.0",
        "registryHost": scene.stack.registry.host(), "repository": "nine-minds/alga-appliance-release",
        "manifestDigest": scene.published.release.digest, "configDigest": scene.published.config.digest,
        "supportAgent": format!("ghcr.io/nine-minds/alga-appliance-support-agent@sha256:{}", "2".repeat(64)),
        "runtime": {"appHostname": "https://psa.example.test", "dnsMode": "system", "dnsServers": ""},
    });
    assert_eq!(selection, expected);
    let backup = volume.document("release-selection.json.bak")?;
    assert_eq!(backup["manifestDigest"], expected["manifestDigest"]);
    assert_eq!(
        backup.get("installedAt"),
        None,
        "it is the state before Flux was told"
    );
    let metadata = volume.document(file::MAINTENANCE_METADATA)?;
    assert_eq!(metadata["app"]["selectedReleaseVersion"], "1.0.0");
    assert_eq!(
        metadata["app"]["lastKnownInstallStatus"],
        "release-config-complete"
    );
    assert_eq!(metadata["app"]["lastAppUpdateAt"], Value::Null);
    let inputs = volume.document(file::SETUP_INPUTS)?;
    assert_eq!(inputs.get("sealed"), None, "no secret is needed any more");
    Ok(())
}

fn few_requests_were_made(scene: &Scene) -> Result<()> {
    let requests = scene.stack.cluster.requests_of("alga-appliance/")?;
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.verb, request.uri))
        // What follows the release after the hand-over is no part of the install.
        .filter(|line| !FOLLOWED.iter().any(|followed| line.contains(followed)))
        .filter(|line| !line.starts_with(HEARTBEAT))
        .collect();
    eprintln!("{} requests to the API server", lines.len());
    assert!(
        !lines.is_empty() && lines.len() <= MAX_REQUESTS,
        "{}\n{lines:#?}",
        lines.len()
    );
    Ok(())
}

async fn everything_becomes_ready_in_order(scene: &Scene) -> Result<()> {
    let mut since = Vec::new();
    for name in ["alga-appliance", "alga-platform", "alga-core", "alga-background"] {
        since.push(ready(scene, "Kustomization", "flux-system", name).await?);
    }
    assert!(since[1..].is_sorted(), "{since:?}");
    for name in SERVICES {
        ready(scene, "HelmRelease", "alga-system", name).await?;
    }
    Ok(())
}

/// Waits until an object is Ready, and gives since when.
async fn ready(scene: &Scene, kind: &str, namespace: &str, name: &str) -> Result<String> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(scene.client.clone(), namespace, &objects::resource(kind)?);
    let condition = |object: &DynamicObject| {
        let conditions = object.data["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        (ready["status"] == "True").then(|| ready["lastTransitionTime"].as_str().map(str::to_owned))?
    };
    let is_ready = |object: Option<&DynamicObject>| object.is_some_and(|object| condition(object).is_some());
    let waited = tokio::time::timeout(FLUX_LIMIT, await_condition(api, name, is_ready)).await;
    let live = waited.with_context(|| format!("{kind} {name} is not Ready"))??;
    live.as_ref().and_then(condition).context("no time of transition")
}

async fn a_start_after_the_install_asks_only_for_another_job(scene: &Scene, volume: &Volume) -> Result<()> {
    let requests = || scene.stack.cluster.requests_of("alga-appliance/");
    let before = requests()?.len();
    let setup = volume.open();
    setup.resume();
    tokio::task::yield_now().await;
    released(volume).await?;
    assert_eq!(
        setup.view().map(|view| view.history.run.clone()),
        Ok(Run::Complete)
    );
    let about_the_job = |line: &String| line.contains("alga-core-sebastian-bootstrap");
    let asked = requests()?.split_off(before);
    let asked = asked
        .into_iter()
        .map(|request| format!("{} {}", request.verb, request.uri));
    let others: Vec<_> = asked.filter(|line| !about_the_job(line)).collect();
    assert!(others.is_empty(), "{others:#?}");
    Ok(())
}

async fn a_second_install_changes_no_secret(scene: &Scene) -> Result<()> {
    let before = ours(&scene.client).await?;
    let volume = scene.volume()?;
    let setup = volume.open();
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    installed(&setup).await?;
    let after = ours(&scene.client).await?;
    let (mut secrets, mut expected) = (objects::secrets(&after), objects::secrets(&before));
    // The new answers bring the cleartext password back until the Job is seen complete again.
    for seen in [&mut secrets, &mut expected] {
        let tenant = seen.get_mut("Secret msp/appliance-initial-tenant");
        tenant.context("no tenant")?[1].take();
    }
    assert_eq!(secrets, expected);
    assert_eq!(objects::lasting(&after), objects::lasting(&before));
    Ok(())
}
