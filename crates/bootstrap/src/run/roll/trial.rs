//! An image on trial: applied, awaited, kept, or taken back.

use appliance_common::host::{ImageOutcome, Quarantined, Trying};
use appliance_common::process::chain;

use super::{Roll, Rolled, decide, health};
use crate::run::steps::StepError;
use crate::{image_record, manifest_set};

impl Roll<'_> {
    /// A trial that an earlier program left is judged before a new one begins; `None` when it was over.
    pub(super) async fn end_trial(&mut self) -> Result<Option<Rolled>, StepError> {
        let _locks = match self.locks().await? {
            Ok(locks) => locks,
            Err(held) => return self.ended(ImageOutcome::Held, held).await.map(Some),
        };
        let running = self.read_again().await?;
        let Some(trying) = self.record.trying.take() else {
            return Ok(None);
        };
        if trying.image != running {
            // It was not applied, or somebody went back already.
            self.store()?;
            return Ok(None);
        }
        self.say(&format!(
            "waiting for {}, whose trial was interrupted",
            trying.image
        ));
        self.judge_trial(trying).await.map(Some)
    }

    /// Applies an image, and keeps it if it becomes healthy.
    pub(super) async fn try_out(&mut self, image: &str) -> Result<Rolled, StepError> {
        let _locks = match self.locks().await? {
            Ok(locks) => locks,
            Err(held) => return self.ended(ImageOutcome::Held, held).await,
        };
        let running = self.read_again().await?;
        let trying = Trying {
            image: image.to_owned(),
            previous: decide::previous(&running),
            since: self.clock.now(),
        };
        if running == image {
            return self.judge_trial(trying).await;
        }
        self.record.trying = Some(trying.clone());
        self.store()?;
        self.say(&format!("applying {image}"));
        match self.steps.apply_image(&self.cluster, image).await {
            Ok(()) => self.judge_trial(trying).await,
            Err(StepError::Cluster(error)) => {
                let why = format!("it could not be applied: {}", chain(&error));
                self.go_back(trying, why).await
            }
            Err(error) => Err(error),
        }
    }

    /// What was known before the locks were taken may be old.
    async fn read_again(&mut self) -> Result<String, StepError> {
        let places = self.steps.places;
        self.record = image_record::load(places).map_err(StepError::ImageRecord)?;
        let running = self.steps.running(&self.cluster).await?;
        Ok(running.unwrap_or_default())
    }

    async fn judge_trial(&mut self, trying: Trying) -> Result<Rolled, StepError> {
        let limit = self.health_limit();
        self.say(&format!(
            "waiting until {} is healthy, for {} s at most",
            trying.image,
            limit.as_secs()
        ));
        match health::healthy(&self.cluster, limit).await {
            Ok(()) => {
                self.record.last_known_good = Some(trying.image.clone());
                self.record.pinned = None;
                self.record.available = None;
                self.record.trying = None;
                self.record.quarantined.retain(|bad| bad.image != trying.image);
                self.steps.pin(&[&trying.image, &trying.previous]).await;
                manifest_set::keep_only(self.steps.places, &[&trying.image, &trying.previous]);
                let message = format!("{} runs and is healthy", trying.image);
                self.ended(ImageOutcome::Complete, message).await
            }
            Err(why) => self.go_back(trying, why).await,
        }
    }

    /// The image before is put back; the one that failed is never taken by itself again.
    async fn go_back(&mut self, trying: Trying, why: String) -> Result<Rolled, StepError> {
        self.say(&format!("going back to {}: {why}", trying.previous));
        // First of all: whoever is killed from here on leaves a record of what failed.
        self.record.quarantined.retain(|bad| bad.image != trying.image);
        self.record.quarantined.push(Quarantined {
            image: trying.image.clone(),
            reason: why.clone(),
            at: self.clock.now(),
        });
        self.record.trying = Some(trying.clone());
        self.store()?;
        self.steps.apply_image(&self.cluster, &trying.previous).await?;
        self.record.trying = None;
        self.store()?;
        let limit = self.health_limit();
        let back = match health::healthy(&self.cluster, limit).await {
            Ok(()) => format!("{} runs again", trying.previous),
            Err(other) => format!("{} was put back and is not healthy yet: {other}", trying.previous),
        };
        let message = format!("{} did not become healthy: {why}; {back}", trying.image);
        self.ended(ImageOutcome::Blocked, message).await
    }
}
