//! The channel's image, on a real API server and out of a real registry: taken when it is healthy, taken back when it
//! is not, and left alone when it is somebody else's.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::host::{ControlPlaneUpgrade, ImageRecord, UpgradeStatus};
use appliance_common::names::{BAKED_IMAGE, CONTROL_PLANE_WORKLOAD, file, host_file, namespace};
use appliance_common::state_file::StateFile;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::registry::TestRegistry;
use appliance_tests::releases;
use appliance_tests::standins::systemd::Systemd;
use appliance_tests::tools::Tools;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::scene::{Scene, said};

/// Longest wait for a word of the program.
const LIMIT: Duration = Duration::from_mins(2);
/// How often a record is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const ROLL: [&str; 2] = ["run", "--control-plane-only"];

struct Host {
    cluster: TestCluster,
    registry: TestRegistry,
    scene: Scene,
    _systemd: Systemd,
}

impl Host {
    async fn booted() -> Result<Self> {
        let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
        let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
        let scene = Scene::new(&cluster.kubeconfig())?;
        let systemd = Systemd::below(scene.root.path())?;
        let first = scene.run(&["run"]).await?;
        ensure!(first.status.success(), "{}", said(&first));
        Ok(Self {
            registry: TestRegistry::start(&tools).await?,
            cluster,
            scene,
            _systemd: systemd,
        })
    }

    /// The channel names `image` from now on.
    async fn named(&self, version: &str, image: &str) -> Result<()> {
        let host = self.registry.host();
        let mut release = releases::manifest(&host, version);
        release["controlPlane"] = image.into();
        releases::push(&host, "stable", release.to_string().as_bytes()).await?;
        Ok(())
    }

    /// The channel names an image of ours, made just now.
    async fn newer(&self, version: &str) -> Result<String> {
        let labels = json!({"io.alga.appliance.abi": "1"});
        let image = releases::push_control_plane(&self.registry.host(), version, &labels).await?;
        self.named(version, &image).await?;
        Ok(image)
    }

    async fn roll(&self, more: &[&str]) -> Result<Output> {
        let host = self.registry.host();
        let mut arguments = ROLL.to_vec();
        arguments.extend(["--registry-host", &host]);
        arguments.extend(more);
        self.scene.run(&arguments).await
    }

    /// Rolls, and looks at how that ended: exit code, what runs, what is told.
    async fn rolls_to(&self, more: &[&str], code: i32, image: &str, words: &str) -> Result<()> {
        let run = self.roll(more).await?;
        ensure!(
            run.status.code() == Some(code),
            "{more:?}: not {code}: {}",
            said(&run)
        );
        let live = self.images().await?;
        ensure!(live == [image, image], "{more:?}: {live:?} after {}", said(&run));
        let told = self.told()?;
        let message = told.message.clone().unwrap_or_default();
        ensure!(message.contains(words), "{words:?} is not in {message:?}");
        ensure!(told.to_image.as_deref() == Some(image), "{told:?}");
        ensure!(told.finished_at.is_some(), "{told:?}");
        Ok(())
    }

    async fn images(&self) -> Result<Vec<String>> {
        let deployments =
            Api::<Deployment>::namespaced(self.cluster.client().await?, namespace::CONTROL_PLANE);
        let live = deployments.get(CONTROL_PLANE_WORKLOAD).await?;
        let pod = live.spec.and_then(|spec| spec.template.spec).context("a pod")?;
        let all = pod.containers.iter().chain(pod.init_containers.iter().flatten());
        Ok(all.filter_map(|container| container.image.clone()).collect())
    }

    /// Whether the standing role has the rule of the newer manifests.
    async fn may_see_things(&self) -> Result<bool> {
        let roles = Api::<ClusterRole>::all(self.cluster.client().await?);
        let all = roles.list(&ListParams::default()).await?;
        let groups = all.into_iter().flat_map(|role| role.rules.unwrap_or_default());
        Ok(groups
            .filter_map(|rule| rule.api_groups)
            .any(|groups| groups.contains(&"newer.example".to_owned())))
    }

    fn record(&self) -> Result<ImageRecord> {
        let file = StateFile::at(self.scene.at("host").join(host_file::CONTROL_PLANE_IMAGE));
        file.load()?.context("there is no record of images")
    }

    fn told(&self) -> Result<ControlPlaneUpgrade> {
        let file = StateFile::at(self.scene.at("state").join(file::CONTROL_PLANE_UPGRADE));
        file.load()?.context("nothing is told of the upgrade")
    }

    /// Whether new pods find a node.
    #[expect(clippy::disallowed_methods, reason = "plays the operator's `kubectl cordon`")]
    async fn takes_pods(&self, takes: bool) -> Result<()> {
        let nodes = Api::<Node>::all(self.cluster.client().await?);
        for node in nodes.list(&ListParams::default()).await? {
            let name = node.metadata.name.context("a node has a name")?;
            let change = json!({"spec": {"unschedulable": !takes}});
            nodes
                .patch(&name, &PatchParams::default(), &Patch::Merge(change))
                .await?;
        }
        Ok(())
    }

