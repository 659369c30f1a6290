//! What is concluded from the bootstrap Job, or from its absence, and when the password goes.

use anyhow::{Context, Result};
use appliance_common::cluster::ClusterSource;
use appliance_common::names::{SERVICES, file};
use appliance_common::state_file::FileLock;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::handover::BootstrapState;
use appliance_control_plane::setup::repair::{RepairError, RepairRequest};
use appliance_control_plane::setup::run::Run;
use appliance_tests::apply;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::objects::resource;
use crate::scene::{RUN_LIMIT, answers, ended, installed, observed, submit};
use crate::site::{Site, VERSION};

const JOB: &str = "alga-core-sebastian-bootstrap";

/// A complete run on a site where nothing follows by itself.
async fn handed_over(site: &Site) -> Result<Setup> {
    let setup = site.open();
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    Ok(setup)
}

async fn has_password(site: &Site) -> Result<bool> {
    let secrets = Api::<Secret>::namespaced(site.client.clone(), "msp");
    let secret = secrets.get("appliance-initial-tenant").await?;
    Ok(secret
        .data
        .is_some_and(|data| data.contains_key("INITIAL_ADMIN_PASSWORD")))
}

async fn apply(site: &Site, object: &Value) -> Result<()> {
    apply::yaml(&site.client, "test", "msp", &object.to_string()).await?;
    Ok(())
}

/// The Job controller's part: a Job that has ended well.
async fn complete_job(site: &Site) -> Result<()> {
    let condition = |kind: &str| json!({"type": kind, "status": "True"});
    let status = json!({
        "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:00Z", "succeeded": 1,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    });
    job(site, &status).await
}

/// One that has given up.
async fn failed_job(site: &Site) -> Result<()> {
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "gave up"});
    let status = json!({
        "startTime": "2026-01-01T00:00:00Z", "failed": 1,
        "conditions": [condition("FailureTarget"), condition("Failed")],
    });
    job(site, &status).await
}

async fn job(site: &Site, status: &Value) -> Result<()> {
    let container = json!({"name": "bootstrap", "image": "none"});
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": JOB, "namespace": "msp"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    });
    apply(site, &job).await?;
    let jobs = jobs(site);
    let change = Patch::Merge(json!({"status": status}));
    jobs.patch_status(JOB, &PatchParams::default(), &change).await?;
    Ok(())
}

fn jobs(site: &Site) -> Api<Job> {
    Api::namespaced(site.client.clone(), "msp")
}

