//! The bootstrap Job: done, failed, under way or not known; told by the Job while it is there, by what was
//! latched after it is gone (300 s after its end), and by the application's own gate where neither tells.

use super::index::Index;
use super::log_scan::detected_errors;
use super::observed::{Bootstrap, BootstrapState, ContainerState, Job, Objects, Observed, Pod, Trouble};
use super::parts::{self, Judged};
use super::told::{Told, not_known};
use super::wire::ComponentTier;
use super::wire::{BootstrapJob, BootstrapLogs, BootstrapSection, JobState};
use super::words::shortened;
use crate::names::{APPLICATION, BOOTSTRAP_JOB, namespace};

/// The init container that waits for the tables the Job makes.
const GATE: &str = "wait-for-bootstrap";
/// The Job's container.
const CONTAINER: &str = "bootstrap";

/// What is known of the bootstrap.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) told: Told,
    pub(super) section: BootstrapSection,
    /// Why it failed, if it did.
    pub(super) failed: Option<String>,
}

/// What the Job, the latch and the application tell together.
pub(super) fn outcome(seen: &Observed, parts: &[Judged], index: &Index) -> Outcome {
    let latch = seen.install.bootstrap.as_ref();
    let key = format!("{}/{BOOTSTRAP_JOB}", namespace::MSP);
    let (state, told, job) = match seen.cluster.jobs.current() {
        Err(trouble) => of_trouble(trouble, latch),
        Ok(jobs) => of_jobs(jobs, &key, latch, || inferred(seen, parts, index)),
    };
    let failed = (state == JobState::Failed).then(|| cause(job, latch));
    let told = match &failed {
        Some(cause) => Told::not(format!("The bootstrap Job ({BOOTSTRAP_JOB}) failed: {cause}")),
        None => told,
    };
    Outcome {
        section: section(state, job, latch),
        told,
        failed,
    }
}

type State<'a> = (JobState, Told, Option<&'a Job>);

/// Without the Job only a failure that was latched is certain: another Job may have been started since.
fn of_trouble<'a>(trouble: &Trouble, latch: Option<&Bootstrap>) -> State<'a> {
    let unknown = Told::unknown(not_known("Jobs", trouble));
    match latch.map(|latch| latch.state) {
        Some(BootstrapState::Failed) => (JobState::Failed, unknown, None),
        Some(
            BootstrapState::Complete
            | BootstrapState::Running
            | BootstrapState::Pending
            | BootstrapState::Unknown,
        )
        | None => (JobState::Unknown, unknown, None),
    }
}

fn of_jobs<'a>(
    jobs: &'a Objects<Job>,
    key: &str,
    latch: Option<&Bootstrap>,
    inferred: impl FnOnce() -> Told,
) -> State<'a> {
    if let Some(why) = jobs.unclear.get(key) {
        let told = Told::unknown(format!("The bootstrap Job cannot be understood: {why}"));
        return (JobState::Unknown, told, None);
    }
    if let Some(job) = jobs.known.get(key).filter(|job| !job.deleting) {
        let state = of_job(job, latch);
        let told = match state {
            JobState::Completed => Told::ready(),
            JobState::Running | JobState::Failed | JobState::NotCreated | JobState::Unknown => {
                Told::not(format!("The bootstrap Job ({BOOTSTRAP_JOB}) is at work"))
            }
        };
        return (state, told, Some(job));
    }
    match latch.map(|latch| latch.state) {
        Some(BootstrapState::Complete) => (JobState::Completed, Told::ready(), None),
        Some(BootstrapState::Failed) => (JobState::Failed, Told::ready(), None),
        Some(BootstrapState::Running | BootstrapState::Pending | BootstrapState::Unknown) | None => {
            let told = inferred();
            let state = if told.is_ready() {
                JobState::Completed
            } else {
                JobState::NotCreated
            };
            (state, told, None)
        }
    }
}

