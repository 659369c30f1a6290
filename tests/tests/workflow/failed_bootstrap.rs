//! A bootstrap Job that fails: told with its log, repaired by request, and the password kept until then.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::handover::BootstrapState;
use appliance_control_plane::setup::repair::{RepairError, RepairRequest, RepairState, Repaired};
use appliance_control_plane::setup::run::Run;
use appliance_tests::standins::helm_controller::Bootstrap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ListParams};

use crate::install::Scene;
use crate::scene::{PASSWORD, RUN_LIMIT, answers, ended, installed, journal_lines, observed, submit};

fn request() -> RepairRequest {
    RepairRequest {
        release: "alga-core".to_owned(),
        dry_run: false,
        force: false,
        skip_cleanup: false,
    }
}

#[tokio::test]
async fn a_failed_bootstrap_is_told_with_its_log_and_repaired() -> Result<()> {
    let scene = Scene::start().await?;
    let volume = scene.volume()?;
    let canary = PASSWORD.trim();
    let line = format!("connecting with {canary} to db");
    let log = [
        "bootstrap_mode=recover user_count=0",
        &line,
        "DB_PASSWORD=hunter2hunter2",
        "ERROR seeds are missing",
    ];
    scene.stack.cluster.write_log(&log)?;
    scene.stack.helm.bootstrap(Bootstrap::Fails);
    let setup = volume.open();
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);

    let failed = observed(&setup, |record| {
        record.state == BootstrapState::Failed && record.log_excerpt.is_some()
    })
    .await?;
    assert_eq!(
        failed.last_error.as_deref(),
        Some("ERROR seeds are missing"),
        "{failed:#?}"
    );
    let excerpt = failed.log_excerpt.context("no log")?;
    assert!(excerpt.contains("bootstrap_mode=recover"), "{excerpt}");
    no_secret_is_in(&excerpt);
    no_secret_is_in(&std::fs::read_to_string(volume.path(file::SETUP_JOURNAL))?);
    assert_eq!(
        volume.document(file::INSTALL_STATE)?["bootstrap"]["state"],
        "failed"
    );
    assert!(password(&scene).await?.is_some(), "the next Job needs it");

    a_dry_run_changes_nothing(&scene, &setup).await?;
    let job = a_repair_removes_the_job_and_saves_its_log(&scene, &setup).await?;
    let lines = journal_lines(&volume)?.len();
    let complete = installed(&setup).await?;
    assert!(complete.job_uid.is_some_and(|uid| uid != job) && complete.log_excerpt.is_none());
    assert!(
        journal_lines(&volume)?.len() < lines + 30,
        "the journal grows by what changes only"
    );
    repair_ends(&setup, RepairState::Ready).await?;
    the_password_is_gone_and_nothing_else(&scene).await?;
    a_healthy_release_is_left_alone(&scene, &setup).await
}

async fn a_repair_removes_the_job_and_saves_its_log(scene: &Scene, setup: &Setup) -> Result<String> {
    scene.stack.helm.bootstrap(Bootstrap::Completes);
    let job = job_uid(scene).await?;
    let Repaired::Begun {
        plan,
        requested_at,
        logs,
    } = setup.repair(request()).await?
    else {
        anyhow::bail!("not begun");
    };
    assert_eq!(plan.remove.len(), 1, "{plan:?}");
    assert!(plan.remove[0].uid == job && !requested_at.is_empty());
    logs_are_saved(Path::new(&logs.context("no logs")?))?;
    assert!(matches!(
        setup.repair(request()).await,
        Err(RepairError::Running(_) | RepairError::TooSoon(_))
    ));
    Ok(job)
}

