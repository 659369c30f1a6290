//! What became of the release after it was handed to Flux. Pure.

use appliance_common::names::SERVICES;
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
    /// The Job that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_uid: Option<String>,
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

/// Where the bootstrap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapState {
    /// The cluster does not tell.
    Unknown,
    /// There is no Job yet.
    Pending,
    /// The Job works.
    Running,
    /// The Job has given up; stays until another one starts.
    Failed,
    /// The company and its administrator are there; stays for ever.
    Complete,
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
    pub(super) fn nothing_yet(at: &str) -> Self {
        let absent = |name: &&str| ReleaseRecord::from(Release::absent(name));
        Self {
            state: BootstrapState::Pending,
            attempts: 0,
            last_error: None,
            log_excerpt: None,
            job_uid: None,
            inferred: false,
            password_removed: false,
            since: at.to_owned(),
            at: at.to_owned(),
            releases: SERVICES.iter().map(absent).collect(),
        }
    }

    /// The Job itself was seen to complete: only then is what it needed not needed any more.
    pub(super) fn is_proven(&self) -> bool {
        self.state == BootstrapState::Complete && !self.inferred
    }

    /// Nothing is left to wait for.
    pub(super) fn is_over(&self) -> bool {
        self.is_proven() && self.password_removed && self.releases.iter().all(|release| release.ready)
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
                record.job_uid.clone(),
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
        if next.state != self.state {
            at.clone_into(&mut next.since);
        }
        next
    }

    fn judge(&mut self, seen: &Observed) {
        if self.is_proven() {
            return;
        }
        match (&seen.job, &seen.evidence) {
            (Ok(Some(job)), _) => self.judge_job(job),
            (Ok(None) | Err(_), _) if self.is_latched() => {}
            (Ok(None), Some(Evidence::Completed)) => self.becomes(BootstrapState::Complete, None),
            (Ok(None), Some(Evidence::Failed(cause))) => {
                self.becomes(BootstrapState::Failed, Some(cause.clone()));
            }
            (Ok(None), Some(Evidence::Works)) => {
                self.becomes(BootstrapState::Complete, None);
                self.inferred = true;
            }
            (Ok(None), None) => self.becomes(BootstrapState::Pending, None),
            (Err(reason), _) => self.becomes(BootstrapState::Unknown, Some(reason.clone())),
        }
    }

    fn judge_job(&mut self, job: &Job) {
        match &job.end {
            JobEnd::Complete => {
                (self.attempts, self.job_uid) = (job.attempts, Some(job.uid.clone()));
                self.becomes(BootstrapState::Complete, None);
            }
            JobEnd::Failed(cause) => {
                (self.attempts, self.job_uid) = (job.attempts, Some(job.uid.clone()));
                self.becomes(BootstrapState::Failed, Some(cause.clone()));
            }
            // A Job of an upgrade: what was inferred stays so until it ends.
            JobEnd::None if self.state == BootstrapState::Complete => {}
            JobEnd::None => {
                if self.job_uid.as_ref() != Some(&job.uid) {
                    (self.log_excerpt, self.last_error) = (None, None);
                }
                (self.attempts, self.job_uid) = (job.attempts, Some(job.uid.clone()));
                let last_error = self.last_error.take();
                self.becomes(BootstrapState::Running, last_error);
            }
            JobEnd::Deleted => {}
        }
    }

    fn becomes(&mut self, state: BootstrapState, last_error: Option<String>) {
        (self.state, self.last_error, self.inferred) = (state, last_error, false);
        if state == BootstrapState::Complete {
            self.log_excerpt = None;
        }
    }

    fn is_latched(&self) -> bool {
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
