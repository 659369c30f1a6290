//! Status: one task observes and judges, everybody reads what it published last.
//!
//! `watch` follows each kind of object, `link` the API server itself, `local` the state volume, `login`
//! the application's address, `network` the way to the registry and `host` the disk. They send changes to `board`, which
//! owns the `picture`, judges it by the rules of `common::readiness` and publishes a `document`. A request
//! takes what is there: it never makes anything happen.

mod board;
mod document;
mod host;
mod link;
mod local;
mod login;
mod network;
mod picture;
mod streams;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::ClusterSource;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use board::Board;
use document::Numbers;
use link::Link;
use picture::{Feed, Picture};

pub(crate) use document::Document;
pub(crate) use local::{Local, Moment, NetworkTrouble, Records};
pub(crate) use network::NetworkSettings;
use streams::Streams;
pub(crate) use streams::{Place, TooMany};

/// Longest a request waits for what was just recorded.
const TAKE_UP_LIMIT: Duration = Duration::from_millis(300);

/// What status needs from others.
pub(crate) struct Parts {
    /// What the state volume tells.
    pub(crate) records: Arc<dyn Records>,
    /// Where the cluster is.
    pub(crate) cluster: ClusterSource,
    /// Deadline of one request to it.
    pub(crate) limit: Duration,
    /// How the network is looked at.
    pub(crate) network: NetworkSettings,
    /// The time.
    pub(crate) clock: Clock,
}

/// The handle on status; cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    parts: Parts,
    link: Link,
    published: channel::Sender<Arc<Document>>,
    taken_up: channel::Sender<Moment>,
    /// The records are looked at now.
    look: Arc<Notify>,
    /// What the board begins with, until it does.
    beginning: Mutex<Option<(Picture, Numbers)>>,
    tasks: Mutex<JoinSet<()>>,
    streams: Streams,
    stop: CancellationToken,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Status").finish_non_exhaustive()
    }
}

impl Status {
    /// Reads what is on the state volume, so that there is a document from the first moment on; starts
    /// nothing and asks nobody.
    pub(crate) fn open(parts: Parts) -> Self {
        let mut picture = Picture::default();
        picture.show_local(parts.records.read());
        picture.settle(parts.clock.now(), None);
        let mut numbers = Numbers::new();
        let keys = board::keys(&picture).0.unwrap_or_default();
        let first = Document::first(keys, &mut numbers);
        Self(Arc::new(Inner {
            parts,
            link: Link::new(),
            published: channel::Sender::new(Arc::new(first)),
            taken_up: channel::Sender::new(Moment::default()),
            look: Arc::default(),
            beginning: Mutex::new(Some((picture, numbers))),
            tasks: Mutex::new(JoinSet::new()),
            streams: Streams::default(),
            stop: CancellationToken::new(),
        }))
    }

    /// Begins to observe; a second call does nothing. Returns at once.
    pub fn begin(&self) {
        let beginning = self
            .0
            .beginning
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((picture, numbers)) = beginning else {
            return;
        };
        let Parts {
            records,
            cluster,
            limit,
            network,
            clock,
        } = &self.0.parts;
        let (feed, changes) = Feed::new();
        let link = &self.0.link;
        let (login_wanted, login_seen) = channel::channel(login::Wanted::default());
        let (network_wanted, network_seen) = channel::channel(network::Wanted::default());
        let board = Board {
            clock: clock.clone(),
            link: link.clone(),
            picture,
            numbers,
            published: self.0.published.clone(),
            taken_up: self.0.taken_up.clone(),
            login: login_wanted,
            network: network_wanted,
        };
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(board.run(changes));
        let look = Arc::clone(&self.0.look);
        tasks.spawn(local::keep(Arc::clone(records), feed.clone(), link.clone(), look));
        tasks.spawn(link.clone().keep(cluster.clone(), feed.clone(), clock.clone()));
        tasks.spawn(login::keep(
            login_seen,
            Arc::clone(records),
            feed.clone(),
            clock.clone(),
        ));
        tasks.spawn(host::keep(Arc::clone(records), feed.clone()));
        let look = (clock.clone(), *network);
        tasks.spawn(network::keep(
            network_seen,
            Arc::clone(records),
            feed.clone(),
            look,
        ));
        let followers = watch::Followers {
            tasks: &mut tasks,
            link,
            feed: &feed,
            limit: *limit,
        };
        followers.begin();
    }

    /// Ends the observers, and with them every stream: their readers are told.
    pub fn stop(&self) {
        self.0.stop.cancel();
        self.0
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }

    /// The newest document.
    #[must_use]
    pub(crate) fn latest(&self) -> Arc<Document> {
        Arc::clone(&self.0.published.borrow())
    }

    /// The newest document, with what this process recorded a moment ago in it: whoever has just submitted
    /// something finds it. Waits for the board only then, and not for long.
    pub(crate) async fn current(&self) -> Arc<Document> {
        if self.refresh() {
            return self.latest();
        }
        let now = self.0.parts.records.moment();
        let mut taken_up = self.0.taken_up.subscribe();
        if !taken_up.borrow_and_update().is(&now) {
            self.0.look.notify_one();
            // Late is what it is, and the next request is another chance.
            let _ = timeout(TAKE_UP_LIMIT, taken_up.wait_for(|moment| moment.is(&now))).await;
        }
        self.latest()
    }

    /// While nobody observes, the records alone are looked at; says whether that is so.
    fn refresh(&self) -> bool {
        let mut beginning = self.0.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((picture, numbers)) = &mut *beginning else {
            return false;
        };
        picture.show_local(self.0.parts.records.read());
        picture.settle(self.0.parts.clock.now(), None);
        let next = board::keys(picture)
            .0
            .ok()
            .and_then(|keys| Document::after(&self.latest(), keys, numbers));
        if let Some(next) = next {
            self.0.published.send_replace(Arc::new(next));
        }
        true
    }

    /// Follows the documents from now on.
    #[must_use]
    pub(crate) fn follow(&self) -> channel::Receiver<Arc<Document>> {
        self.0.published.subscribe()
    }

    /// Cancelled when streams are to end.
    #[must_use]
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// How long ago the newest observation was confirmed: the API server's last sign of life, or else the
    /// making of the document.
    #[must_use]
    pub(crate) fn age(&self, document: &Document) -> Duration {
        self.0.link.silence().unwrap_or_else(|| document.age())
    }

    /// Whether new answers may replace the old, at this very moment.
    #[must_use]
    pub(crate) fn is_editable(&self) -> bool {
        self.0.parts.records.is_editable()
    }

    /// A place for one more stream of a session.
    ///
    /// # Errors
    /// [`TooMany`].
    pub(crate) fn place(&self, session: &str) -> Result<Place, TooMany> {
        self.0.streams.place(session)
    }
}
