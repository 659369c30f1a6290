//! The plan of a real run, and that what the API server's death holds up says so.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use appliance_control_plane::setup::run::Run;

use crate::scene::{answers, ended, killed_at, submit};
use crate::site::Site;

/// By when the true cause of a fault must be named.
const NAMED_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_plan_tells_a_fresh_box_a_finished_and_an_interrupted_one_apart() -> Result<()> {
    let mut site = Site::start().await?;
    let setup = site.open();
    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    assert_eq!((plan.state.as_str(), plan.steps.len()), ("empty", 12));
    assert!(!plan.can_retry && !plan.can_cancel);
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    assert_eq!(plan.state, "complete");
    assert!(
        plan.steps
            .iter()
            .all(|step| step.state == "done" && step.typical_seconds.is_some())
    );
    assert!(!plan.can_retry && !plan.can_cancel && !plan.editable);
    drop(setup);

    site.clear().await?;
    site.new_volume().await?;
    killed_at(&site.volume, 5).await?;
    let setup = site.open();
    setup.resume();
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    let run = plan.run.context("no run")?;
    assert_eq!((&run["trigger"], &run["attempt"]), (&"resumed".into(), &2.into()));
    Ok(())
}

#[tokio::test]
async fn a_dead_api_server_is_named_while_the_run_waits_for_it() -> Result<()> {
    let site = Site::start().await?;
    killed_at(&site.volume, 8).await?;
    site.cluster.pause_api()?;
    let started = Instant::now();
    let setup = site.open();
    setup.resume();
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let named = views.wait_for(|view| {
        let says = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.contains("waiting for the cluster"))
        };
        says(&view.progress) || view.waits_for.is_some()
    });
    tokio::time::timeout(NAMED_WITHIN, named)
        .await
        .context("not named")??;
    assert!(started.elapsed() < NAMED_WITHIN);
    site.cluster.resume_api()?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    Ok(())
}
