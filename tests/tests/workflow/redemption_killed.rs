//! One redemption, whatever crashes where.

use std::future::Future;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file::replace;
use appliance_tests::standins::license_service::Plan;
use serde_json::json;

use crate::objects::{lasting, secret_value};
use crate::redemption::{COMPANY, SEED, Shop, TENANT, with_code};
use crate::scene::{RUN_LIMIT, ended, journal_lines, killed_with, released, submit};

/// Submits a code, and stops once the ledger is in this state; gives the handle of the run.
async fn at_ledger_state(
    shop: &Shop,
    code: &str,
    state: &str,
) -> Result<appliance_control_plane::setup::Setup> {
    let setup = shop.site.open();
    submit(&setup, &with_code(code)).await?;
    within_the_limit(async {
        // The engine goes on after a write only when this task has had its turn.
        while !shop.ledger().is_ok_and(|ledger| ledger["state"] == state) {
            tokio::task::yield_now().await;
        }
    })
    .await?;
    Ok(setup)
}

async fn within_the_limit<T>(work: impl Future<Output = T>) -> Result<T> {
    let done = tokio::time::timeout(RUN_LIMIT, work).await;
    done.context("what was waited for does not come")
}

#[tokio::test]
async fn a_run_that_is_killed_after_any_write_of_journal_or_ledger_redeems_once() -> Result<()> {
    let mut shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let undisturbed = lasting(&shop.installs(&code).await?);
    let lines = journal_lines(&shop.site.volume)?;
    let first = lines.iter().position(|line| line.contains("redeem-install-code"));
    let first = first.context("the step is not in the journal")?;
    let journal = (first..=lines.len()).map(|count| (format!("line {count}"), count, ""));
    let ledger = ["intent", "redeemed", "settled"].map(|state| (format!("ledger {state}"), 0, state));
    for (round, count, state) in journal.chain(ledger) {
        shop.site.clear().await?;
        shop.new_volume().await?;
        let before = shop.service.redemptions();
        let code = shop.service.issue(COMPANY, Plan::Pro);
        if state.is_empty() {
            killed_with(&shop.site.volume, &with_code(&code), count).await?;
        } else {
            let setup = at_ledger_state(&shop, &code, state).await?;
            setup.stop();
            drop(setup);
            tokio::task::yield_now().await;
            assert_eq!(shop.ledger()?["state"], state, "the engine went on");
        }
        let setup = shop.site.open();
        setup.resume();
        let objects = shop.completes(&setup).await.context(round.clone())?;
        assert_eq!(shop.service.redemptions(), before + 1, "{round}");
        assert_eq!(lasting(&objects), undisturbed, "{round}");
        let tenant = shop.service.tenant_of(&code).context("no company")?;
        assert_eq!(
            secret_value(&objects[TENANT], "INITIAL_TENANT_ID")?,
            tenant,
            "{round}"
        );
        assert_eq!(shop.ledger()?["state"], "settled", "{round}");
    }
    assert_eq!(
        shop.service.requests().len(),
        shop.service.redemptions(),
        "no question was asked twice"
    );
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_dies_after_the_redemption_costs_no_second_one() -> Result<()> {
    let mut shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let setup = at_ledger_state(&shop, &code, "redeemed").await?;
    shop.site.cluster.kill_api();
    ended(&setup).await?;
    let state = shop.state()?;
    assert_eq!(state["failure"]["step"], "apply-runtime-values", "{state:#}");
    assert_eq!(state["failure"]["transient"], true);
    released(&shop.site.volume).await?;
    drop(setup);
    assert_eq!(shop.ledger()?["state"], "redeemed");

    shop.site.cluster.start_api().await?;
    let objects = shop.installs(&code).await?;
    assert_eq!(
        (shop.service.redemptions(), shop.service.requests().len()),
        (1, 1)
    );
    assert!(secret_value(&objects[SEED], "LICENSE_TOKEN")?.starts_with("canary-header."));
    assert_eq!(shop.ledger()?["state"], "settled");
    Ok(())
}

#[tokio::test]
async fn a_damaged_ledger_is_said_and_asks_nobody_until_new_answers_come() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let setup = at_ledger_state(&shop, &code, "redeemed").await?;
    setup.stop();
    drop(setup);
    tokio::task::yield_now().await;
    let id = shop.appliance_id()?;
    let path = shop.site.volume.path(file::REDEMPTION);
    let text = std::fs::read(&path)?;
    replace(&path, &text[..text.len() / 2], 0o600)?;

    let setup = shop.site.open();
    setup.resume();
    let failure = shop.blocks(&setup).await?;
    assert_eq!(failure["code"], "redemption_record_damaged");
    assert_eq!(
        (&failure["correctable"], &failure["retrySafe"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(shop.service.requests().len(), 1, "nothing was asked");
    drop(setup);
    ensure!(
        shop.site.volume.path("redemption.json.damaged").exists(),
        "the damaged one is lost"
    );

    let failure = shop.is_blocked(&code).await?;
    assert_eq!(failure["code"], "consumed_claim_code");
    assert!(
        failure["message"].to_string().contains("this very box"),
        "{failure:#}"
    );
    let objects = shop.installs(&shop.service.reissue(&code)?).await?;
    let tenant = shop.service.tenant_of(&code).context("no company")?;
    assert_eq!(secret_value(&objects[TENANT], "INITIAL_TENANT_ID")?, tenant);
    assert_eq!(
        (shop.appliance_id()?, shop.service.appliances()),
        (id.clone(), vec![id])
    );
    Ok(())
}

#[tokio::test]
async fn a_licence_that_the_cluster_lost_is_asked_for_and_a_free_one_is_made_again() -> Result<()> {
    let mut shop = Shop::start().await?;
    for (plan, is_free) in [(Plan::Essentials, true), (Plan::Pro, false)] {
        shop.site.clear().await?;
        shop.new_volume().await?;
        let code = shop.service.issue(COMPANY, plan);
        let setup = at_ledger_state(&shop, &code, "settled").await?;
        setup.stop();
        drop(setup);
        tokio::task::yield_now().await;
        let secrets =
            kube::Api::<k8s_openapi::api::core::v1::Secret>::namespaced(shop.site.client.clone(), "msp");
        secrets
            .delete("appliance-license-seed", &kube::api::DeleteParams::default())
            .await?;
        let asked = shop.service.requests().len();
        let setup = shop.site.open();
        setup.resume();
        if is_free {
            let objects = shop.completes(&setup).await?;
            assert_eq!(secret_value(&objects[SEED], "INSTALL_EDITION")?, "essentials");
        } else {
            let failure = shop.blocks(&setup).await?;
            assert_eq!(failure["code"], "redeemed_license_gone");
            drop(setup);
            let objects = shop.installs(&shop.service.reissue(&code)?).await?;
            assert!(secret_value(&objects[SEED], "LICENSE_TOKEN")?.starts_with("canary-header."));
        }
        assert_eq!(shop.service.requests().len() - asked, usize::from(!is_free));
    }
    Ok(())
}