    fn pulls(&self) -> usize {
        let calls = self
            .scene
            .read("opt/alga-appliance/bin/k3s.calls")
            .unwrap_or_default();
        calls
            .lines()
            .filter(|call| call.starts_with("ctr images pull"))
            .count()
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        ensure!(Instant::now() < deadline, "{what}: never");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// 50 cases 17, 18, 20 and 23, 70 section 17.1.
#[tokio::test]
async fn the_channels_image_is_taken_if_it_is_ours_and_runs_well() -> Result<()> {
    let host = Host::booted().await?;
    what_is_foreign_is_left_alone(&host).await?;
    let ours = host.newer("1.0.0").await?;
    host.rolls_to(
        &["--wish", "background", "--refresh", "manual"],
        3,
        BAKED_IMAGE,
        "when the operator says so",
    )
    .await?;
    // Case 49: what could not be pulled is no upgrade, and boot does not make a fuss of it.
    host.scene.write("opt/alga-appliance/bin/k3s.broken", "")?;
    host.rolls_to(&[], 1, BAKED_IMAGE, "no space left").await?;
    ensure!(host.told()?.status == UpgradeStatus::Blocked);
    host.rolls_to(&["--wish", "background"], 3, BAKED_IMAGE, "no space left")
        .await?;
    std::fs::remove_file(host.scene.at("opt/alga-appliance/bin/k3s.broken"))?;
    ensure!(
        host.record()?.available.as_ref() == Some(&ours),
        "{:?}",
        host.record()?
    );
    host.rolls_to(&["--wish", "background"], 0, &ours, "runs and is healthy")
        .await?;
    let record = host.record()?;
    ensure!(
        record.last_known_good.as_ref() == Some(&ours) && record.available.is_none(),
        "{record:?}"
    );
    ensure!(host.told()?.status == UpgradeStatus::Complete);
    ensure!(host.told()?.from_image.as_deref() == Some(BAKED_IMAGE));
    ensure!(host.pulls() == 3, "the image was pulled again");
    let calls = host.scene.read("opt/alga-appliance/bin/k3s.calls")?;
    for kept in [&ours, BAKED_IMAGE] {
        let pinned = format!("ctr images label {kept} io.cri-containerd.pinned=pinned");
        ensure!(calls.contains(&pinned), "{kept} may be cleaned up: {calls}");
    }
    host.rolls_to(&[], 0, &ours, "runs already").await?;
    ensure!(host.told()?.status == UpgradeStatus::Unchanged);
    // Case 19: a registry that is gone takes nothing away.
    let gone = host.scene.run(&ROLL).await?;
    ensure!(
        gone.status.code() == Some(3) && host.images().await? == [ours.as_str(), &ours],
        "{}",
        said(&gone)
    );
    Ok(())
}

async fn what_is_foreign_is_left_alone(host: &Host) -> Result<()> {
    host.rolls_to(&[], 3, BAKED_IMAGE, "stable").await?;
    for (version, labels, words) in [
        ("0.1.0", Value::Null, "does not say that it is made for this host"),
        ("0.2.0", json!({"io.alga.appliance.abi": "2"}), "hosts of kind 2"),
    ] {
        let foreign = releases::push_control_plane(&host.registry.host(), version, &labels).await?;
        host.named(version, &foreign).await?;
        host.rolls_to(&[], 3, BAKED_IMAGE, words).await?;
    }
    // Case 24.
    for (version, reference) in [
        (
            "0.3.0",
            "evil.io/x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        ("0.4.0", "62cdce38"),
        ("0.5.0", "--help"),
        ("0.6.0", "a\nb"),
    ] {
        host.named(version, reference).await?;
        host.rolls_to(&[], 3, BAKED_IMAGE, "").await?;
    }
    ensure!(host.pulls() == 0, "a foreign image was pulled");
    Ok(())
}

/// 10 section 12.2: what does not become healthy is taken back, and never taken by itself again.
#[tokio::test]
async fn an_image_that_does_not_become_healthy_is_taken_back() -> Result<()> {
    let host = Host::booted().await?;
    let bad = host.newer("1.0.0").await?;
    host.takes_pods(false).await?;
    let rolling = host.roll(&["--health-timeout-seconds", "4"]);
    let healed = async {
        let goes_back = || {
            host.told()
                .is_ok_and(|told| told.message.is_some_and(|said| said.starts_with("going back")))
        };
        until("it goes back", goes_back).await?;
        host.takes_pods(true).await
    };
    let (run, healed) = tokio::join!(rolling, healed);
    healed?;
    let run = run?;
    ensure!(run.status.code() == Some(1), "{}", said(&run));
    ensure!(host.images().await? == [BAKED_IMAGE, BAKED_IMAGE]);
    let told = host.told()?;
    let message = told.message.unwrap_or_default();
    ensure!(
        told.status == UpgradeStatus::Blocked && message.contains(BAKED_IMAGE),
        "{message}"
    );
    let record = host.record()?;
    ensure!(
        record.trying.is_none() && record.quarantined[0].image == bad,
        "{record:?}"
    );
    host.rolls_to(
        &["--wish", "background"],
        3,
        BAKED_IMAGE,
        "did not become healthy",
    )
    .await?;
    // Whoever asks for it has seen why not.
    host.rolls_to(&[], 0, &bad, "runs and is healthy").await?;
    ensure!(host.record()?.quarantined.is_empty());
    Ok(())
}

/// A trial that nobody ended is ended by whoever comes next, and what was tried before is known all the same.
#[tokio::test]
async fn a_trial_that_was_killed_is_ended_by_the_next_program() -> Result<()> {
    let host = Host::booted().await?;
    let image = host.newer("1.0.0").await?;
    host.takes_pods(false).await?;
    let registry = host.registry.host();
    let mut child = host
        .scene
        .command(&["run", "--control-plane-only", "--registry-host", &registry])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let is_awaited = || {
        host.told()
            .is_ok_and(|told| told.message.is_some_and(|said| said.starts_with("waiting until")))
    };
    until("it waits for the image", is_awaited).await?;
    child.kill()?;
    child.wait()?;
    let trying = host.record()?.trying.context("the trial is not recorded")?;
    ensure!(
        trying.image == image && trying.previous == BAKED_IMAGE,
        "{trying:?}"
    );
    // A boot in between keeps it, and does not take it for well.
    let boot = host.scene.run(&["run"]).await?;
    ensure!(
        boot.status.success() && host.images().await? == [image.as_str(), &image],
        "{}",
        said(&boot)
    );
    host.takes_pods(true).await?;
    host.rolls_to(&["--wish", "background"], 0, &image, "runs and is healthy")
        .await?;
    ensure!(host.record()?.trying.is_none());
    killed_on_the_way_back(&host, &image).await
}

/// A kill between the record of what failed and the end: nobody waits for ever, and the one before or the one that is
/// healthy by now runs.
async fn killed_on_the_way_back(host: &Host, good: &str) -> Result<()> {
    let bad = host.newer("1.1.0").await?;
    host.takes_pods(false).await?;
    let registry = host.registry.host();
    let limit = ["--health-timeout-seconds", "2"];
    let mut child = host
        .scene
        .command(
            &[
                &["run", "--control-plane-only", "--registry-host", &registry][..],
                &limit,
            ]
            .concat(),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let goes_back = || {
        host.told()
            .is_ok_and(|told| told.message.is_some_and(|said| said.starts_with("going back")))
    };
    until("it goes back", goes_back).await?;
    child.kill()?;
    child.wait()?;
    host.takes_pods(true).await?;
    let next = host.roll(&["--wish", "background"]).await?;
    let record = host.record()?;
    ensure!(record.trying.is_none(), "{record:?} after {}", said(&next));
    let live = host.images().await?;
    let is_quarantined = record.quarantined.iter().any(|one| one.image == bad);
    ensure!(
        live == [good, good] && is_quarantined || live == [bad.as_str(), &bad] && !is_quarantined,
        "{live:?} {record:?}"
    );
    Ok(())
}

/// 50 W19: an image is applied with the manifests that it brings; the one that is taken back, with those of its own.
#[tokio::test]
async fn an_image_brings_its_manifests() -> Result<()> {
    let host = Host::booted().await?;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/control-plane");
    let mut files = serde_json::Map::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
        files.insert(name, std::fs::read_to_string(path)?.into());
    }
    let marked = |files: &serde_json::Map<String, Value>, mark: &str| {
        let mut files = files.clone();
        let rbac = files["rbac.yaml"].as_str().unwrap_or_default();
        files["rbac.yaml"] = rbac.replacen("rules:\n", &format!("rules:\n{mark}"), 1).into();
        Value::from(files)
    };
    let rule = "  - apiGroups: [\"newer.example\"]\n    resources: [\"things\"]\n    verbs: [\"get\"]\n";
    let push = async |version: &str, manifests: &str| {
        let labels = json!({"io.alga.appliance.abi": "1", "io.alga.appliance.manifests": manifests});
        let image = releases::push_control_plane(&host.registry.host(), version, &labels).await?;
        host.named(version, &image).await?;
        anyhow::Ok(image)
    };
    push("0.9.0", "{\"rbac.yaml\": \"\"}").await?;
    host.rolls_to(&[], 3, BAKED_IMAGE, "lack namespace.yaml").await?;
    let newer = push("1.0.0", &marked(&files, rule).to_string()).await?;
    host.rolls_to(&[], 0, &newer, "runs and is healthy").await?;
    ensure!(
        host.may_see_things().await?,
        "the newer image has the older rights"
    );
    // A boot keeps what belongs to the image, and so does a kept image.
    let boot = host.scene.run(&["run"]).await?;
    ensure!(
        boot.status.success() && host.may_see_things().await?,
        "{}",
        said(&boot)
    );
    let baked = host.scene.run(&["reapply", "--baked"]).await?;
    ensure!(
        baked.status.success() && !host.may_see_things().await?,
        "{}",
        said(&baked)
    );
    Ok(())
}
