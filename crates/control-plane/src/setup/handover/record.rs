//! What became of the release after it was handed to Flux. Pure.

use appliance_common::names::SERVICES;
use appliance_common::readiness::observed::BootstrapState;
use serde::{Deserialize, Serialize};

use super::seen::{Evidence, Job, JobEnd, Observed, Release};

/// What is known of the bootstrap Job and the releases; one line of the journal when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapRecord {
    /// Where the bootstrap is.
    pub state: BootstrapState,
    /// How many pods the Job has started.
    pub attempts: u32,
    /// Why it failed, or why nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The end of the log of the last pod that failed, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_excerpt: Option<String>,
    /// The pod that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_pod: Option<String>,
    /// The Job that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_uid: Option<String>,
    /// Version of the release that was selected when it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// A Job was once seen to complete: the company and its administrator are there for ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proven: bool,
    /// The Job was gone before it was seen to end; its work shows that it succeeded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    /// The cleartext password is out of the cluster.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_removed: bool,
    /// When `state` became what it is; ISO-8601.
    pub since: String,
    /// When this was seen.
    pub at: String,
    /// The releases, in their order.
    pub releases: Vec<ReleaseRecord>,
}

/// One release of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// Its name.
    pub name: String,
    /// Whether Flux has it as ready.
    pub ready: bool,
    /// Why not, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why not, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl BootstrapRecord {
    /// What is known before anything was seen.
    pub(in crate::setup) fn nothing_yet(at: &str) -> Self {
        let absent = |name: &&str| ReleaseRecord::from(Release::absent(name));
        Self {
            state: BootstrapState::Pending,
            attempts: 0,
            last_error: None,
            log_excerpt: None,
            log_pod: None,
            job_uid: None,
            release: None,
            proven: false,
            inferred: false,
            password_removed: false,
            since: at.to_owned(),
            at: at.to_owned(),
            releases: SERVICES.iter().map(absent).collect(),
        }
    }

    /// A Job itself was seen to complete: only then is what the first one needed not needed any more.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven || self.is_complete()
    }

    /// Nothing is left to wait for, until another Job comes.
    pub(super) fn is_over(&self) -> bool {
        self.is_complete() && self.password_removed && self.releases.iter().all(|release| release.ready)
    }

    /// Whether a Job is not the one that this is about.
    pub(super) fn is_news(&self, job: &Job) -> bool {
        job.end != JobEnd::Deleted && self.job_uid.as_deref() != Some(&job.uid)
    }

    /// The Job that this is about was seen to complete.
    pub(super) fn is_complete(&self) -> bool {
        self.state == BootstrapState::Complete && !self.inferred
    }

    /// Whether what an operator is told differs; messages, which change all the time, do not count.
    pub(super) fn tells_more_than(&self, before: &Self) -> bool {
        let told = |record: &Self| {
            let releases: Vec<_> = record
                .releases
                .iter()
                .map(|release| (release.name.clone(), release.ready, release.reason.clone()))
                .collect();
            let flags = (
                record.inferred,
                record.password_removed,
                record.log_excerpt.is_some(),
            );
            (
                record.state,
                record.attempts,
                (record.job_uid.clone(), record.release.clone()),
                flags,
                releases,
            )
        };
        told(self) != told(before)
    }

    /// The record after another look.
    pub(super) fn after(&self, seen: &Observed, at: &str) -> Self {
        let mut next = Self {
            at: at.to_owned(),
            ..self.clone()
        };
        if let Ok(releases) = &seen.releases {
            next.releases = releases
                .iter()
                .map(|release| self.release_after(release))
                .collect();
        }
        next.judge(seen);
        next.proven = self.is_proven() || next.is_complete();
        if next.state != self.state || next.job_uid != self.job_uid {
            at.clone_into(&mut next.since);
            next.release.clone_from(&seen.release);
        }
        next
    }

    fn judge(&mut self, seen: &Observed) {
        match (&seen.job, &seen.evidence) {
            (Ok(Some(job)), _) => self.judge_job(job),
            // Its end is told already, by more than an event.
            (Ok(None), Some(Evidence::Ended { job: Some(job), .. }))
                if self.is_latched() && self.job_uid.as_ref() == Some(job) => {}
            (Ok(None), Some(Evidence::Ended { job, failure })) => {
                self.forget_log();
                self.job_uid = job.clone().or(self.job_uid.take());
                let state = failure
                    .as_ref()
                    .map_or(BootstrapState::Complete, |_| BootstrapState::Failed);
                self.becomes(state, failure.clone());
            }
            (Ok(None) | Err(_), _) if self.is_latched() => {}
            (Ok(None), Some(Evidence::Works)) => {
                self.becomes(BootstrapState::Complete, None);
                self.inferred = true;
            }
            (Ok(None), None) => self.becomes(BootstrapState::Pending, None),
            (Err(reason), _) => self.becomes(BootstrapState::Unknown, Some(reason.clone())),
        }
    }

    fn judge_job(&mut self, job: &Job) {
        let is_news = self.is_news(job);
        // It may be the very Job whose success was inferred: that stays so until it ends.
        let may_be_it = self.inferred && job.end == JobEnd::None;
        if job.end == JobEnd::Deleted || may_be_it || (self.is_complete() && !is_news) {
            return;
        }
        if is_news {
            self.forget_log();
            self.last_error = None;
        }
        (self.attempts, self.job_uid) = (job.attempts, Some(job.uid.clone()));
        match &job.end {
            JobEnd::Complete => self.becomes(BootstrapState::Complete, None),
            JobEnd::Failed(cause) => {
                // Its log, once that was read, says more.
                let told = self.last_error.take().filter(|_| self.log_excerpt.is_some());
                self.becomes(BootstrapState::Failed, told.or(Some(cause.clone())));
            }
            JobEnd::None | JobEnd::Deleted => {
                let last_error = self.last_error.take();
                self.becomes(BootstrapState::Running, last_error);
            }
        }
    }

    fn becomes(&mut self, state: BootstrapState, last_error: Option<String>) {
        (self.state, self.last_error, self.inferred) = (state, last_error, false);
        if state == BootstrapState::Complete {
            self.forget_log();
        }
    }

    fn forget_log(&mut self) {
        (self.log_excerpt, self.log_pod) = (None, None);
    }

    /// The end of a Job that is gone stays told.
    pub(super) fn is_latched(&self) -> bool {
        matches!(self.state, BootstrapState::Complete | BootstrapState::Failed)
    }

    /// A release that is being tried again still has the failure that was last seen: otherwise every
    /// attempt would be two more lines of the journal.
    fn release_after(&self, release: &Release) -> ReleaseRecord {
        let before = self.releases.iter().find(|before| before.name == release.name);
        match before {
            Some(before) if release.is_under_way && before.has_failed() => before.clone(),
            _ => ReleaseRecord::from(release.clone()),
        }
    }
}

impl ReleaseRecord {
    fn has_failed(&self) -> bool {
        !self.ready
            && self
                .reason
                .as_deref()
                .is_some_and(|reason| reason.ends_with("Failed"))
    }
}

impl From<Release> for ReleaseRecord {
    fn from(release: Release) -> Self {
        Self {
            name: release.name,
            ready: release.ready,
            reason: release.reason,
            message: release.message,
        }
    }
}
