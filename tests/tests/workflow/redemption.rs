//! Install codes: what a redeemed one leaves, and that it is redeemed once.

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::run::Run;
use appliance_tests::standins::license_service::{Fault, LicenseService, Plan};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::canary::{Canaries, Canary};
use crate::log::Log;
use crate::objects::{self, Objects, ours, secret_value};
use crate::scene::{RUN_LIMIT, answers, ended, reading, released, submit};
use crate::site::Site;

pub(crate) const TENANT: &str = "Secret msp/appliance-initial-tenant";
pub(crate) const SEED: &str = "Secret msp/appliance-license-seed";
/// The company that `answers` names.
pub(crate) const COMPANY: &str = "Example Ltd";

/// A box whose licence service is the stand-in.
pub(crate) struct Shop {
    pub(crate) site: Site,
    pub(crate) service: LicenseService,
}

impl Shop {
    pub(crate) async fn start() -> Result<Self> {
        let (mut site, service) = (Site::start().await?, LicenseService::start().await?);
        site.volume.settings.license_service = Ok(Some(service.url().parse()?));
        Ok(Self { site, service })
    }

    /// Another box, or this one after its state volume was lost.
    pub(crate) async fn new_volume(&mut self) -> Result<()> {
        self.site.new_volume().await?;
        self.site.volume.settings.license_service = Ok(Some(self.service.url().parse()?));
        Ok(())
    }

    pub(crate) fn state(&self) -> Result<Value> {
        self.site.volume.document(file::INSTALL_STATE)
    }

    pub(crate) fn ledger(&self) -> Result<Value> {
        self.site.volume.document(file::REDEMPTION)
    }

    pub(crate) fn appliance_id(&self) -> Result<String> {
        let text = fs::read_to_string(self.site.volume.path(file::APPLIANCE_ID))?;
        Ok(text.trim().to_owned())
    }

    pub(crate) async fn completes(&self, setup: &Setup) -> Result<Objects> {
        let run = ended(setup).await?.history.run.clone();
        ensure!(run == Run::Complete, "{:#}", self.state()?);
        released(&self.site.volume).await?;
        ours(&self.site.client).await
    }

    pub(crate) async fn blocks(&self, setup: &Setup) -> Result<Value> {
        let run = ended(setup).await?.history.run.clone();
        let state = self.state()?;
        ensure!(matches!(run, Run::Blocked { .. }), "not blocked: {state:#}");
        assert_eq!(state["status"], "runtime-values-blocked", "{state:#}");
        assert_eq!(state["failure"]["step"], "redeem-install-code", "{state:#}");
        released(&self.site.volume).await?;
        Ok(state["failure"].clone())
    }

    /// Submits a code, and gives what the finished install left.
    pub(crate) async fn installs(&self, code: &str) -> Result<Objects> {
        let setup = self.site.open();
        submit(&setup, &with_code(code)).await?;
        self.completes(&setup).await
    }

    /// Submits a code, and gives the failure it leads to.
    pub(crate) async fn is_blocked(&self, code: &str) -> Result<Value> {
        let setup = self.site.open();
        submit(&setup, &with_code(code)).await?;
        let failure = self.blocks(&setup).await?;
        ensure!(setup.is_editable(), "the form is closed: {failure:#}");
        Ok(failure)
    }
}

pub(crate) fn with_code(code: &str) -> Value {
    let mut answers = answers();
    answers["licenseMode"] = json!("code");
    answers["installCode"] = json!(code);
    answers
}

