//! A first boot, a second one, one that is killed all the way through, and ones that cannot go on.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::host::{BootPhase, BootStepState};
use appliance_common::names::{BAKED_IMAGE, CONTROL_PLANE_WORKLOAD, namespace};
use appliance_common::state_file;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::standins::systemd::Systemd;
use appliance_tests::tools::Tools;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use tokio::time::{Instant, sleep};

use crate::scene::{Scene, said};

/// Longest time one run may take.
const LIMIT: Duration = Duration::from_mins(2);
/// How often the record is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const DIGEST_IMAGE: &str = "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

async fn images(cluster: &TestCluster) -> Result<Vec<String>> {
    let deployments = Api::<Deployment>::namespaced(cluster.client().await?, namespace::CONTROL_PLANE);
    let live = deployments.get(CONTROL_PLANE_WORKLOAD).await?;
    let pod = live.spec.and_then(|spec| spec.template.spec).context("a pod")?;
    let all = pod.containers.iter().chain(pod.init_containers.iter().flatten());
    Ok(all.filter_map(|container| container.image.clone()).collect())
}

/// 50, cases 11, 16, 19, 30 and 52; 70 section 9.3: the real API server takes every object of `deploy/`.
#[tokio::test]
async fn a_box_boots_and_boots_again_and_keeps_the_image_it_runs() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Workloads).await?;
    let scene = Scene::new(&cluster.kubeconfig())?;
    let systemd = Systemd::below(scene.root.path())?;
    first_boot(&cluster, &scene, &systemd).await?;
    rights_by_state(&cluster, &scene).await?;
    second_boot(&scene, &systemd).await?;
    network_told(&scene).await?;
    image_kept(&cluster, &scene).await
}

async fn first_boot(cluster: &TestCluster, scene: &Scene, systemd: &Systemd) -> Result<()> {
    let run = scene.run(&[]).await?;
    ensure!(run.status.success(), "{}", said(&run));
    let asked = [
        "reload",
        "enable k3s.service",
        "start k3s.service",
        "start alga-control-plane-roll@background.service",
    ];
    ensure!(systemd.asked() == asked);
    let unit = scene.read("etc/systemd/system/k3s.service")?;
    ensure!(
        unit.contains("opt/alga-appliance/bin/k3s server --disable traefik"),
        "{unit}"
    );
    ensure!(scene.read("etc/rancher/k3s/config.yaml.d/10-alga-node.yaml")? == "node-name: box-7\n");
    let state = scene.state()?;
    ensure!(
        state.phase == BootPhase::Complete && state.boot_id == "b-1",
        "{state:#?}"
    );
    let is_done = state.steps.iter().all(|step| step.state == BootStepState::Done);
    ensure!(state.steps.len() == 7 && is_done, "{state:#?}");
    ensure!(images(cluster).await? == [BAKED_IMAGE, BAKED_IMAGE]);
    ensure!(scene.imports() == 1);
    told_its_port(cluster).await?;
    ensure!(
        !said(&run).contains("1111-2222"),
        "the token is in the journal: {}",
        said(&run)
    );
    let all = Api::<ClusterRole>::all(cluster.client().await?);
    let role = all.get("appliance-control-plane-setup-admin").await?;
    ensure!(
        !serde_json::to_string(&role.rules)?.contains('*'),
        "a rule grants everything"
    );
    Ok(())
}

