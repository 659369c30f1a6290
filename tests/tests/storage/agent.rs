//! The host's side: asked of the agent, on drift only.

use anyhow::Result;
use appliance_common::agent_api::HostItem;
use appliance_common::process::chain;
use appliance_common::storage::HostSide;
use appliance_common::testing::{AgentFault, FakeAgent};

use crate::scene::Scene;

#[tokio::test]
async fn drift_on_the_host_is_put_right_once_and_an_agent_that_fails_is_named() -> Result<()> {
    let mut scene = Scene::start().await?;
    let agent = FakeAgent::start()?;
    scene.settings.agent = agent.socket();
    agent.drift([HostItem::DataRoot, HostItem::K3sUnit]);
    let report = scene.converge().await??;
    assert_eq!(
        report.host,
        HostSide::Mended(vec![HostItem::DataRoot, HostItem::K3sUnit])
    );
    assert!(
        report.summary().contains("the data directory, k3s's unit"),
        "{}",
        report.summary()
    );
    let asked = agent.requests().len();
    let report = scene.converge().await??;
    assert_eq!((report.host, agent.changes()), (HostSide::InPlace, 1));
    assert_eq!(agent.requests().len(), asked + 1, "one look, no change");

    agent.drift([HostItem::K3sDropIn]);
    let plan = scene.storage().await?.look().await?.lines();
    assert_eq!(plan, ["putting right on the host: k3s's drop-in"]);
    agent.fail(AgentFault::Refuse(500, "disk full".to_owned()));
    // Nobody can tell: the cluster's side decides.
    let report = scene.converge().await??;
    assert!(matches!(&report.host, HostSide::Unknown(reason) if reason.contains("disk full")));
    scene.clear().await?;
    scene.settings.images.helper = "alga.test/fails:1".parse().unwrap();
    let error = scene.converge().await?.unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("disk full") && text.contains("the storage test failed"),
        "{text}"
    );
    Ok(())
}
