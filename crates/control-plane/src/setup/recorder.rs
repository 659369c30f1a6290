//! Makes an event durable, then visible: journal, state document, board, in this order.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::state_file::{StateFile, StateFileError};
use serde_json::Value;

use super::board::{Board, View};
use super::history::History;
use super::journal::{Journal, JournalError};
use super::projection;
use super::run::{Event, Run};

/// Why an event could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The journal did not take it: it did not happen.
    #[error("recording what setup did")]
    Journal(#[source] JournalError),
    /// The journal took it; the state document for other readers is out of date.
    #[error("writing the state document")]
    Document(#[source] StateFileError),
    /// The blocking pool is gone: the process is ending.
    #[error("the process is ending")]
    Ending,
}

/// The one writer of journal and state document.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Mutex<Inner>>,
    board: Board,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    document: StateFile<Value>,
    inputs: Value,
    clock: Clock,
}

impl Recorder {
    /// A recorder on an open journal; `inputs` is the secret-free form of the answers, if any.
    #[must_use]
    pub fn new(journal: Journal, document: PathBuf, inputs: Value, clock: Clock) -> Self {
        let history = journal.history().clone();
        let inner = Inner {
            journal,
            document: StateFile::at(document),
            inputs,
            clock,
        };
        let shown = inner.project(&history);
        let board = Board::new(View {
            history,
            document: shown,
            ..View::default()
        });
        Self {
            inner: Arc::new(Mutex::new(inner)),
            board,
        }
    }

    /// Where readers look.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The secret-free answers that the state document shows from now on.
    pub fn set_inputs(&self, inputs: Value) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).inputs = inputs;
    }

    /// Records one event; returns when it is on the disk.
    ///
    /// # Errors
    /// [`RecordError`]; with [`RecordError::Journal`] the event did not happen.
    pub async fn record(&self, event: Event) -> Result<(), RecordError> {
        self.write(move |inner| {
            inner
                .journal
                .append(event)
                .map(|_| Written::Event)
                .map_err(RecordError::Journal)
        })
        .await?;
        // Whoever waits for this event sees it before the next action starts.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Shows in the state document that the engine of the run under way lives.
    ///
    /// # Errors
    /// [`RecordError::Document`] when it cannot be written.
    pub async fn beat(&self) -> Result<(), RecordError> {
        self.write(|inner| {
            inner.journal.beat();
            Ok(Written::Beat)
        })
        .await
    }

    /// Takes in what another process recorded.
    ///
    /// # Errors
    /// [`RecordError::Journal`] when that cannot be read.
    pub async fn catch_up(&self) -> Result<(), RecordError> {
        let (inner, board) = (Arc::clone(&self.inner), self.board.clone());
        let read = tokio::task::spawn_blocking(move || {
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            if inner.journal.catch_up().map_err(RecordError::Journal)? {
                let history = inner.journal.history().clone();
                let document = inner.project(&history);
                board.change(|view| view.turn(history, document));
            }
            Ok(())
        });
        read.await.map_err(|_| RecordError::Ending)?
    }

    /// Makes the state document anew from the journal: after a crash it may be a line behind.
    ///
    /// # Errors
    /// [`RecordError::Document`] when it cannot be written.
    pub async fn project(&self) -> Result<(), RecordError> {
        self.write(|_| Ok(Written::Event)).await
    }

    /// Runs `change`, stores the document of what the journal then tells, and shows both.
    async fn write(
        &self,
        change: impl FnOnce(&mut Inner) -> Result<Written, RecordError> + Send + 'static,
    ) -> Result<(), RecordError> {
        let (inner, board) = (Arc::clone(&self.inner), self.board.clone());
        // A sync can take seconds on a bad disk; the server's threads must not wait for it.
        let written = tokio::task::spawn_blocking(move || {
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            let written = change(&mut inner)?;
            let history = inner.journal.history().clone();
            let document = inner.project(&history);
            let stored = match &document {
                Some(document) if !inner.is_taken_over(&history) => {
                    inner.document.store(document).map_err(RecordError::Document)
                }
                Some(_) | None => Ok(()),
            };
            // Here, where a caller that is stopped while it waits cannot keep it from being shown.
            board.change(|view| match written {
                Written::Event => view.turn(history, document),
                Written::Beat => (view.history, view.document) = (history, document),
            });
            stored
        });
        written.await.map_err(|_| RecordError::Ending)?
    }
}

/// What was written.
enum Written {
    /// Something happened, so that what was shown beside the last event is over.
    Event,
    /// A heartbeat.
    Beat,
}

impl Inner {
    /// After setup, the document on the disk may be about an update; that is its owner's.
    fn is_taken_over(&self, history: &History) -> bool {
        history.run == Run::Complete
            && matches!(self.document.load(), Ok(Some(document)) if document.get("update").is_some())
    }

    fn project(&self, history: &History) -> Option<Value> {
        projection::document(history, &self.inputs, &iso_millis(self.clock.now()))
    }
}