/// The time-to-live controller's part.
async fn remove_job(site: &Site) -> Result<()> {
    jobs(site).delete(JOB, &DeleteParams::background()).await?;
    let gone = async {
        while jobs(site).get_opt(JOB).await?.is_some() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(RUN_LIMIT, gone)
        .await
        .context("the Job stays")?
}

/// Flux's part: the core's release is ready.
async fn ready_core(site: &Site) -> Result<()> {
    ready(site, "alga-core").await
}

async fn ready(site: &Site, name: &str) -> Result<()> {
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": "alga-system"},
        "spec": {"interval": "10m", "chart": {"spec": {
            "chart": "sebastian", "sourceRef": {"kind": "HelmRepository", "name": "alga-charts"},
        }}},
    });
    apply(site, &release).await?;
    let releases: Api<DynamicObject> =
        Api::namespaced_with(site.client.clone(), "alga-system", &resource("HelmRelease")?);
    let generation = releases.get(name).await?.metadata.generation;
    let ready = json!({"type": "Ready", "status": "True", "reason": "InstallSucceeded", "message": "",
                       "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"status": {"observedGeneration": generation, "conditions": [ready]}});
    releases
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_kill_between_the_latch_and_the_removal_leaves_the_removal_to_the_next_start() -> Result<()> {
    let site = Site::start().await?;
    let setup = handed_over(&site).await?;
    crate::scene::released(&site.volume).await?;
    // Whoever changes the appliance has it: the removal waits for its turn.
    let lock = FileLock::try_acquire(&site.volume.path(file::UPDATE_LOCK), "test")?;
    let repair = RepairRequest {
        release: "alga-core".to_owned(),
        dry_run: false,
        force: false,
        skip_cleanup: false,
    };
    assert!(matches!(setup.repair(repair).await, Err(RepairError::Busy(_))));
    complete_job(&site).await?;
    let latched = observed(&setup, |record| record.state == BootstrapState::Complete).await?;
    assert!(!latched.password_removed && has_password(&site).await?);
    setup.stop();
    drop(setup);
    drop(lock);

    let setup = site.open();
    setup.resume();
    observed(&setup, |record| record.password_removed).await?;
    assert!(!has_password(&site).await?);
    let document = site.volume.document(file::INSTALL_STATE)?;
    assert_eq!(document["bootstrap"]["passwordRemoved"], true);
    assert_eq!(document["status"], "release-config-complete");
    Ok(())
}

#[tokio::test]
async fn a_job_that_was_gone_before_the_first_look_is_judged_by_what_it_left() -> Result<()> {
    let site = Site::start().await?;
    let setup = handed_over(&site).await?;
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "bootstrap-completed", "namespace": "msp"},
        "involvedObject": {"kind": "Job", "namespace": "msp", "name": JOB},
        "reason": "Completed", "message": "Job completed", "type": "Normal",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
    });
    apply(&site, &event).await?;
    ready_core(&site).await?;
    let record = observed(&setup, |record| record.password_removed).await?;
    assert_eq!((record.state, record.inferred), (BootstrapState::Complete, false));
    assert!(!has_password(&site).await?);
    Ok(())
}

#[tokio::test]
async fn a_ready_release_alone_is_no_complete_bootstrap() -> Result<()> {
    let site = Site::start().await?;
    let setup = handed_over(&site).await?;
    ready_core(&site).await?;
    let record = observed(&setup, |record| record.releases[0].ready).await?;
    assert_eq!(record.state, BootstrapState::Pending);
    assert!(has_password(&site).await?);
    Ok(())
}

#[tokio::test]
async fn an_application_that_works_is_complete_by_inference_and_keeps_the_password() -> Result<()> {
    let site = Site::start().await?;
    let setup = handed_over(&site).await?;
    the_application_works(&site).await?;
    ready_core(&site).await?;
    let record = observed(&setup, |record| record.state == BootstrapState::Complete).await?;
    assert!(record.inferred && !record.password_removed, "{record:?}");
    assert!(has_password(&site).await?, "nobody saw the Job succeed");
    complete_job(&site).await?;
    observed(&setup, |record| record.password_removed && !record.inferred).await?;
    Ok(())
}

/// A release that is installed to its end.
async fn in_use(site: &Site) -> Result<Setup> {
    let setup = handed_over(site).await?;
    for name in SERVICES {
        ready(site, name).await?;
    }
    complete_job(site).await?;
    let record = installed(&setup).await?;
    assert_eq!(record.release.as_deref(), Some(VERSION));
    remove_job(site).await?;
    Ok(setup)
}

#[tokio::test]
async fn a_job_of_a_later_release_that_fails_is_told_after_it_is_gone() -> Result<()> {
    let site = Site::start().await?;
    let setup = in_use(&site).await?;
    failed_job(&site).await?;
    let failed = observed(&setup, |record| record.state == BootstrapState::Failed).await?;
    assert_eq!(
        failed.last_error.as_deref(),
        Some("BackoffLimitExceeded: gave up")
    );
    assert!(failed.password_removed && failed.is_proven());
    remove_job(&site).await?;
    setup.stop();
    drop(setup);

    let setup = site.open();
    setup.resume();
    let document = site.volume.document(file::INSTALL_STATE)?;
    assert_eq!(document["bootstrap"]["state"], "failed");
    complete_job(&site).await?;
    let repaired = observed(&setup, |record| record.state == BootstrapState::Complete).await?;
    assert_eq!(repaired.last_error, None);
    assert_ne!(repaired.job_uid, failed.job_uid);
    Ok(())
}

