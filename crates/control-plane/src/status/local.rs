//! What the state volume tells, and who reads it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::agent_api::DiskFacts;
use appliance_common::outbound::OutboundSettings;
use appliance_common::readiness::observed::Install;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::link::Link;
use super::picture::Feed;
use crate::watched::Stamp;

/// How often what changes without a word is looked at: a file that another program replaces.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often what has seconds in it is read anew.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// What tells one state of the records from another; cheap to have.
#[derive(Clone, Default)]
pub(crate) struct Moment {
    /// The view of the run that was newest. Held, so that its address stays its own.
    pub(crate) view: Option<Arc<dyn Any + Send + Sync>>,
    /// Files that other programs may replace.
    pub(crate) files: Vec<Option<Stamp>>,
}

impl Moment {
    /// Whether nothing was recorded between the two.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let same_view = match (&self.view, &other.view) {
            (Some(one), Some(other)) => std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other)),
            (None, None) => true,
            _ => false,
        };
        same_view && self.files == other.files
    }
}

impl std::fmt::Debug for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Moment").field(&self.files).finish()
    }
}

/// What the state volume tells at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Local {
    /// What rules read of it.
    pub(crate) install: Install,
    /// Top-level keys of the document that are shown as they are, without secrets.
    pub(crate) sections: Vec<(&'static str, Value)>,
    /// A run is under way in this process.
    pub(crate) is_running: bool,
    /// There are times in it that count down.
    pub(crate) counts: bool,
    /// Of when it is.
    pub(crate) moment: Moment,
}

/// What a look at resolvers and registry found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkTrouble {
    /// `dns`, `network` or `registry-release-source`.
    pub(crate) category: &'static str,
    /// What was found.
    pub(crate) message: String,
    /// What to do.
    pub(crate) next_step: String,
}

/// Whoever knows what is recorded on the state volume; the setup engine, joined in `app`.
pub(crate) trait Records: Send + Sync {
    /// The state the records are in now. Costs a few `stat`.
    fn moment(&self) -> Moment;
    /// What is recorded now. Reads files.
    fn read(&self) -> Local;
    /// Differs when something may have changed of which nobody tells. Costs a few `stat`.
    fn mark(&self) -> String;
    /// An item for each change that is told.
    fn changes(&self) -> BoxStream<'static, ()>;
    /// Whether new answers may replace the old, at this very moment.
    fn is_editable(&self) -> bool;
    /// How the application's address is reached.
    fn outbound(&self) -> OutboundSettings;
    /// How full the disk under the application's volumes is; `None` where nobody tells.
    fn data_disk(&self) -> BoxFuture<'_, Option<DiskFacts>>;
    /// Asks resolvers and registry.
    fn look_at_network(&self) -> BoxFuture<'_, Result<(), NetworkTrouble>>;
}

/// Keeps the picture up with the state volume, until the task is dropped. The disk has threads of its own,
/// so that one which hangs holds up nobody else.
pub(super) async fn keep(records: Arc<dyn Records>, feed: Feed, link: Link, look: Arc<Notify>) {
    let mut changes = records.changes();
    let (mut mark, mut counts, mut stage) = (None, false, None);
    loop {
        let Some((now, local)) = read(&records, mark.take()).await else {
            return;
        };
        mark = Some(now);
        if let Some(local) = local {
            counts = local.counts;
            let status = local.install.document.as_ref().ok().and_then(Option::as_ref);
            let status = status.map(|document| document["status"].clone());
            if stage != status {
                stage = status;
                // What Flux brings may be there from now on.
                link.nudge();
            }
            feed.send(move |picture| picture.show_local(local)).await;
        }
        let pause = if counts { COUNT_EVERY } else { LOOK_EVERY };
        let is_told = tokio::select! {
            _ = changes.next() => true,
            () = look.notified() => true,
            () = sleep(pause) => false,
        };
        if is_told || counts {
            mark = None;
        }
    }
}

/// The mark now, and what is recorded if it differs from `before`; `None` while the process ends.
async fn read(records: &Arc<dyn Records>, before: Option<String>) -> Option<(String, Option<Local>)> {
    let records = Arc::clone(records);
    let read = move || {
        let mark = records.mark();
        let is_same = before.is_some_and(|before| before == mark);
        let local = (!is_same).then(|| records.read());
        (mark, local)
    };
    tokio::task::spawn_blocking(read).await.ok()
}