fn of_job(job: &Job, latch: Option<&Bootstrap>) -> JobState {
    let latched = |state| {
        latch.is_some_and(|latch| {
            latch.state == state && latch.job_uid.as_deref() == Some(&job.uid) && !job.uid.is_empty()
        })
    };
    if parts::is_true(&job.conditions, "Complete") || latched(BootstrapState::Complete) {
        JobState::Completed
    } else if parts::is_true(&job.conditions, "Failed") || latched(BootstrapState::Failed) {
        JobState::Failed
    } else {
        JobState::Running
    }
}

/// Neither Job nor latch: the application is there in full, and each of its pods has passed the gate.
fn inferred(seen: &Observed, parts: &[Judged], index: &Index) -> Told {
    let application = parts::tier(parts, ComponentTier::Login);
    let gate = Told::of("Pods", &seen.cluster.pods, |pods| {
        let own = index.pods_of(namespace::MSP, "Deployment", APPLICATION);
        if let Some((key, why)) = pods.unclear.iter().find(|(key, _)| is_of_application(key)) {
            return Told::unknown(format!("Pod {key} cannot be understood: {why}"));
        }
        if !own.is_empty() && own.iter().all(|pod| has_passed_gate(pod)) {
            Told::ready()
        } else {
            Told::not("The bootstrap Job has not run yet")
        }
    });
    if application.signal == super::verdict::Signal::NotReady {
        return Told::not("The bootstrap Job has not run yet");
    }
    application.and(gate)
}

fn is_of_application(key: &str) -> bool {
    let name = key.strip_prefix("msp/").unwrap_or_default();
    name.starts_with(APPLICATION) && !name.starts_with(BOOTSTRAP_JOB)
}

fn has_passed_gate(pod: &Pod) -> bool {
    let gate = pod.init_containers.iter().find(|init| init.name == GATE);
    gate.is_some_and(|gate| matches!(&gate.state, ContainerState::Terminated(ended) if ended.exit_code == 0))
}

fn cause(job: Option<&Job>, latch: Option<&Bootstrap>) -> String {
    let of_job = job.and_then(|job| parts::condition(&job.conditions, "Failed"));
    let of_latch = latch.and_then(|latch| latch.last_error.as_deref());
    let words = of_latch
        .map(shortened)
        .or_else(|| of_job.map(|failed| shortened(&[failed.reason.as_str(), &failed.message].join(": "))));
    let words = words.unwrap_or_default();
    if words.trim_matches([':', ' ']).is_empty() {
        "it gave up".to_owned()
    } else {
        words
    }
}

fn section(state: JobState, job: Option<&Job>, latch: Option<&Bootstrap>) -> BootstrapSection {
    let is_about = |latch: &&Bootstrap| job.is_none_or(|job| latch.job_uid.as_deref() == Some(&job.uid));
    let latch = latch.filter(is_about);
    let ended = job.and_then(|job| {
        let end = job.conditions.iter().find(|condition| condition.status == "True");
        end.and_then(|end| end.since).or(job.created)
    });
    let tail: Vec<String> = latch
        .and_then(|latch| latch.log_excerpt.as_deref())
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default();
    BootstrapSection {
        job: BootstrapJob {
            name: BOOTSTRAP_JOB.to_owned(),
            state,
            failed: state == JobState::Failed,
            completed: state == JobState::Completed,
            uid: job
                .map(|job| job.uid.clone())
                .or_else(|| latch.and_then(|latch| latch.job_uid.clone())),
            since: latch.and_then(|latch| latch.since).or(ended).map(Into::into),
        },
        logs: BootstrapLogs {
            available: !tail.is_empty(),
            pod: latch.and_then(|latch| latch.log_pod.clone()),
            container: (!tail.is_empty()).then(|| CONTAINER.to_owned()),
            detected_errors: detected_errors(&tail),
            tail,
        },
    }
}
