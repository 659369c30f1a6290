//! What readers see of a run: always the newest, never a half-written one, no disk behind it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::failure::Failure;
use super::history::History;

/// One consistent view of setup.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// What the journal tells.
    pub history: History,
    /// The state document made of it; `None` while nothing was submitted.
    pub document: Option<Value>,
    /// What the running step is doing just now.
    pub progress: Option<String>,
    /// Why the running step gets no further, where that is known before the step knows it.
    pub waits_for: Option<String>,
    /// Whose answer an automatic attempt waits for.
    pub waiting: Option<Waiting>,
    /// Who holds the appliance, when it is not this process.
    pub holder: Option<String>,
    /// A failure of the engine itself that could not be recorded.
    pub engine_failure: Option<Failure>,
}

/// An automatic attempt that is due and not spent, because whom it needs does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who, in the operator's words.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is asked next.
    pub next: Timestamp,
    /// What the last look found.
    pub cause: String,
}

impl View {
    /// The line that tells an operator what happens just now: what holds the step up, or else what it does.
    #[must_use]
    pub fn live_line(&self) -> Option<&str> {
        self.waits_for.as_deref().or(self.progress.as_deref())
    }

    /// Shows what happened; what was said beside the last event is over.
    pub fn turn(&mut self, history: History, document: Option<Value>) {
        *self = Self {
            history,
            document,
            holder: self.holder.take(),
            ..Self::default()
        };
    }
}

/// Where the engine publishes and readers look.
#[derive(Debug, Clone)]
pub struct Board(Arc<watch::Sender<Arc<View>>>);

impl Board {
    /// A board that shows `view`.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(view))))
    }

    /// The newest view.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.0.borrow())
    }

    /// Follows the views from now on.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Arc<View>> {
        self.0.subscribe()
    }

    /// Shows a change of the newest view.
    pub fn change(&self, change: impl FnOnce(&mut View)) {
        self.0.send_modify(|view| change(Arc::make_mut(view)));
    }

    /// Shows what the running step is doing just now.
    pub fn say(&self, progress: impl Into<String>) {
        let progress = progress.into();
        tracing::info!(progress, "setup");
        self.change(|view| view.progress = Some(progress));
    }

    /// Shows what holds the running step up, or that nothing does any more.
    pub fn hindered(&self, by: Option<String>) {
        if let Some(trouble) = &by {
            tracing::warn!(trouble, "setup");
        } else {
            tracing::info!("setup goes on");
        }
        self.change(|view| view.waits_for = by);
    }
}
