//! What setup is given and cannot use: each failure is named, nothing is half applied, nothing is lost,
//! and a later run goes on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::cluster::ClusterSource;
use appliance_common::names::file;
use appliance_common::testing::{Published, Reply, WebServer};
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{Setup, SubmitError};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use crate::objects::ours;
use crate::scene::{answers, ended, reading, submit};
use crate::site::Site;

/// Deadline of one request to the registry in these tests.
const REGISTRY_TIMEOUT: Duration = Duration::from_millis(400);

/// What must be in the state document of a run that did not go through.
struct Expected<'a> {
    status: &'a str,
    step: &'a str,
    category: &'a str,
    /// Words of the message.
    says: &'a str,
}

/// Runs into the failure, and checks that it is named and that it left nothing.
async fn fails(site: &Site, setup: &Setup, answers: &Value, expected: &Expected<'_>) -> Result<Value> {
    submit(setup, answers).await?;
    let failure = failed(site, setup, expected).await?;
    nothing_is_applied(site).await?;
    Ok(failure)
}

async fn failed(site: &Site, setup: &Setup, expected: &Expected<'_>) -> Result<Value> {
    let run = ended(setup).await?.history.run.clone();
    let state = site.volume.document(file::INSTALL_STATE)?;
    ensure!(matches!(run, Run::Blocked { .. }), "not blocked: {state:#}");
    let failure = state["failure"].clone();
    let Expected {
        status,
        step,
        category,
        says,
    } = expected;
    assert_eq!(state["status"], *status, "{failure:#}");
    assert_eq!(
        (&failure["step"], &failure["category"]),
        (&json!(step), &json!(category)),
        "{failure:#}"
    );
    let text = format!("{} {}", failure["message"], failure["suspectedCause"]);
    assert!(text.contains(says), "{says:?} is not in {failure:#}");
    for key in [
        "phase",
        "message",
        "details",
        "suspectedCause",
        "suggestedNextStep",
    ] {
        assert!(
            failure[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key}: {failure:#}"
        );
    }
    Ok(failure)
}

/// No object of setup but the seal, and no record of an install.
pub(crate) async fn nothing_is_applied(site: &Site) -> Result<()> {
    let objects = ours(&site.client).await?;
    let names: Vec<_> = objects.keys().map(String::as_str).collect();
    assert_eq!(names, ["Secret alga-appliance-control-plane/setup-seal"]);
    assert!(!site.volume.path(file::RELEASE_SELECTION).exists());
    Ok(())
}

/// The same answers again, now that the cause is gone.
async fn goes_through(site: &Site, setup: &Setup, answers: &Value) -> Result<()> {
    submit(setup, answers)
        .await
        .context("the answers are not taken again")?;
    completes(site, setup).await
}

async fn completes(site: &Site, setup: &Setup) -> Result<()> {
    let run = ended(setup).await?.history.run.clone();
    ensure!(
        run == Run::Complete,
        "{:#}",
        site.volume.document(file::INSTALL_STATE)?
    );
    let objects = ours(&site.client).await?;
    ensure!(objects.len() == 17, "{:?}", objects.keys());
    Ok(())
}

type Unusable = (Value, (&'static str, &'static str), &'static str);

/// Releases that must not be installed: with status and step of the failure, and the place it names.
fn unusable(site: &Site) -> Result<[Unusable; 8]> {
    let with = |path: &str, value: Value| {
        let mut release = site.release();
        *release.pointer_mut(path).with_context(|| format!("no {path}"))? = value;
        anyhow::Ok(release)
    };
    let mut valueless = site.release();
    let values = valueless["profileValues"].as_object_mut().context("no values")?;
    values
        .remove("temporal.single-node.yaml")
        .context("no values for temporal")?;
    let values = ("runtime-values-blocked", "render-runtime-values");
    let manifest = ("preflight-blocked", "resolve-release-manifest");
    Ok([
        (valueless, values, "temporal.single-node.yaml"),
        (
            with("/profileValues/temporal.single-node.yaml", json!("image: ["))?,
            values,
            "temporal.single-node.yaml",
        ),
        (
            with("/config/digest", json!("deadbeef"))?,
            manifest,
            "config.digest",
        ),
        (
            with("/config/digest", json!(format!("sha256:{}\nb", "a".repeat(64))))?,
            manifest,
            "config.digest",
        ),
        (
            with("/config/repository", json!("ghcr.io/somebody-else/config"))?,
            manifest,
            "config.repository",
        ),
        (
            with("/images/algaCore", json!("a b"))?,
            manifest,
            "images.algaCore",
        ),
        (
            with("/valuesProfile", json!("test-profile"))?,
            manifest,
            "valuesProfile",
        ),
        (with("/version", json!("1 0"))?, manifest, "version"),
    ])
}

#[tokio::test]
async fn a_release_that_cannot_be_used_is_refused_before_anything_is_applied() -> Result<()> {
    let site = Site::start().await?;
    let setup = site.open();
    for (release, (status, step), says) in unusable(&site)? {
        site.publish("stable", &release).await?;
        let expected = Expected {
            status,
            step,
            category: "invalid-manifest",
            says,
        };
        let failure = fails(&site, &setup, &answers(), &expected).await?;
        assert_eq!(
            failure["retrySafe"], true,
            "the channel may lead elsewhere tomorrow"
        );
        assert_eq!(failure["transient"], false);
    }
    site.publish("stable", &site.release()).await?;
    goes_through(&site, &setup, &answers()).await
}

#[tokio::test]
async fn a_channel_that_does_not_exist_is_not_a_matter_of_dns() -> Result<()> {
    let site = Site::start().await?;
    let setup = site.open();
    let expected = Expected {
        status: "preflight-blocked",
        step: "resolve-release-manifest",
        category: "not-found",
        says: "nightly",
    };
    let mut nightly = answers();
    nightly["channel"] = json!("nightly");
    let failure = fails(&site, &setup, &nightly, &expected).await?;
    assert_eq!(failure["phase"], "registry-release-source");
    assert_eq!(failure["transient"], false);
    assert!(setup.is_editable());
    goes_through(&site, &setup, &answers()).await
}

#[tokio::test]
async fn a_registry_that_is_down_or_stalls_is_told_apart() -> Result<()> {
    let mut site = Site::start().await?;
    site.volume.settings.registry.timeout = REGISTRY_TIMEOUT;
    let setup = site.open();
    let expected = |category| Expected {
        status: "preflight-blocked",
        step: "resolve-release-manifest",
        category,
        says: "127.0.0.1",
    };
    site.registry.kill();
    let failure = fails(&site, &setup, &answers(), &expected("connect")).await?;
    assert_eq!(failure["transient"], true, "it can pass by itself");
    site.registry.start_again().await?;
    site.registry.pause()?;
    let started = std::time::Instant::now();
    let failure = fails(&site, &setup, &answers(), &expected("timeout")).await?;
    assert!(
        started.elapsed() < REGISTRY_TIMEOUT * 10,
        "{:?}",
        started.elapsed()
    );
    assert_eq!(failure["transient"], true);
    site.registry.resume()?;
    goes_through(&site, &setup, &answers()).await?;

    Ok(())
}

#[tokio::test]
async fn a_registry_that_lies_or_refuses_is_named() -> Result<()> {
    let mut site = Site::start().await?;
    let release = site.release().to_string();
    let mut lying = Published::new(release.clone());
    let honest = lying.clone();
    let last = lying.config.len() - 2;
    lying.config[last] ^= 1;
    let server = WebServer::start(move |request| {
        if request.target.contains("/blobs/") {
            Reply::ok(lying.config.clone())
        } else {
            honest.reply(request)
        }
    });
    let server = server.await?;
    site.volume.settings.registry.host = server.address().to_string().parse()?;
    let setup = site.open();
    let expected = Expected {
        status: "preflight-blocked",
        step: "resolve-release-manifest",
        category: "integrity",
        says: "promised were",
    };
    let failure = fails(&site, &setup, &answers(), &expected).await?;
    assert_eq!(failure["transient"], false);
    drop(setup);

    let honest = Published::new(release);
    let server = WebServer::start(move |request| match request.target.as_str() {
        "/v2/" => Reply::status(403),
        _ => honest.reply(request),
    });
    let server = server.await?;
    site.volume.settings.registry.host = server.address().to_string().parse()?;
    let setup = site.open();
    let expected = Expected {
        status: "preflight-blocked",
        step: "reach-ghcr",
        category: "http-403",
        says: "answered 403",
    };
    let failure = fails(&site, &setup, &answers(), &expected).await?;
    assert_eq!(failure["phase"], "network");
    Ok(())
}

#[tokio::test]
async fn a_wrong_dns_server_is_named_and_can_be_corrected() -> Result<()> {
    let mut site = Site::start().await?;
    let right = site.volume.settings.registry.clone();
    // Nobody listens there: the sockets are closed again before the question is asked.
    let closed = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    site.volume.settings.registry.host = "registry.example.test".parse()?;
    let setup = site.open();
    let mut custom = answers();
    custom["dnsMode"] = json!("custom");
    custom["dnsServers"] = json!(closed.to_string());
    let expected = Expected {
        status: "preflight-blocked",
        step: "resolve-registry-host",
        category: "dns",
        says: &closed.to_string(),
    };
    let failure = fails(&site, &setup, &custom, &expected).await?;
    assert_eq!(failure["phase"], "dns");
    drop(setup);

    // The registry's name is this machine's from here on; what matters is that new answers are taken.
    site.volume.settings.registry = right;
    let setup = site.open();
    goes_through(&site, &setup, &answers()).await?;
    assert_eq!(
        site.volume.document(file::INSTALL_STATE)?["setupInputs"]["dnsMode"],
        "system"
    );
    Ok(())
}

#[tokio::test]
async fn without_a_cluster_nothing_is_stored_and_with_one_again_setup_goes_on() -> Result<()> {
    let mut site = Site::start().await?;
    let setup = site.open();
    site.cluster.kill_api();
    let raw = reading(&answers())?;
    let refused = setup.submit(&raw).await;
    assert!(matches!(refused, Err(SubmitError::NoSeal(_))), "{refused:?}");
    let left: Vec<_> = std::fs::read_dir(site.volume.dir.path())?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    assert_eq!(left, ["update.lock"], "nothing is stored");

    site.cluster.start_api().await?;
    site.cluster.pause_api()?;
    let refused = setup.submit(&raw).await;
    assert!(matches!(refused, Err(SubmitError::NoSeal(_))), "{refused:?}");
    site.cluster.resume_api()?;
    submit(&setup, &answers()).await?;
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let in_storage = |view: &std::sync::Arc<appliance_control_plane::setup::board::View>| matches!(&view.history.run, Run::Running { step: Some(step) } if step.as_str() == "storage");
    tokio::time::timeout(REGISTRY_TIMEOUT * 20, views.wait_for(in_storage)).await??;
    site.cluster.kill_api();
    let expected = Expected {
        status: "storage-install-blocked",
        step: "install-local-path-storage",
        category: "cluster-unreachable",
        says: "does not answer",
    };
    let failure = failed(&site, &setup, &expected).await?;
    assert_eq!(
        (&failure["retrySafe"], &failure["transient"]),
        (&json!(true), &json!(true))
    );
    site.cluster.start_api().await?;
    goes_through(&site, &setup, &answers()).await
}

#[tokio::test]
async fn a_right_that_lacks_is_named_with_its_object() -> Result<()> {
    let mut site = Site::start().await?;
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| PolicyRule {
        api_groups: Some(groups.iter().map(ToString::to_string).collect()),
        resources: Some(resources.iter().map(ToString::to_string).collect()),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    };
    let everything = &["*"][..];
    let mut rules = vec![
        rule(&[""], &["secrets", "configmaps", "serviceaccounts"], everything),
        rule(&[""], &["namespaces"], &["create"]),
        rule(&["*"], &["*"], &["get", "list", "watch"]),
    ];
    let weak = site.cluster.restricted_kubeconfig("weak", &rules).await?;
    site.volume.settings.cluster = ClusterSource::new(weak);
    let setup = site.open();
    let expected = Expected {
        status: "storage-install-blocked",
        step: "install-local-path-storage",
        category: "cluster-forbidden",
        says: "Namespace msp",
    };
    let failure = fails(&site, &setup, &answers(), &expected).await?;
    assert_eq!(failure["transient"], false);
    drop(setup);

    rules.push(rule(&["*"], &["*"], everything));
    site.volume.settings.cluster =
        ClusterSource::new(site.cluster.restricted_kubeconfig("strong", &rules).await?);
    let setup = site.open();
    goes_through(&site, &setup, &answers()).await
}

#[tokio::test]
async fn a_flux_manifest_that_is_absent_or_no_manifest_stops_before_the_application() -> Result<()> {
    let mut site = Site::start().await?;
    let garbage = site.volume.path("flux.yaml");
    std::fs::File::create(&garbage)?;
    appliance_common::state_file::replace(&garbage, b"kind: [", 0o600)?;
    for path in [site.volume.path("absent.yaml"), garbage] {
        site.volume.settings.flux_manifest = Some(path.clone());
        let setup = site.open();
        let expected = Expected {
            status: "flux-install-blocked",
            step: "install-flux",
            category: "flux-manifest",
            says: &path.display().to_string(),
        };
        fails(&site, &setup, &answers(), &expected).await?;
    }
    site.volume.settings.flux_manifest = None;
    let setup = site.open();
    goes_through(&site, &setup, &answers()).await
}
