//! What a disturbed install is found to have done: what was injected and named, what was kept, how it ended.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep, timeout};

use super::{AFTERMATH, Drive, HEALTHY_LIMIT, LOOK_EVERY};
use crate::faults::end::{self, End};
use crate::faults::objects::{ours, values};
use crate::faults::report::{Broken, NAME_LIMIT};
use crate::faults::trouble::{EDGES, Edge, Trouble};

impl Drive<'_> {
    /// The state has named something.
    pub(super) fn named(&mut self, words: String, is_true: bool) {
        let open = self.open_hit();
        let is_well = open.is_none() && self.healed.elapsed() > AFTERMATH;
        if !is_true || is_well {
            self.report.broken.push((Broken::Misnamed, words.clone()));
        }
        let after = open.map(|at| at.elapsed()).unwrap_or_default();
        if after > NAME_LIMIT {
            let text = format!("after {:.1} s: {words}", after.as_secs_f64());
            self.report.broken.push((Broken::NamedLate, text));
        }
        if self.report.named_after.is_none() {
            self.report.named_after = Some(after.as_secs_f64());
            self.report.named_as = Some(words);
        }
    }

    pub(super) fn hits(&self) -> Vec<(Instant, String)> {
        let mut hits = self.disk_hits.clone();
        for edge in EDGES {
            let of = self.lane.proxy(edge).script().hits();
            hits.extend(
                of.into_iter()
                    .map(|hit| (hit.at, format!("{edge} {}", hit.fault))),
            );
        }
        hits.sort();
        hits
    }

    /// Whether something went wrong since everything was well for the last time.
    pub(super) fn is_disturbed(&self) -> bool {
        self.open_hit().is_some()
    }

    /// Whether what went wrong lasts until it is mended.
    pub(super) fn is_outage(&self) -> bool {
        let lasts = |trouble: &Trouble| match trouble {
            Trouble::Requests { rule, .. } => rule.times.is_none(),
            Trouble::Disk { .. } => true,
            Trouble::Kill { .. } => false,
        };
        self.is_disturbed() && self.cell.troubles.iter().any(lasts)
    }

    /// When it first did.
    pub(super) fn open_hit(&self) -> Option<Instant> {
        let mut times = self.hits().into_iter().map(|(at, _)| at);
        times.find(|at| *at > self.healed)
    }

    pub(super) fn note_hits(&mut self) {
        let since = |at: Instant| at.duration_since(self.began).as_secs_f64();
        self.report.injected = self
            .hits()
            .into_iter()
            .map(|(at, kind)| (since(at), kind))
            .collect();
    }

    /// What is in the cluster now must be there at the end.
    pub(super) async fn keep_secrets(&mut self) -> Result<()> {
        let live = values(&ours(&self.lane.client).await?);
        for (name, value) in &self.kept {
            if live.get(name) != Some(value) {
                self.report.broken.push((Broken::LostSecret, name.clone()));
            }
        }
        self.kept.extend(live);
        Ok(())
    }

    /// Whether the licence service has done something that the program may not have on its disk.
    pub(super) fn may_have_lost_an_answer(&self) -> bool {
        let hits = self.lane.proxy(Edge::License).script().hits();
        let is_disk_killed = self.report.kills > 0 && self.cell.needs_a_mount();
        is_disk_killed || hits.iter().any(|hit| hit.fault.loses_the_answer())
    }

    pub(super) fn check_redemptions(&mut self) {
        let redeemed = self.lane.service.redemptions() - self.redeemed;
        let most = 1 + self.report.reissued as usize;
        if redeemed == 0 || redeemed > most {
            let words = format!("{redeemed} redemptions with {most} codes");
            self.report.broken.push((Broken::DuplicateRedemption, words));
        }
    }

    pub(super) async fn until_unlocked(&self) -> Result<()> {
        let free = async {
            while end::is_locked(self.volume.path()) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let free = timeout(HEALTHY_LIMIT, free).await;
        free.context("the appliance stays locked")
    }

    pub(super) async fn judge(&mut self, undisturbed: Option<&End>) -> Result<End> {
        self.heal().await?;
        self.until_unlocked().await?;
        if end::has_sealed_answers(self.volume.path())? {
            // The disk did not take it when the run ended; the next start does.
            self.setup = self.lane.open(&self.volume)?;
            self.setup.resume();
            let forgotten = async {
                while end::has_sealed_answers(self.volume.path())? {
                    sleep(LOOK_EVERY).await;
                }
                anyhow::Ok(())
            };
            let forgotten = timeout(HEALTHY_LIMIT, forgotten).await;
            forgotten.context("the sealed answers stay on the disk")??;
            self.until_unlocked().await?;
        }
        self.check_redemptions();
        let end = end::of(&self.lane.client, self.volume.path()).await?;
        let differences =
            undisturbed.map_or_else(Vec::new, |undisturbed| end::differences(&end, undisturbed));
        ensure!(differences.is_empty(), "{}", differences.join("; "));
        Ok(end)
    }
}
