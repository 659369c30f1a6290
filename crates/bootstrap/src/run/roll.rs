//! `run --control-plane-only`: the control plane as it is, or the channel's newer image in its place: on trial
//! until it is healthy, and back to the one before when it is not (decision 8, 10 §12.2).
//!
//! The trial is on the disk before anything is applied, so that whoever finds one, after a kill or a power cut,
//! ends it: by waiting for the image, or by putting the one before back.

mod decide;
mod health;
mod report;
mod trial;

use std::path::PathBuf;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::Cluster;
use appliance_common::host::{ImageOutcome, ImageRecord, lock_appliance};
use appliance_common::names::{ABI_LABEL, CONTROL_PLANE_ABI, MANIFESTS_LABEL, file};
use appliance_common::process::chain;
use appliance_common::release::reference::ImageRef;
use appliance_common::state_file::FileLock;

pub(crate) use self::decide::Wish;
use self::decide::{Decision, Known, decide};
use self::report::Report;
use super::steps::{StepError, Steps};
use crate::channel::{Outcome, Selection, Source};
use crate::{host_lock, image_record, manifest_set, owned, say};

/// How newer images are taken.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RollFlags {
    #[command(flatten)]
    source: Source,
    /// Whether newer images of the channel are taken by themselves, or only offered
    #[arg(
        long,
        env = "ALGA_APPLIANCE_CP_REFRESH",
        value_enum,
        default_value_t = Refresh::Auto
    )]
    refresh: Refresh,
    /// With --control-plane-only: on whose wish
    #[arg(long, value_enum, default_value_t = Wish::Requested)]
    wish: Wish,
    /// Longest wait for a new image to become healthy, in seconds
    #[arg(long, env = "ALGA_APPLIANCE_CP_HEALTH_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 180,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    health_timeout_seconds: u64,
    /// Where it is told how the upgrade goes; beside the state when not given
    #[arg(long, env = "ALGA_APPLIANCE_CP_UPGRADE_STATUS_FILE", value_name = "PATH")]
    upgrade_status_file: Option<PathBuf>,
}

