//! `GET /api/manage/status`: parts that are read apart and kept apart, put together without waiting for any
//! of them longer than a moment (40 §8.3, W-28). What is not known is said in `errors`.

mod wire;

use std::path::Path;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use futures::FutureExt;
use futures::future::{join, join3};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster_view::ClusterView;
use super::license::{self, LicenseView};
use super::offer::{self, Offer, Question};
use super::owner::{self, Liveness};
use super::part::{Keep, Part, Shown, Trouble};
use super::{Inner, Manage, app_update};
use crate::selection::ReleaseSelection;
use wire::wire;

/// How long an answer waits for a part of which nothing is known yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the kernel shows processes.
const PROC: &str = "/proc";

/// The parts that are costly.
pub(super) struct Parts {
    pub(super) license: Part<LicenseView>,
    offer: Part<Option<Offer>>,
    cluster: Part<ClusterView>,
    /// What the registry was asked last.
    asked: Mutex<Option<Question>>,
}

impl Parts {
    pub(super) fn new(inner: &Weak<Inner>, clock: &Clock) -> Self {
        let keep = |good, failed| Keep {
            good: Duration::from_secs(good),
            failed: Duration::from_secs(failed),
        };
        let of = || (inner.clone(), clock.clone());
        let ((license, at_license), (offer, at_offer), (cluster, at_cluster)) = (of(), of(), of());
        let asks_seed = |view: &LicenseView| view.trouble.is_some();
        Self {
            license: Part::new(keep(300, 15), at_license, asks_seed, move || {
                license::read(license.clone()).boxed()
            }),
            offer: Part::new(
                keep(60, 15),
                at_offer,
                |_| false,
                move || offer::read(offer.clone()).boxed(),
            ),
            cluster: Part::new(
                keep(3, 3),
                at_cluster,
                |_| false,
                move || ClusterView::read(cluster.clone()).boxed(),
            ),
            asked: Mutex::default(),
        }
    }
}

impl Parts {
    /// The registry is asked this now.
    pub(super) fn asked(&self, question: Option<&Question>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = question.cloned();
    }
}

/// What was collected for one answer.
struct Seen {
    selection: Result<Option<ReleaseSelection>, Trouble>,
    document: Result<Value, Trouble>,
    upgrade: Result<Value, Trouble>,
    owner: Liveness,
    license: Shown<LicenseView>,
    offer: Shown<Option<Offer>>,
    cluster: Shown<ClusterView>,
    now: Timestamp,
}

/// What is not known, by its part.
#[derive(Default)]
struct Errors(Vec<Value>);

impl Errors {
    fn note(&mut self, part: &'static str, trouble: &Trouble) {
        self.0
            .push(json!({"part": part, "code": trouble.code, "message": trouble.message}));
    }

    /// The value, or nothing and a note of why.
    fn keep<'a, T>(&mut self, part: &'static str, read: &'a Result<T, Trouble>) -> Option<&'a T> {
        read.as_ref().map_err(|trouble| self.note(part, trouble)).ok()
    }
}

impl Manage {
    /// The whole status; never fails.
    pub async fn status(&self) -> Value {
        let parts = &self.0.parts;
        let selection = offer::selection(&self.0).await;
        let state_file = &self.0.settings.state_file;
        let (document, upgrade) = join(
            document(state_file),
            document(&state_file.with_file_name(file::CONTROL_PLANE_UPGRADE)),
        )
        .await;
        let question = selection.as_ref().ok().and_then(Option::as_ref).map(Question::of);
        let (license, offer, cluster) = join3(
            parts.license.ask(PATIENCE),
            self.offer(question.as_ref()),
            parts.cluster.ask(PATIENCE),
        )
        .await;
        let now = self.0.clock.now();
        let seen = Seen {
            owner: self.owner(document.as_ref().unwrap_or(&Value::Null), now),
            selection,
            document,
            upgrade,
            license,
            offer,
            cluster,
            now,
        };
        let mut wire = wire(&seen);
        wire["adminPasswordReset"]["operation"] = json!(self.reset_view());
        wire
    }

    /// The offer that answers this question; an answer to another is none.
    async fn offer(&self, question: Option<&Question>) -> Shown<Option<Offer>> {
        let parts = &self.0.parts;
        let asked = parts.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if asked.as_ref() != question {
            parts.offer.outdate();
        }
        let mut shown = parts.offer.ask(PATIENCE).await;
        let answers = |offer: &Option<Offer>| offer.as_ref().map(|offer| &offer.question) == question;
        if shown.good.as_ref().is_some_and(|(offer, _)| !answers(offer)) {
            shown.good = None;
            shown
                .trouble
                .get_or_insert_with(|| Trouble::new("not_read_yet", "This is being looked up."));
        }
        shown
    }

    fn owner(&self, document: &Value, now: Timestamp) -> Liveness {
        if !app_update::names_an_owner(document) {
            return Liveness::Live;
        }
        let settings = &self.0.settings;
        let look = |pid| owner::look(Path::new(PROC), pid);
        let owner = &document["update"]["owner"];
        owner::judge(owner, &settings.boot_id, settings.owner_max_age, now, look)
    }
}

/// A document of the state volume; null when there is none.
async fn document(path: &Path) -> Result<Value, Trouble> {
    let file = StateFile::<Value>::at(path);
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match tokio::task::spawn_blocking(move || file.load()).await {
        Ok(Ok(document)) => Ok(document.unwrap_or_default()),
        Ok(Err(error)) => {
            tracing::debug!(error = chain(&error), "a document was not read");
            Err(Trouble::new(
                "state_unreadable",
                format!("{name} cannot be read on this appliance."),
            ))
        }
        Err(_) => Err(super::cluster_view::ending()),
    }
}
