//! An install from answers to running releases.

use anyhow::{Context, Result};
use appliance_common::names::file;
use appliance_control_plane::setup::run::Run;
use appliance_tests::flux;
use appliance_tests::stack::Stack;

use crate::scene::{Volume, answers, ended, publish_sample, submit, tools};

#[tokio::test]
async fn a_submission_ends_with_the_release_handed_to_flux() -> Result<()> {
    let tools = tools()?;
    let stack = Stack::start(&tools).await?;
    publish_sample(&stack.registry.host(), "1.0.0")
        .await
        .context("publishing")?;
    let manifest = flux::manifest(&tools)?;
    let volume = Volume::new(
        stack.cluster.kubeconfig(),
        &stack.registry.host(),
        Some(manifest.path),
    )?;
    let setup = volume.open();
    submit(&setup, &answers()).await?;
    let view = ended(&setup).await?;
    assert_eq!(
        view.history.run,
        Run::Complete,
        "{:#}",
        volume.document(file::INSTALL_STATE)?
    );
    Ok(())
}