#[tokio::test]
async fn a_job_that_failed_while_nobody_watched_is_told_at_the_next_start() -> Result<()> {
    let site = Site::start().await?;
    let setup = in_use(&site).await?;
    setup.stop();
    drop(setup);
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "bootstrap-failed", "namespace": "msp"},
        "involvedObject": {"kind": "Job", "namespace": "msp", "name": JOB, "uid": "of-another"},
        "reason": "BackoffLimitExceeded", "message": "gave up", "type": "Warning",
        "firstTimestamp": "2126-01-01T00:00:00Z", "lastTimestamp": "2126-01-01T00:00:00Z",
    });
    apply(&site, &event).await?;
    let setup = site.open();
    setup.resume();
    let failed = observed(&setup, |record| record.state == BootstrapState::Failed).await?;
    assert_eq!(failed.job_uid.as_deref(), Some("of-another"));
    assert!(failed.password_removed);
    Ok(())
}

/// The application's Deployment and a pod whose gate has ended well.
async fn the_application_works(site: &Site) -> Result<()> {
    let labels = json!({"app": "sebastian"});
    let container = json!({"name": "sebastian", "image": "none"});
    let gate = json!({"name": "wait-for-bootstrap", "image": "none"});
    let spec = json!({"containers": [container], "initContainers": [gate]});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "alga-core-sebastian", "namespace": "msp"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    });
    let owner =
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "alga-core-sebastian-1", "uid": "u"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "app", "namespace": "msp", "ownerReferences": [owner]}, "spec": spec,
    });
    apply(site, &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "msp"}})).await?;
    apply(site, &pod).await?;
    apply(site, &deployment).await?;
    let ended = json!({"terminated": {"exitCode": 0}});
    let status = json!({"status": {"initContainerStatuses": [{
        "name": "wait-for-bootstrap", "image": "none", "imageID": "", "ready": true, "restartCount": 0, "state": ended,
    }]}});
    let (params, client) = (PatchParams::default(), site.client.clone());
    let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(client.clone(), "msp");
    pods.patch_status("app", &params, &Patch::Merge(status)).await?;
    let deployments = Api::<k8s_openapi::api::apps::v1::Deployment>::namespaced(client, "msp");
    let generation = deployments.get("alga-core-sebastian").await?.metadata.generation;
    let status = json!({"status": {
        "observedGeneration": generation.context("no generation")?, "replicas": 1, "updatedReplicas": 1,
        "readyReplicas": 1, "availableReplicas": 1,
    }});
    deployments
        .patch_status("alga-core-sebastian", &params, &Patch::Merge(status))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_missing_right_is_unknown_with_its_reason_and_never_complete() -> Result<()> {
    let mut site = Site::start().await?;
    let setup = handed_over(&site).await?;
    setup.stop();
    drop(setup);
    let rule = PolicyRule {
        api_groups: Some(vec!["helm.toolkit.fluxcd.io".to_owned()]),
        resources: Some(vec!["helmreleases".to_owned()]),
        verbs: ["get", "list", "watch"].map(str::to_owned).into(),
        ..PolicyRule::default()
    };
    let name = format!("blind-{}", std::process::id());
    let kubeconfig = site.cluster.restricted_kubeconfig(&name, &[rule]).await?;
    site.volume.settings.cluster = ClusterSource::new(kubeconfig);
    let setup = site.open();
    setup.resume();
    complete_job(&site).await?;
    let record = observed(&setup, |record| record.state != BootstrapState::Pending).await?;
    assert_eq!(record.state, BootstrapState::Unknown);
    let reason = record.last_error.context("no reason")?;
    assert!(
        reason.contains("Job") && reason.contains("not allowed"),
        "{reason}"
    );
    assert!(has_password(&site).await?);
    Ok(())
}