/// Decision 17: what setup needs is bound until the appliance is installed, and then only while it was asked for;
/// Secrets are read by namespace, as far as the namespaces are there.
async fn rights_by_state(cluster: &TestCluster, scene: &Scene) -> Result<()> {
    let client = cluster.client().await?;
    let bindings = Api::<ClusterRoleBinding>::all(client.clone());
    let is_bound = async || anyhow::Ok(bindings.get_opt("appliance-control-plane").await?.is_some());
    ensure!(is_bound().await?, "nothing is installed yet");
    ensure!(
        bindings
            .get_opt("appliance-control-plane-standing")
            .await?
            .is_some()
    );
    let standing = Api::<ClusterRole>::all(client.clone())
        .get("appliance-control-plane")
        .await?;
    let granted = serde_json::to_string(&standing.rules)?;
    for word in ["*", "secrets", "escalate", "bind", "delete", "patch"] {
        ensure!(
            !granted.contains(&format!("\"{word}\"")),
            "{word} is granted everywhere: {granted}"
        );
    }
    let msp = serde_json::from_str(r#"{"metadata": {"name": "msp"}}"#)?;
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &msp)
        .await?;
    for (selection, asked, bound) in [
        ("{}", "drop", true),
        ("no JSON", "drop", true),
        (r#"{"installedAt": "2026-06-01T00:00:00.000Z"}"#, "drop", false),
        (r#"{"installedAt": "2026-06-01T00:00:00.000Z"}"#, "bind", true),
    ] {
        scene.write("state/release-selection.json", selection)?;
        let run = scene.run(&["rights", asked]).await?;
        ensure!(run.status.success(), "{}", said(&run));
        ensure!(is_bound().await? == bound, "{asked} with {selection}");
    }
    let roles = Api::<Role>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    let places: Vec<_> = roles
        .items
        .iter()
        .filter(|role| role.metadata.name.as_deref() == Some("appliance-control-plane"))
        .filter_map(|role| role.metadata.namespace.as_deref())
        .collect();
    ensure!(places == ["alga-appliance-control-plane", "msp"], "{places:?}");
    // The next boot takes back what a retry was given.
    let run = scene.run(&["reapply"]).await?;
    ensure!(run.status.success() && !is_bound().await?, "{}", said(&run));
    std::fs::remove_file(scene.at("state/release-selection.json"))?;
    Ok(())
}

/// 50 W33 and W40: the port is the one that was asked for everywhere, and a change of the settings restarts the pod.
async fn told_its_port(cluster: &TestCluster) -> Result<()> {
    let settings = Api::<ConfigMap>::namespaced(cluster.client().await?, namespace::CONTROL_PLANE);
    let settings = settings
        .get("appliance-control-plane-config")
        .await?
        .data
        .unwrap_or_default();
    ensure!(settings["ALGA_APPLIANCE_PORT"] == "18080", "{settings:?}");
    let deployments = Api::<Deployment>::namespaced(cluster.client().await?, namespace::CONTROL_PLANE);
    let live = serde_json::to_value(deployments.get(CONTROL_PLANE_WORKLOAD).await?)?;
    let template = &live["spec"]["template"];
    let port = &template["spec"]["containers"][0]["ports"][0];
    ensure!(
        port["containerPort"] == 18080 && port["hostPort"] == 18080,
        "{port}"
    );
    let annotations = &template["metadata"]["annotations"];
    ensure!(
        annotations["alga.nineminds.com/config-hash"].is_string(),
        "{annotations}"
    );
    Ok(())
}

/// It finds all of it; the host has another name by now.
async fn second_boot(scene: &Scene, systemd: &Systemd) -> Result<()> {
    scene.write("etc/hostname", "renamed\n")?;
    scene.write("proc/sys/kernel/random/boot_id", "b-2\n")?;
    let again = scene.run(&["run"]).await?;
    ensure!(again.status.success(), "{}", said(&again));
    let asked = systemd.asked();
    let background = ["start alga-control-plane-roll@background.service"];
    ensure!(asked == background, "a running k3s was touched: {asked:?}");
    ensure!(
        scene.imports() == 1,
        "an archive that did not change was imported again"
    );
    ensure!(scene.read("etc/rancher/k3s/config.yaml.d/10-alga-node.yaml")? == "node-name: box-7\n");
    ensure!(scene.state()?.boot_id == "b-2");
    Ok(())
}

/// 50 W13 and W43: mirrors are told as long as they are asked for, an operator's own file is left alone, and the
/// administrator's kubeconfig is for root.
async fn network_told(scene: &Scene) -> Result<()> {
    const FILE: &str = "etc/rancher/k3s/registries.yaml";
    let kubeconfig = scene.at("etc/rancher/k3s/k3s.yaml");
    state_file::replace(&kubeconfig, b"a kubeconfig", 0o644)?;
    let mirror = ["run", "--registry-mirror", "ghcr.io=https://mirror.example.org"];
    ensure!(scene.run(&mirror).await?.status.success());
    ensure!(scene.read(FILE)?.contains("https://mirror.example.org"));
    ensure!(std::fs::metadata(&kubeconfig)?.permissions().mode() & 0o777 == 0o600);
    ensure!(scene.run(&["run"]).await?.status.success());
    ensure!(
        !scene.at(FILE).exists(),
        "a mirror that is not asked for any more is kept"
    );
    scene.write(FILE, "mirrors: {}\n")?;
    ensure!(scene.run(&mirror).await?.status.success());
    ensure!(
        scene.read(FILE)? == "mirrors: {}\n",
        "the operator's file was changed"
    );
    Ok(())
}

/// An image that a channel brought is kept, until the operator goes back.
async fn image_kept(cluster: &TestCluster, scene: &Scene) -> Result<()> {
    let deployments = Api::<Deployment>::namespaced(cluster.client().await?, namespace::CONTROL_PLANE);
    let change = serde_json::json!({"spec": {"template": {"spec": {
        "containers": [{"name": "setup-api", "image": DIGEST_IMAGE}],
        "initContainers": [{"name": "init-state-permissions", "image": DIGEST_IMAGE}],
    }}}});
    upgraded(&deployments, &change).await?;
    for (arguments, code, image) in [
        (&["run"][..], 0, DIGEST_IMAGE),
        // Its registry cannot be reached.
        (&["run", "--control-plane-only"], 3, DIGEST_IMAGE),
        (&["reapply"], 0, DIGEST_IMAGE),
        (&["reapply", "--baked"], 0, BAKED_IMAGE),
        (&["run"], 0, BAKED_IMAGE),
    ] {
        let run = scene.run(arguments).await?;
        ensure!(run.status.code() == Some(code), "{arguments:?}: {}", said(&run));
        let live = images(cluster).await?;
        ensure!(
            live == [image, image],
            "{arguments:?}: {live:?} after {}",
            said(&run)
        );
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "plays the agent of an older product")]
async fn upgraded(deployments: &Api<Deployment>, change: &serde_json::Value) -> Result<()> {
    let params = PatchParams::default();
    deployments
        .patch(CONTROL_PLANE_WORKLOAD, &params, &Patch::Strategic(change))
        .await?;
    Ok(())
}

/// 50, "container killed at each step": whatever was done stays done, and the next boot ends.
#[tokio::test]
async fn a_boot_killed_at_every_step_ends_when_it_is_begun_again() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Workloads).await?;
    let scene = Scene::new(&cluster.kubeconfig())?;
    let _systemd = Systemd::below(scene.root.path())?;
    for step in 0..5 {
        let mut child = scene
            .command(&[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + LIMIT;
        let begun = || scene.state().is_ok_and(|state| state.steps[step].attempt > 0);
        while !begun() && child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "step {step} is never begun");
            sleep(LOOK_EVERY).await;
        }
        child.kill()?;
        child.wait()?;
    }
    let last = scene.run(&[]).await?;
    ensure!(last.status.success(), "{}", said(&last));
    ensure!(scene.state()?.phase == BootPhase::Complete);
    ensure!(images(&cluster).await? == [BAKED_IMAGE, BAKED_IMAGE]);
    Ok(())
}