impl RollFlags {
    /// PEM file of further certification authorities.
    pub(super) fn ca_bundle(&self) -> Option<PathBuf> {
        self.source.ca_bundle.clone()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Refresh {
    /// After each boot
    Auto,
    /// When the operator says so
    Manual,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rolled {
    pub(super) outcome: ImageOutcome,
    pub(super) message: String,
}

/// How long an image that is kept is looked at, to know whether it runs well.
const KEPT_LIMIT: Duration = Duration::from_mins(1);

/// Why an image is not tried.
enum Unfit {
    /// It may not run here, or nobody says what it is.
    Refused(String),
    /// It could not be had.
    NotPulled(String),
}

/// What a roll works on.
struct Roll<'a> {
    steps: &'a Steps<'a>,
    flags: &'a RollFlags,
    cluster: Cluster,
    clock: Clock,
    record: ImageRecord,
    report: Report,
}

/// Ends a trial that was left, looks at what the channel names, and takes or keeps.
///
/// # Errors
/// The cluster does not answer before anything was changed, or the record cannot be written: nothing else is an
/// error, it is an outcome.
pub(super) async fn roll(steps: &Steps<'_>, flags: &RollFlags, clock: Clock) -> Result<Rolled, StepError> {
    let places = steps.places;
    let status = flags.upgrade_status_file.clone();
    let status = status.unwrap_or_else(|| places.state_dir.join(file::CONTROL_PLANE_UPGRADE));
    let mut roll = Roll {
        cluster: steps.cluster().await?,
        record: image_record::load(places).map_err(StepError::ImageRecord)?,
        report: Report::begin(&status, clock.now()),
        steps,
        flags,
        clock,
    };
    let rolled = roll.carry_out().await;
    if let Err(error) = &rolled {
        let now = roll.clock.now();
        roll.report.end(now, ImageOutcome::Blocked, "", &chain(error));
    }
    rolled
}

impl Roll<'_> {
    async fn carry_out(&mut self) -> Result<Rolled, StepError> {
        let Some(running) = self.steps.running(&self.cluster).await? else {
            let first = "nothing ran yet: the image that came with the installation was applied";
            return self.kept(ImageOutcome::Held, first.to_owned()).await;
        };
        if self.record.trying.is_some()
            && let Some(ended) = self.end_trial().await?
        {
            return Ok(ended);
        }
        let selection = self.flags.source.selection(self.steps.places);
        self.say("asking what the channel names");
        let resolved = self.flags.source.resolve(&selection).await;
        let named = match &resolved {
            Outcome::Image(image) => Some(image.as_str()),
            Outcome::Nothing { .. } => None,
        };
        self.report.images(&running, named);
        let decision = decide(Known {
            running: &running,
            record: &self.record,
            resolved: &resolved,
            wish: self.flags.wish,
            is_automatic: self.flags.refresh == Refresh::Auto && !selection.is_pinned(),
        });
        match decision {
            Decision::Roll(image) => match self.fit(&selection, &image).await {
                Ok(()) => self.try_out(&image).await,
                // What the operator asked for did not happen, and trying again may help.
                Err(Unfit::NotPulled(why)) if self.flags.wish == Wish::Requested => {
                    self.kept(ImageOutcome::Blocked, why).await
                }
                Err(Unfit::Refused(why) | Unfit::NotPulled(why)) => self.kept(ImageOutcome::Held, why).await,
            },
            Decision::Unchanged => {
                self.record.available = None;
                let said = "the image that the channel names runs already";
                self.kept(ImageOutcome::Unchanged, said.to_owned()).await
            }
            Decision::Held(why) => self.kept(ImageOutcome::Held, why).await,
            Decision::Offered(image) => {
                let said = format!("{image} is there, and is taken when the operator says so");
                self.record.available = Some(image);
                self.kept(ImageOutcome::Held, said).await
            }
        }
    }

    fn health_limit(&self) -> Duration {
        Duration::from_secs(self.flags.health_timeout_seconds)
    }

    fn say(&mut self, message: &str) {
        say::line(message);
        self.report.say(self.clock.now(), message);
    }

    /// The first two of the three locks (decision 15), the appliance's if nobody has it: only now, because until
    /// here nothing was changed, and a registry may take long.
    async fn locks(&self) -> Result<Result<[FileLock; 2], String>, StepError> {
        let host = host_lock::acquire(self.steps.places, "run")
            .await
            .map_err(StepError::Busy)?;
        let path = self.steps.places.state_dir.join(file::UPDATE_LOCK);
        let note = format!("an upgrade of the control plane, process {}", std::process::id());
        Ok(match lock_appliance(&path, &note) {
            Ok(update) => {
                // One that was made just now is root's; the control plane must be able to take it afterwards.
                let given = owned::give_to_pod(&path);
                given
                    .map(|()| [host, update])
                    .map_err(|error| format!("{}: {error}", path.display()))
            }
            Err(error) => Err(chain(&error)),
        })
    }

    fn store(&mut self) -> Result<(), StepError> {
        image_record::store(self.steps.places, &mut self.record, self.clock.now())
            .map_err(StepError::ImageRecord)
    }

    /// Whether an image may run here and is on this machine; else why not.
    async fn fit(&mut self, selection: &Selection, image: &str) -> Result<(), Unfit> {
        self.refused(selection, image).await.map_err(Unfit::Refused)?;
        self.say(&format!("pulling {image}"));
        let containerd = self.steps.containerd();
        let containerd = containerd.map_err(|error| Unfit::NotPulled(chain(&error)))?;
        let pulled = containerd.ensure(image).await;
        pulled.map_err(|error| Unfit::NotPulled(chain(&error)))
    }

    /// Whether an image may run here; else why not. What it brings with it is kept.
    async fn refused(&mut self, selection: &Selection, image: &str) -> Result<(), String> {
        let reference: ImageRef = image.parse().map_err(|error| chain(&error))?;
        let digest = reference.digest().ok_or("the channel's image has no digest")?;
        let registry = self.flags.source.registry_of(selection, &reference);
        let registry = registry.map_err(|error| chain(&error))?;
        self.say(&format!("asking what {image} is"));
        let labels = registry
            .image_labels(&digest)
            .await
            .map_err(|error| chain(&error))?;
        match labels.get(ABI_LABEL).map(String::as_str) {
            Some(CONTROL_PLANE_ABI) => match labels.get(MANIFESTS_LABEL) {
                Some(label) => {
                    manifest_set::keep(self.steps.places, image, label).map_err(|error| chain(&error))
                }
                // It has no other wishes than those of the installation.
                None => Ok(()),
            },
            Some(other) => Err(format!(
                "foreign image: {image} is made for hosts of kind {other}, this one is of kind {CONTROL_PLANE_ABI}"
            )),
            None => Err(format!(
                "foreign image: {image} does not say that it is made for this host ({ABI_LABEL})"
            )),
        }
    }

    /// The image that is there stays, with the manifests of this installation.
    async fn kept(&mut self, outcome: ImageOutcome, why: String) -> Result<Rolled, StepError> {
        let host = host_lock::acquire(self.steps.places, "run")
            .await
            .map_err(StepError::Busy)?;
        let image = self.steps.apply_kept(&self.cluster).await?;
        drop(host);
        if health::healthy(&self.cluster, self.health_limit().min(KEPT_LIMIT))
            .await
            .is_ok()
        {
            self.record.last_known_good = Some(image);
        }
        self.ended(outcome, why).await
    }

    async fn ended(&mut self, outcome: ImageOutcome, message: String) -> Result<Rolled, StepError> {
        self.record.outcome = Some(outcome);
        self.record.reason = Some(message.clone());
        self.store()?;
        let running = self.steps.running(&self.cluster).await;
        let running = running.ok().flatten().unwrap_or_default();
        self.report.end(self.clock.now(), outcome, &running, &message);
        Ok(Rolled { outcome, message })
    }
}
