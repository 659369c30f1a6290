//! What an operator, and the host, do in a disturbed install: submit, get another code, start again.

use std::sync::Arc;

use anyhow::{Result, bail};
use appliance_common::process::chain;
use appliance_control_plane::setup::failure::{Blame, Failure};
use appliance_control_plane::setup::inputs::RawInputs;
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{Refusal, SubmitError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Drive, HEALTHY_LIMIT, LOOK_EVERY};
use crate::faults::report::Broken;
use crate::faults::truth;

/// A password that breaks careless quoting and trimming.
const PASSWORD: &str = r#" Can"ary\7!psa-Xq "#;

/// The company of the box, as its operator and the licence service have it.
pub(super) const COMPANY: &str = "Example Ltd";

/// What an operator types.
fn answers(code: &str) -> Value {
    json!({
        "channel": "stable",
        "appHostname": "https://psa.example.test",
        "tenantName": COMPANY,
        "adminFirstName": "Ada",
        "adminLastName": "Lovelace",
        "adminEmail": "ada@example.test",
        "adminPassword": PASSWORD,
        "adminPasswordConfirm": PASSWORD,
        // These disks are the ones of whoever runs the tests.
        "waivedChecks": ["disk-space", "disk-space-data", "inode-space"],
        "licenseMode": "code",
        "installCode": code,
        "editionChoice": "ee",
    })
}

impl Drive<'_> {
    /// The next life of a program that was killed.
    pub(super) async fn restart(&mut self) -> Result<()> {
        self.start_again().await?;
        let is_empty = self.setup.view().is_ok_and(|view| view.history.run == Run::Empty);
        if is_empty && self.setup.stored_inputs().is_none() {
            let stuck = self.submit().await?;
            return stuck.map_or(Ok(()), |stuck| bail!("after a kill: {stuck}"));
        }
        Ok(())
    }

    /// Ends the program as a kill does, and starts it again.
    async fn start_again(&mut self) -> Result<()> {
        self.report.kills += 1;
        self.setup.stop();
        self.until_unlocked().await?;
        self.keep_secrets().await?;
        self.setup = self.lane.open(&self.volume)?;
        self.setup.resume();
        Ok(())
    }

    /// Submits as an operator does, until it is taken; `Some` says why it never is.
    pub(super) async fn submit(&mut self) -> Result<Option<String>> {
        let answers = RawInputs::from_json(&serde_json::to_vec(&answers(&self.code))?)?;
        let deadline = Instant::now() + HEALTHY_LIMIT;
        loop {
            let (setup, kill) = (self.setup.clone(), Arc::clone(&self.lane.kill));
            let answered = tokio::select! {
                answered = setup.submit(&answers) => answered,
                () = kill.notified() => {
                    self.start_again().await?;
                    continue;
                }
            };
            let refused = match answered {
                Ok(_) | Err(SubmitError::Refused(Refusal::Running)) => return Ok(None),
                Err(refused) => refused,
            };
            let words = chain(&refused);
            match refused {
                SubmitError::Busy(_) => {}
                SubmitError::Refused(_) | SubmitError::Invalid(_) => return Ok(Some(words)),
                SubmitError::NoSeal(_)
                | SubmitError::Seal(_)
                | SubmitError::Store(_)
                | SubmitError::Record(_) => {
                    let is_true = truth::is_in(self.cell, &words);
                    self.named(words.clone(), is_true);
                    self.heal().await?;
                }
            }
            if Instant::now() >= deadline {
                return Ok(Some(words));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// A code of which the answer was lost is replaced at the portal, as its failure says.
    pub(super) fn get_another_code(&mut self, failure: &Failure) -> Result<()> {
        if failure.step == Blame::RedeemInstallCode && failure.correctable {
            self.report.reissued += 1;
            self.code = self.lane.service.reissue(&self.code)?;
            if !self.may_have_lost_an_answer() {
                let words = format!("another code is asked for: {}", failure.message);
                self.report.broken.push((Broken::DuplicateRedemption, words));
            }
        }
        Ok(())
    }
}