fn keys(object: &Value) -> Vec<&str> {
    let data = object["data"].as_object();
    data.map(|data| data.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

#[tokio::test]
async fn an_essentials_code_gives_a_tenant_and_no_licence() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    let typed = format!(" {}-{} ", &code[..4], &code[4..]).to_lowercase();
    let objects = shop.installs(&typed).await?;

    let (tenant, seed) = (&objects[TENANT], &objects[SEED]);
    let id = shop.service.tenant_of(&code).context("no company")?;
    assert_eq!(secret_value(tenant, "INITIAL_TENANT_ID")?, id);
    assert_eq!(keys(seed), ["APPLIANCE_ID", "EDITION_CHOICE", "INSTALL_EDITION"]);
    assert_eq!(secret_value(seed, "EDITION_CHOICE")?, "ee");
    assert_eq!(secret_value(seed, "INSTALL_EDITION")?, "essentials");
    assert_eq!(secret_value(seed, "APPLIANCE_ID")?, shop.appliance_id()?);
    assert_eq!(shop.service.requests(), [shop.appliance_id()?]);
    assert!(
        shop.service.appliances().is_empty(),
        "the free edition has no row"
    );
    assert_eq!(
        shop.state()?["redemption"],
        json!({"tenantId": id, "edition": "essentials", "companyName": COMPANY, "companyDiffers": false})
    );
    let inputs = shop.site.volume.document(file::SETUP_INPUTS)?;
    assert_eq!(
        inputs.get("sealed"),
        None,
        "the code is forgotten with the password"
    );
    for name in [file::APPLIANCE_ID, file::REDEMPTION] {
        let mode = fs::metadata(shop.site.volume.path(name))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let ledger = shop.ledger()?;
    assert_eq!(
        (&ledger["state"], &ledger["tenantId"]),
        (&json!("settled"), &json!(id))
    );
    Ok(())
}

#[tokio::test]
async fn a_paid_code_gives_its_licence_to_the_cluster_alone_and_shows_whose_it_is() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue("Acme GmbH", Plan::Pro);
    let objects = shop.installs(&code).await?;
    let seed = &objects[SEED];
    assert_eq!(
        keys(seed),
        [
            "APPLIANCE_CREDENTIAL",
            "APPLIANCE_ID",
            "CHECK_IN_URL",
            "EDITION_CHOICE",
            "INSTALL_EDITION",
            "LICENSE_TOKEN",
        ]
    );
    assert_eq!(secret_value(seed, "INSTALL_EDITION")?, "pro");
    assert!(secret_value(seed, "LICENSE_TOKEN")?.starts_with("canary-header."));
    assert!(secret_value(seed, "APPLIANCE_CREDENTIAL")?.starts_with("canary-credential-"));
    assert_eq!(shop.service.appliances(), [shop.appliance_id()?]);
    let state = shop.state()?;
    assert_eq!(state["redemption"]["companyDiffers"], true);
    assert_eq!(state["redemption"]["companyName"], "Acme GmbH");
    let summary = state["steps"][6]["summary"].as_str().unwrap_or_default();
    assert!(
        summary.contains("“Acme GmbH” (pro)") && summary.contains(COMPANY),
        "{summary}"
    );
    Ok(())
}

#[tokio::test]
async fn a_second_run_asks_nobody_and_changes_no_secret() -> Result<()> {
    let mut shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let before = objects::secrets(&shop.installs(&code).await?);
    let id = shop.appliance_id()?;

    // The state volume is lost; the cluster knows who this box is, and that the code was its own.
    shop.new_volume().await?;
    let after = objects::secrets(&shop.installs(&code).await?);
    assert_eq!(after, before);
    assert_eq!(shop.appliance_id()?, id);
    assert_eq!(shop.ledger()?["state"], "settled");
    assert_eq!(shop.service.redemptions(), 1);

    // Without a code: what a code gave stays.
    shop.new_volume().await?;
    let setup = shop.site.open();
    submit(&setup, &answers()).await?;
    let manual = objects::secrets(&shop.completes(&setup).await?);
    assert_eq!(manual, before);
    Ok(())
}

#[tokio::test]
async fn a_code_of_the_cluster_is_not_believed_for_another_box() -> Result<()> {
    let mut shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    shop.installs(&code).await?;
    shop.new_volume().await?;
    appliance_common::state_file::replace(
        &shop.site.volume.path(file::APPLIANCE_ID),
        b"appliance-0123456789abcdef\n",
        0o600,
    )?;
    let failure = shop.is_blocked(&code).await?;
    assert_eq!(failure["code"], "consumed_claim_code");
    Ok(())
}

#[tokio::test]
async fn the_id_of_a_box_survives_another_address_and_a_damaged_file() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    shop.service
        .script([Fault::Status(503, "busy", None), Fault::Status(503, "busy", None)]);
    shop.is_blocked(&code).await?;
    let id = shop.appliance_id()?;
    ensure!(id.starts_with("appliance-") && id.len() == 26, "{id}");

    let mut answers = with_code(&code);
    answers["appHostname"] = json!("http://192.0.2.7:3000");
    let setup = shop.site.open();
    submit(&setup, &answers).await?;
    shop.blocks(&setup).await?;
    drop(setup);

    // The ledger knows it.
    appliance_common::state_file::replace(&shop.site.volume.path(file::APPLIANCE_ID), b"", 0o600)?;
    let objects = shop.installs(&code).await?;
    assert_eq!(shop.service.requests(), [id.as_str(); 3]);
    assert_eq!(secret_value(&objects[SEED], "APPLIANCE_ID")?, id);
    assert_eq!(shop.appliance_id()?, id, "and the file is mended");
    Ok(())
}

