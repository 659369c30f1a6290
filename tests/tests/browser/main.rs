//! The web pages in a real browser: each scenario is a program for node (`ui/e2e`) that drives Debian's
//! Chromium. Some show states that are rare with fixture answers (`ui/e2e/fixture`); the others drive the real
//! control plane with the pages that are embedded in it, on a real API server, registry, kustomize-controller
//! and the players of `appliance_tests::stack`. What happens behind the pages they ask for over a socket
//! (`talk`). What a person should look at lies in `target/screenshots/` afterwards.
//!
//! Of the classes of `docs/blockers.md`, these are not shown here: `node-ready` (kwok makes its node ready at
//! once), `inode-space` (the disk is this machine's), `login-address` (the player of the application's page
//! always lets users in), `pod-start-failed`, `workload-not-ready` and `background-workload` (told only after
//! two, five and twenty minutes), `cluster-reading` and
//! `flux-object-missing` (their definitions would have to go, and all that hangs on them),
//! `egress-registry`, `release-source` and the `setup-*` and `update-*` (failures of setup, which
//! `tests/workflow` and the table tests of the judge make; of them `install-code` is met here),
//! `state-unreadable` (the record is damaged in the tests of the control plane).

mod application;
mod kubelet;
mod server;
mod site;
mod talk;
mod trouble;
mod world;

use anyhow::Result;
use tokio::sync::Mutex;

use site::Site;
use world::World;

/// Chromium and a cluster are as much as two cores take: one test at a time.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn pages_look_well_in_both_themes_and_on_a_phone_and_what_disturbs_them_costs_nothing_typed()
-> Result<()> {
    let _turn = TURN.lock().await;
    let site = Site::build().await?;
    site.show("disturbed").await?;
    site.show("look").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_installs_manages_and_finds_out_what_is_wrong() -> Result<()> {
    let _turn = TURN.lock().await;
    let site = Site::build().await?;
    let mut world = World::start().await?;
    site.play("install", &mut world).await?;
    site.play("workloads", &mut world).await?;
    site.play("manage", &mut world).await?;
    site.play("support", &mut world).await?;
    site.play("broken", &mut world).await?;
    world.unpack_another().await?;
    site.play("session", &mut world).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_outlives_its_server_and_a_first_setup_that_failed_is_repaired() -> Result<()> {
    let _turn = TURN.lock().await;
    let site = Site::build().await?;
    let mut world = World::start().await?;
    site.play("restart", &mut world).await?;
    site.play("first-setup", &mut world).await
}