/// 50, cases 15, 20 and 29, and 127 of 6.1.
#[tokio::test]
async fn what_keeps_a_boot_from_going_on_is_named_and_recorded() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Workloads).await?;
    let scene = Scene::new(&cluster.kubeconfig())?;
    let _systemd = Systemd::below(scene.root.path())?;
    // The server takes connections and says nothing.
    cluster.pause_api()?;
    let begun = Instant::now();
    let silent = scene.run(&["run", "--k3s-ready-timeout-seconds", "5"]).await?;
    cluster.resume_api()?;
    ensure!(silent.status.code() == Some(1), "{}", said(&silent));
    ensure!(
        begun.elapsed() < Duration::from_secs(45),
        "the budget of 5 s was not kept"
    );
    let state = scene.state()?;
    ensure!(state.phase == BootPhase::Failed, "{state:#?}");
    let why = state.steps[1].error.clone().unwrap_or_default();
    ensure!(
        why.contains("not ready within 5s") && why.contains("journalctl"),
        "{why}"
    );

    no_default_route(&cluster, &scene).await?;

    // An import that fails stops a box that has nothing yet, and not one that runs.
    ensure!(scene.run(&[]).await?.status.success());
    scene.write("opt/alga-appliance/bin/k3s.broken", "")?;
    scene.write(
        "opt/alga-appliance/control-plane/images/alga-appliance-control-plane.tar",
        "another archive",
    )?;
    let tolerated = scene.run(&[]).await?;
    ensure!(
        tolerated.status.success() && said(&tolerated).contains("no space left"),
        "{}",
        said(&tolerated)
    );

    let bare = Scene::new(&cluster.kubeconfig())?;
    let _systemd = Systemd::below(bare.root.path())?;
    std::fs::remove_file(bare.at("opt/alga-appliance/bin/k3s"))?;
    let none = bare.run(&[]).await?;
    ensure!(
        none.status.code() == Some(127) && said(&none).contains("bin/k3s"),
        "{}",
        said(&none)
    );
    Ok(())
}

/// 50 W1: a machine without a default route says so on its consoles, in place of what follows from it.
async fn no_default_route(cluster: &TestCluster, scene: &Scene) -> Result<()> {
    const TABLE: &str = "proc/net/route";
    scene.write(
        TABLE,
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n",
    )?;
    cluster.pause_api()?;
    let alone = scene.run(&["run", "--k3s-ready-timeout-seconds", "2"]).await?;
    cluster.resume_api()?;
    ensure!(alone.status.code() == Some(1), "{}", said(&alone));
    let why = scene.state()?.steps[1].error.clone().unwrap_or_default();
    ensure!(
        why.contains("no default route") && why.contains("netplan"),
        "{why}"
    );
    // Where the API server answers, nobody asks for routes.
    let boots = scene.run(&[]).await?;
    ensure!(boots.status.success(), "{}", said(&boots));
    std::fs::remove_file(scene.at(TABLE))?;
    Ok(())
}