#[tokio::test]
async fn code_licence_and_credential_are_nowhere_but_in_their_secret() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let log = Log::default();
    let logging = tracing::subscriber::set_default(
        log.subscriber("debug,appliance_common=trace,appliance_control_plane=trace".parse()?),
    );
    let canaries = Canaries(vec![
        Canary::new("install code", &code),
        Canary::new("licence token", "canary-header."),
        Canary::new("credential", "canary-credential-"),
    ]);
    let setup = shop.site.open();
    // Failures have texts of their own, and an answer that cannot be used is kept.
    shop.service.script([
        Fault::Status(409, "consumed_claim_code", None),
        Fault::Status(503, "busy", None),
        Fault::With("tenant_id", json!("canary-credential-")),
    ]);
    for _ in 0..3 {
        let accepted = setup.submit(&reading(&with_code(&code))?).await?;
        canaries.check("the reply", serde_json::to_string(&accepted)?)?;
        shop.blocks(&setup).await?;
        canaries.check_volume(shop.site.volume.dir.path())?;
    }
    let code = shop.service.reissue(&code)?;
    let canaries = Canaries(
        [canaries.0, vec![Canary::new("second code", &code)]]
            .into_iter()
            .flatten()
            .collect(),
    );
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    setup.submit(&reading(&with_code(&code))?).await?;
    loop {
        let view = views.borrow_and_update().clone();
        canaries.check("what readers see", format!("{view:?}"))?;
        canaries.check_volume(shop.site.volume.dir.path())?;
        match view.history.run {
            Run::Complete => break,
            Run::Blocked { .. } => anyhow::bail!("{view:?}"),
            _ => {}
        }
        tokio::time::timeout(RUN_LIMIT, views.changed()).await??;
    }
    released(&shop.site.volume).await?;
    canaries.check(
        "Debug of the handle",
        format!("{setup:?} {:?}", setup.stored_inputs()),
    )?;
    canaries.check_volume(shop.site.volume.dir.path())?;
    canaries.check_processes()?;
    canaries.check_cluster(&shop.site).await?;
    drop(logging);
    let log = log.text();
    canaries.check("the log", &log)?;
    let ended = log.lines().rfind(|line| line.contains("setup run ended"));
    let ended: Value = serde_json::from_str(ended.context("the log was not kept")?)?;
    let requests = ended["fields"]["requests"].as_u64().context("no requests")?;
    eprintln!("{requests} requests to the API server with a code");
    assert!(requests < 40, "{requests}");
    Ok(())
}
