//! Another code after a reload of the page: the password that the last submission gave is not asked again.

use anyhow::{Context, Result, bail};
use appliance_control_plane::setup::inputs::InputErrors;
use appliance_control_plane::setup::{Setup, SubmitError};
use appliance_tests::standins::license_service::Plan;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt;

use crate::canary::{Canaries, Canary};
use crate::log::Log;
use crate::objects::secret_value;
use crate::redemption::{COMPANY, Shop, TENANT, with_code};
use crate::scene::{PASSWORD, reading, submit};

/// What the form sends when nothing but the code was typed again.
fn without_password(code: &str) -> Value {
    let mut answers = with_code(code);
    (answers["adminPassword"], answers["adminPasswordConfirm"]) = (json!(""), json!(""));
    answers
}

/// A box that stopped at a code which was used elsewhere.
async fn stopped() -> Result<(Shop, Setup)> {
    let shop = Shop::start().await?;
    shop.is_blocked("ZZZZ2222").await?;
    let setup = shop.site.open();
    Ok((shop, setup))
}

async fn refused(setup: &Setup, answers: &Value) -> Result<InputErrors> {
    match setup.submit(&reading(answers)?).await {
        Err(SubmitError::Invalid(errors)) => Ok(errors),
        other => bail!("not refused for its answers: {other:?}"),
    }
}

#[tokio::test]
async fn another_code_needs_no_password_and_installs_with_the_one_that_was_typed() -> Result<()> {
    let log = Log::default();
    let _logging = log
        .subscriber("debug,appliance_common=trace,appliance_control_plane=trace".parse()?)
        .set_default();
    let (shop, setup) = stopped().await?;
    assert!(setup.keeps_password());
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    let accepted = setup.submit(&reading(&without_password(&code))?).await?;
    let objects = shop.completes(&setup).await?;
    assert_eq!(
        secret_value(&objects[TENANT], "INITIAL_ADMIN_PASSWORD")?,
        PASSWORD
    );
    assert!(!setup.keeps_password(), "it is erased with the rest");

    let canaries = Canaries(vec![
        Canary::new("password", PASSWORD),
        Canary::new("code", &code),
    ]);
    canaries.check("the answer", serde_json::to_vec(&accepted)?)?;
    canaries.check("the log", log.text())?;
    canaries.check_volume(shop.site.volume.dir.path())
}

#[tokio::test]
async fn a_kept_password_is_for_the_administrator_it_was_typed_for() -> Result<()> {
    let (shop, setup) = stopped().await?;
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    let mut other = without_password(&code);
    other["adminEmail"] = json!("eve@example.test");
    let errors = refused(&setup, &other).await?;
    let sentence = errors.fields.get("adminPassword").context("no complaint")?;
    assert!(sentence.contains("another e-mail address"), "{sentence}");
    assert_eq!(&errors.error, sentence);
    let mut half = without_password(&code);
    half["adminPasswordConfirm"] = json!(PASSWORD);
    let errors = refused(&setup, &half).await?;
    assert!(errors.fields.contains_key("adminPasswordConfirm"), "{errors:?}");
    let mut same = without_password(&code);
    same["adminEmail"] = json!(" ADA@example.test ");
    submit(&setup, &same).await?;
    shop.completes(&setup).await?;
    Ok(())
}

#[tokio::test]
async fn a_password_whose_key_is_gone_is_asked_for_again_with_the_reason() -> Result<()> {
    let (shop, setup) = stopped().await?;
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    let secrets = Api::<Secret>::namespaced(shop.site.client.clone(), "alga-appliance-control-plane");
    secrets.delete("setup-seal", &DeleteParams::default()).await?;
    let errors = refused(&setup, &without_password(&code)).await?;
    let sentence = errors.fields.get("adminPassword").context("no complaint")?;
    assert!(sentence.contains("cannot be opened"), "{sentence}");
    setup.submit(&reading(&with_code(&code))?).await?;
    setup.stop();
    Ok(())
}
