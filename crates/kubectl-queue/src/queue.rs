//! The queue: what [`lanes`](crate::lanes) decides, done.
//!
//! Each entry is a task of its own. It leaves its lane when its child is gone and the status collected, so
//! that the next change never meets the one before it.

mod turn;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::turn::{Turns, await_turn};
use crate::child::{Finished, Stop, supervise};
use crate::lanes::Lane;
use crate::launch::Launch;
use crate::outcome::Outcome;
use crate::result::{Label, QueueResult};
use crate::starter::Starter;

/// Events that a slow listener may be behind before it misses the oldest.
const EVENTS: usize = 256;

/// What happens in a queue. Nobody has to listen, and a listener that fails harms nobody.
#[derive(Debug, Clone)]
pub enum Event {
    /// A child is started.
    Started {
        /// Of the entry.
        id: u64,
        /// As it may be shown.
        command: String,
        /// How long it waited for its turn.
        queued: Duration,
        /// The queue's name.
        queue: String,
    },
    /// An entry has its result.
    Done(Arc<QueueResult>),
}

/// Commands taking turns in two lanes; cheap to clone and hand down.
#[derive(Debug, Clone)]
pub struct Queue {
    name: Arc<str>,
    starter: Starter,
    turns: Turns,
    events: broadcast::Sender<Event>,
}

/// One command in a queue. Dropping it takes it out: it never starts, or its child is killed.
#[derive(Debug)]
pub struct Entry {
    label: Label,
    task: JoinHandle<Arc<QueueResult>>,
    _abandoned: DropGuard,
}

impl Entry {
    /// Its number in this queue, from 1.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.label.id
    }

    /// Waits for its result; there always is one. Dropping this future is dropping the entry.
    pub async fn result(mut self) -> Arc<QueueResult> {
        match (&mut self.task).await {
            Ok(result) => result,
            Err(error) => {
                let lost = Outcome::Unknown(format!("whoever watched it is gone: {error}"));
                Arc::new(
                    self.label
                        .clone()
                        .result(Duration::ZERO, Finished::without_child(lost)),
                )
            }
        }
    }
}

impl Queue {
    /// An empty queue with a name for its results.
    #[must_use]
    pub fn new(name: &str, starter: Starter) -> Self {
        Self {
            name: name.into(),
            starter,
            turns: Turns::default(),
            events: broadcast::Sender::new(EVENTS),
        }
    }

    /// Tells what happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Puts a command into a lane, in the current async runtime. Its limit counts from now; `cancel` takes it
    /// out in order, whether it waits or runs.
    ///
    /// # Panics
    /// Outside an async runtime.
    #[must_use]
    pub fn submit(&self, lane: Lane, launch: Launch, cancel: CancellationToken) -> Entry {
        self.submit_at(Instant::now(), lane, launch, cancel)
    }

    /// As [`Queue::submit`], for one whose wait began before it came here.
    pub(crate) fn submit_at(
        &self,
        accepted: Instant,
        lane: Lane,
        launch: Launch,
        cancel: CancellationToken,
    ) -> Entry {
        let (stop, abandoned) = Stop::new(cancel);
        let (turn, place) = self.turns.ask(lane);
        let label = Label {
            queue: self.name.to_string(),
            id: turn.id(),
            command: launch.command(),
        };
        let (queue, labelled) = (self.clone(), label.clone());
        let task = tokio::spawn(async move {
            let deadline = accepted + launch.limit;
            let missed = await_turn(place, deadline, &stop).await;
            let queued = accepted.elapsed();
            let finished = if let Some(missed) = missed {
                Finished::without_child(missed.outcome(launch.limit))
            } else {
                queue.tell(labelled.started(queued));
                supervise(&queue.starter, &launch, deadline, &stop).await
            };
            let result = Arc::new(labelled.result(queued, finished));
            queue.tell(Event::Done(Arc::clone(&result)));
            // Only now may the next be told, or it would start before this one is done.
            drop(turn);
            result
        });
        Entry {
            label,
            task,
            _abandoned: abandoned,
        }
    }

    /// Nobody has to listen.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

impl Label {
    fn started(&self, queued: Duration) -> Event {
        Event::Started {
            id: self.id,
            command: self.command.clone(),
            queued,
            queue: self.queue.clone(),
        }
    }
}