fn no_secret_is_in(text: &str) {
    for secret in [PASSWORD.trim(), "ary\\7", "hunter2", &STANDARD.encode(PASSWORD)] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

async fn password(scene: &Scene) -> Result<Option<Vec<u8>>> {
    let secrets = Api::<Secret>::namespaced(scene.client.clone(), "msp");
    let data = secrets.get("appliance-initial-tenant").await?.data;
    Ok(data
        .unwrap_or_default()
        .remove("INITIAL_ADMIN_PASSWORD")
        .map(|value| value.0))
}

async fn job_uid(scene: &Scene) -> Result<String> {
    let jobs = Api::<Job>::namespaced(scene.client.clone(), "msp");
    let job = jobs.get("alga-core-sebastian-bootstrap").await?;
    job.metadata.uid.context("no uid")
}

async fn a_dry_run_changes_nothing(scene: &Scene, setup: &Setup) -> Result<()> {
    let before = job_uid(scene).await?;
    let dry = RepairRequest {
        dry_run: true,
        ..request()
    };
    let Repaired::Planned(plan) = setup.repair(dry).await? else {
        anyhow::bail!("not a plan");
    };
    assert!(plan.force && !plan.healthy);
    assert_eq!(
        (plan.remove[0].kind, plan.remove[0].uid.as_str()),
        ("Job", before.as_str())
    );
    assert_eq!(job_uid(scene).await?, before);
    assert!(setup.repair_view().is_none());
    Ok(())
}

fn logs_are_saved(directory: &Path) -> Result<()> {
    let mode = |path: &Path| -> Result<u32> { Ok(std::fs::metadata(path)?.permissions().mode() & 0o777) };
    assert_eq!(mode(directory)?, 0o700);
    let files: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 1);
    let file = files[0].path();
    assert_eq!(mode(&file)?, 0o600);
    let text = std::fs::read_to_string(&file)?;
    assert!(text.contains("ERROR seeds are missing"), "{text}");
    no_secret_is_in(&text);
    Ok(())
}

async fn repair_ends(setup: &Setup, wanted: RepairState) -> Result<()> {
    let ended = async {
        loop {
            let view = setup.repair_view();
            match view {
                Some(view) if view.state == wanted => return view,
                _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    };
    let view = tokio::time::timeout(RUN_LIMIT, ended)
        .await
        .context("the repair does not end")?;
    ensure!(!view.conditions.is_empty(), "nothing was told of it");
    Ok(())
}

async fn the_password_is_gone_and_nothing_else(scene: &Scene) -> Result<()> {
    let secrets = Api::<Secret>::namespaced(scene.client.clone(), "msp");
    let secret = secrets.get("appliance-initial-tenant").await?;
    let keys: Vec<_> = secret
        .data
        .iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "INITIAL_ADMIN_EMAIL",
            "INITIAL_ADMIN_FIRST_NAME",
            "INITIAL_ADMIN_LAST_NAME",
            "INITIAL_ADMIN_PASSWORD_HASH",
            "INITIAL_TENANT_ID",
            "INITIAL_TENANT_NAME",
        ]
    );
    // Managed fields and annotations are in there too.
    no_secret_is_in(&serde_json::to_string(&secret)?);
    Ok(())
}

async fn a_healthy_release_is_left_alone(scene: &Scene, setup: &Setup) -> Result<()> {
    let pods = Api::<Pod>::namespaced(scene.client.clone(), "msp");
    let uids = async || -> Result<Vec<_>> {
        let pods = pods.list(&ListParams::default()).await?.items;
        Ok(pods.into_iter().map(|pod| pod.metadata.uid).collect())
    };
    let before = uids().await?;
    let other = RepairRequest {
        release: "temporal".to_owned(),
        ..request()
    };
    let Repaired::Nothing(plan) = setup.repair(other).await? else {
        anyhow::bail!("something was done");
    };
    assert_eq!(plan.reason, "nothing to repair");
    assert_eq!(uids().await?, before);
    let missing = RepairRequest {
        release: "no-such".to_owned(),
        ..request()
    };
    let refused = setup.repair(missing).await;
    assert!(matches!(
        refused,
        Err(RepairError::Refused {
            code: "release_not_found",
            ..
        })
    ));
    Ok(())
}
