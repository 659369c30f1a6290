//! One install, disturbed: submits, lets things go wrong, kills and restarts, mends what the state names,
//! tries again as an operator would, and looks at the end.

mod findings;
mod operator;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use appliance_common::names::file;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::board::View;
use appliance_control_plane::setup::failure::Failure;
use appliance_control_plane::setup::run::Run;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::disk::StateVolume;
use super::end::End;
use super::lane::Lane;
use super::report::{Broken, Report};
use super::trouble::{Cell, EDGES, Trouble};
use super::truth;
use crate::standins::license_service::Plan;
use operator::COMPANY;

/// Longest time an install may take once everything is well.
const HEALTHY_LIMIT: Duration = Duration::from_secs(45);

/// How long an outage lasts that the state does not name.
const PATIENCE: Duration = Duration::from_secs(33);

/// Whether a live line says what holds setup up: `waiting for the cluster: …`.
fn tells_of_trouble(line: &str) -> bool {
    line.starts_with("waiting for ") && line.contains(": ") || line.contains("make room on the disk")
}

/// How long an outage lasts at least that the state names and waits out: long enough for a call to give up.
const OUTAGE: Duration = Duration::from_secs(4);

/// How long what was mended may still be felt: a request that it cut off fails only then.
const AFTERMATH: Duration = Duration::from_secs(10);

/// How often what no view tells is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where an install stands.
enum Turn {
    /// It was killed.
    Killed,
    /// It is blocked, and this was which attempt.
    Blocked(Failure, u32),
    /// It waits for what its state names.
    Waits(String),
    /// It is done.
    Complete,
    /// Nothing happens any more.
    Stuck(String),
}

/// One install under way.
pub(super) struct Drive<'a> {
    lane: &'a mut Lane,
    cell: &'a Cell,
    volume: StateVolume,
    setup: Setup,
    /// Disks and kills that have not happened yet.
    pending: Vec<Trouble>,
    began: Instant,
    /// When everything was well for the last time.
    healed: Instant,
    disk_hits: Vec<(Instant, String)>,
    /// The install code the operator has.
    code: String,
    /// The attempt whose failure was acted on; it is tried again by itself.
    handled: Option<u32>,
    /// Redemptions of earlier installs.
    redeemed: usize,
    /// Values of Secrets that were seen in the cluster.
    kept: BTreeMap<String, String>,
    report: Report,
}

impl<'a> Drive<'a> {
    /// A box as it is delivered, and everything armed.
    pub(super) async fn begin(lane: &'a mut Lane, cell: &'a Cell) -> Result<Self> {
        lane.heal().await?;
        lane.clear().await?;
        let volume = if cell.needs_a_mount() {
            StateVolume::small()?
        } else {
            StateVolume::plain()?
        };
        lane.deliver(&volume).await?;
        lane.stage.look_at(volume.path().join(file::SETUP_JOURNAL));
        for edge in EDGES {
            lane.proxy(edge).script().arm(cell.rules(edge));
        }
        let is_pending = |trouble: &&Trouble| !matches!(trouble, Trouble::Requests { .. });
        let now = Instant::now();
        Ok(Self {
            setup: lane.open(&volume)?,
            cell,
            volume,
            pending: cell.troubles.iter().filter(is_pending).cloned().collect(),
            began: now,
            healed: now,
            disk_hits: Vec::new(),
            code: lane.service.issue(COMPANY, Plan::Pro),
            handled: None,
            redeemed: lane.service.redemptions(),
            kept: BTreeMap::new(),
            report: Report::of(cell),
            lane,
        })
    }

    /// Follows the install to its end and judges it.
    pub(super) async fn finish(mut self, undisturbed: Option<&End>) -> Result<(Report, Option<End>)> {
        let mut end = None;
        match self.follow().await? {
            Some(stuck) => self.report.broken.push((Broken::Wedged, stuck)),
            None => match self.judge(undisturbed).await {
                Ok(found) => end = Some(found),
                Err(error) => self
                    .report
                    .broken
                    .push((Broken::DifferentEnd, format!("{error:#}"))),
            },
        }
        self.setup.stop();
        self.lane.heal().await?;
        self.volume.heal()?;
        if self.cell.must_happen && self.report.injected.is_empty() {
            self.report
                .broken
                .push((Broken::NotDisturbed, "nothing went wrong".to_owned()));
        }
        self.report.took = self.began.elapsed().as_secs_f64();
        Ok((self.report, end))
    }

