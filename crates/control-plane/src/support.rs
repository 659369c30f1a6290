//! Support bundles as an operator makes them: one at a time, made in the background whoever waits (60 §1.10).

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use appliance_common::clock::Clock;
use appliance_common::outbound::OutboundSettings;
use appliance_common::random;
use appliance_support_bundle::options::Options;
use appliance_support_bundle::{Bundle, BundleError, collect};
use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Jobs that are remembered; archives stay by rules of their own.
const REMEMBERED: usize = 16;

/// What bundles are made of.
#[derive(Debug, Clone)]
pub struct SupportSettings {
    /// What is collected, and where archives are kept.
    pub options: Options,
    /// How other hosts are reached, to see whether they can be.
    pub outbound: OutboundSettings,
}

/// The bundles of this box; cheap to clone.
#[derive(Debug, Clone)]
pub struct Support {
    settings: Arc<SupportSettings>,
    clock: Clock,
    jobs: Arc<Mutex<VecDeque<Job>>>,
    stop: CancellationToken,
}

/// The making of one bundle.
#[derive(Debug, Clone)]
pub struct Job {
    /// By which it is asked for.
    pub id: String,
    /// When it began.
    pub begun: Timestamp,
    told: watch::Sender<Told>,
}

/// How far it is.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is being done, in a few words.
    pub step: String,
    /// What came of it, and when.
    pub ended: Option<(Timestamp, Made)>,
}

/// What came of a job.
pub type Made = Arc<Result<Bundle, BundleError>>;

impl Job {
    /// How far it is now.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told.borrow().clone()
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        let mut told = self.told.subscribe();
        // It fails only when nobody can tell any more, and this job can.
        drop(told.wait_for(|told| told.ended.is_some()).await);
    }
}

impl Support {
    /// None is made before it is asked for.
    #[must_use]
    pub fn new(settings: SupportSettings, clock: Clock) -> Self {
        Self {
            settings: Arc::new(settings),
            clock,
            jobs: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Where archives are kept.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.settings.options.output_dir
    }

    /// Begins a bundle, or joins the one that is being made.
    #[must_use]
    pub fn begin(&self) -> Job {
        let mut jobs = self.jobs();
        if let Some(running) = jobs.back().filter(|job| job.told().ended.is_none()) {
            return running.clone();
        }
        let (told, _) = watch::channel(Told {
            step: "beginning".to_owned(),
            ended: None,
        });
        let job = Job {
            id: random::id(),
            begun: self.clock.now(),
            told,
        };
        jobs.push_back(job.clone());
        while jobs.len() > REMEMBERED {
            jobs.pop_front();
        }
        tokio::spawn(self.clone().carry_out(job.clone()));
        job
    }

    /// One that was begun since this process started, and not too many others since.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<Job> {
        self.jobs().iter().find(|job| job.id == id).cloned()
    }

    /// Ends the one that is being made; nothing of it is left.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(self, job: Job) {
        let (settings, told, stop) = (self.settings, job.told.clone(), self.stop);
        let (answer, made) = oneshot::channel();
        let collecting = move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            let progress = |step: &str| told.send_modify(|told| step.clone_into(&mut told.step));
            let made = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => Err(BundleError::Stopped),
                    made = collect(&settings.options, &settings.outbound, None, &progress) => made,
                }
            });
            drop(answer.send(made));
            // What it has handed to other threads is not waited for.
            runtime.shutdown_background();
        };
        // A thread of its own: masking a hundred megabytes holds up no answer to anybody else, and a defect of the
        // collector ends the job and nothing more.
        let thread = std::thread::Builder::new().name("support-bundle".to_owned());
        let made = match thread.spawn(collecting) {
            Ok(_) => made.await.unwrap_or(Err(BundleError::Defect)),
            Err(_) => Err(BundleError::Defect),
        };
        let ended = Some((self.clock.now(), Arc::new(made)));
        job.told.send_modify(|told| told.ended = ended);
    }
}