    /// `Some` says why it came to no end.
    async fn follow(&mut self) -> Result<Option<String>> {
        self.setup.resume();
        if let Some(stuck) = self.submit().await? {
            return Ok(Some(stuck));
        }
        loop {
            let views = self.setup.board().context("the journal cannot be read")?.follow();
            match self.next(views).await? {
                Turn::Complete => return Ok(None),
                Turn::Stuck(why) => return Ok(Some(why)),
                Turn::Killed => self.restart().await?,
                Turn::Waits(words) => {
                    let is_true = truth::is_in(self.cell, &words);
                    self.named(words, is_true);
                    self.heal().await?;
                }
                Turn::Blocked(failure, attempt) => {
                    self.report.blocked += 1;
                    let words = format!("{} ({})", failure.category, failure.suspected_cause);
                    self.named(words, truth::names(self.cell, &failure));
                    self.heal().await?;
                    self.get_another_code(&failure)?;
                    if failure.transient && failure.retry_safe {
                        self.handled = Some(attempt);
                    } else if let Some(stuck) = self.submit().await? {
                        return Ok(Some(stuck));
                    }
                }
            }
        }
    }

    /// The next thing to act on. What is due at a line of the journal happens here without a pause, so the
    /// engine, which goes on only when its reader has seen the line, is not ahead of it.
    async fn next(&mut self, mut views: watch::Receiver<Arc<View>>) -> Result<Turn> {
        loop {
            let view = Arc::clone(&*views.borrow_and_update());
            if let Some(turn) = self.look(&view)? {
                return Ok(turn);
            }
            let kill = Arc::clone(&self.lane.kill);
            tokio::select! {
                changed = views.changed() => changed.context("setup has ended")?,
                () = kill.notified() => {
                    self.setup.stop();
                    return Ok(Turn::Killed);
                }
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn look(&mut self, view: &View) -> Result<Option<Turn>> {
        if self.act_on_the_journal()? {
            return Ok(Some(Turn::Killed));
        }
        if let Some(failure) = view.engine_failure.as_ref().filter(|_| self.is_disturbed()) {
            let words = format!("{} ({})", failure.category, failure.suspected_cause);
            return Ok(Some(Turn::Waits(words)));
        }
        let told = view.live_line().filter(|line| tells_of_trouble(line));
        if let Some(words) = told.filter(|_| self.is_outage()) {
            if self.report.named_after.is_none() {
                let is_true = truth::is_in(self.cell, words);
                self.named(words.to_owned(), is_true);
            }
            if self.open_hit().is_some_and(|at| at.elapsed() > OUTAGE) {
                return Ok(Some(Turn::Waits(words.to_owned())));
            }
        }
        Ok(match &view.history.run {
            Run::Complete => Some(Turn::Complete),
            Run::Blocked { failure, .. } if self.handled != Some(view.history.attempt) => {
                Some(Turn::Blocked(failure.clone(), view.history.attempt))
            }
            _ if self.open_hit().is_some_and(|at| at.elapsed() > PATIENCE) => {
                Some(Turn::Waits(format!("nothing, but {:?}", view.progress)))
            }
            run if self.healed.elapsed() > HEALTHY_LIMIT + PATIENCE => Some(Turn::Stuck(format!(
                "{run:?}, {:?}, {:?}",
                view.progress, view.engine_failure
            ))),
            _ => None,
        })
    }

    /// Lets disks go wrong and the program be killed as the newest line says; `true` for a kill.
    fn act_on_the_journal(&mut self) -> Result<bool> {
        let Some(event) = self.lane.stage.last_event() else {
            return Ok(false);
        };
        let count = self.journal()?.lines().count();
        let is_due = |trouble: &Trouble| match trouble {
            Trouble::Disk { step, .. } => event["event"] == "step-started" && event["step"] == step.as_str(),
            Trouble::Kill { after, .. } => after.is(&event, count),
            Trouble::Requests { .. } => false,
        };
        let (mut due, later): (Vec<_>, Vec<_>) = self.pending.drain(..).partition(is_due);
        self.pending = later;
        // A line is torn by a write that the disk still took.
        due.sort_by_key(|trouble| matches!(trouble, Trouble::Disk { .. }));
        let mut is_killed = false;
        for trouble in due {
            self.disk_hits.push((Instant::now(), trouble.kind()));
            match trouble {
                Trouble::Disk { fault, .. } => self.volume.disturb(fault)?,
                Trouble::Kill { torn, .. } => {
                    self.setup.stop();
                    if torn {
                        self.tear_the_last_line()?;
                    }
                    is_killed = true;
                }
                Trouble::Requests { .. } => {}
            }
        }
        Ok(is_killed)
    }

    fn journal(&self) -> Result<String> {
        let path = self.volume.path().join(file::SETUP_JOURNAL);
        std::fs::read_to_string(path).context("reading the journal")
    }

    fn tear_the_last_line(&self) -> Result<()> {
        let text = self.journal()?;
        let last = text.lines().next_back().context("an empty journal")?;
        let path = self.volume.path().join(file::SETUP_JOURNAL);
        let open = std::fs::OpenOptions::new().write(true).open(path)?;
        open.set_len((text.len() - last.len() / 2) as u64)?;
        Ok(())
    }

    /// Everything is well from now on; what has not happened yet still may.
    async fn heal(&mut self) -> Result<()> {
        self.note_hits();
        self.lane.heal().await?;
        self.volume.heal()?;
        self.keep_secrets().await?;
        self.healed = Instant::now();
        Ok(())
    }
}
