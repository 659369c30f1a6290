//! Waiting for a condition: watched, never slept for, with a deadline and the last thing seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher;
use tokio::time::{Instant, timeout_at};

use super::call::classify;
use super::follow::of_name;
use super::read::attempt;
use super::{Attempt, Cluster, ClusterError};

/// What an object shows of the condition that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It holds.
    Reached,
    /// Not yet; why.
    Waiting(String),
    /// It can no longer come about; why.
    Failed(String),
}

/// A wait on objects of one kind.
#[derive(Debug, Clone)]
pub struct Wait<'a> {
    /// Their kind.
    pub resource: &'a ApiResource,
    /// Their namespace, if their kind has one.
    pub namespace: Option<&'a str>,
    /// Their names.
    pub names: &'a [&'a str],
    /// How long at most.
    pub limit: Duration,
}

impl Cluster {
    /// Waits until `judge` says of each object (`None`: absent) that it is as it should be. One watch
    /// serves them all.
    ///
    /// # Errors
    /// [`ClusterError::NotReached`] at the deadline with the last reason, [`ClusterError::Failed`] as
    /// soon as `judge` says so, [`ClusterError::Forbidden`] when the objects may not be watched.
    pub async fn wait_until(
        &self,
        wait: &Wait<'_>,
        judge: impl Fn(Option<&DynamicObject>) -> Judgement + Send,
    ) -> Result<(), ClusterError> {
        let deadline = Instant::now() + wait.limit;
        self.meter.waiting(self.watch_until(wait, deadline, judge)).await
    }

    async fn watch_until(
        &self,
        wait: &Wait<'_>,
        deadline: Instant,
        judge: impl Fn(Option<&DynamicObject>) -> Judgement + Send,
    ) -> Result<(), ClusterError> {
        let attempt = |name: &str| attempt("waiting for", wait.resource, wait.namespace, name);
        let mut open = Open::new(wait.names);
        let only = match wait.names {
            [name] => Some(*name),
            _ => None,
        };
        let watching = attempt(wait.names.first().copied().unwrap_or_default());
        let mut events = self.awaited(watching, self.api(wait.resource, wait.namespace), of_name(only));
        while let Some((name, last)) = open.first() {
            let event = match timeout_at(deadline, events.next()).await {
                Ok(Some(Ok(event))) => event,
                Ok(Some(Err(error))) => match forbidden(&attempt(name), error) {
                    Ok(error) => return Err(error),
                    Err(text) => {
                        open.note(&text);
                        continue;
                    }
                },
                Ok(None) | Err(_) => {
                    return Err(ClusterError::NotReached {
                        attempt: attempt(name),
                        limit: wait.limit,
                        last: last.to_owned(),
                    });
                }
            };
            open.take(event, &judge)
                .map_err(|(name, reason)| ClusterError::Failed {
                    attempt: attempt(name),
                    reason,
                })?;
        }
        Ok(())
    }
}

/// The objects that are not as they should be yet, and why not.
struct Open<'a> {
    names: &'a [&'a str],
    reasons: BTreeMap<&'a str, String>,
    /// Those that a list which is under way has not shown.
    unseen: BTreeSet<&'a str>,
}

impl<'a> Open<'a> {
    fn new(names: &'a [&'a str]) -> Self {
        let reason = |name: &&'a str| (*name, "nothing was seen of it".to_owned());
        Self {
            names,
            reasons: names.iter().map(reason).collect(),
            unseen: BTreeSet::new(),
        }
    }

    fn first(&self) -> Option<(&'a str, &str)> {
        let (name, reason) = self.reasons.first_key_value()?;
        Some((name, reason))
    }

    /// The watch is disturbed: that is the newest reason of all.
    fn note(&mut self, reason: &str) {
        self.reasons.values_mut().for_each(|last| reason.clone_into(last));
    }

    fn take(
        &mut self,
        event: watcher::Event<DynamicObject>,
        judge: impl Fn(Option<&DynamicObject>) -> Judgement,
    ) -> Result<(), (&'a str, String)> {
        match event {
            watcher::Event::Init => self.unseen = self.names.iter().copied().collect(),
            watcher::Event::InitDone => {
                for name in std::mem::take(&mut self.unseen) {
                    self.judged(name, judge(None))?;
                }
            }
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                if let Some(name) = self.known(&object) {
                    self.judged(name, judge(Some(&object)))?;
                }
            }
            watcher::Event::Delete(object) => {
                if let Some(name) = self.known(&object) {
                    self.judged(name, judge(None))?;
                }
            }
        }
        Ok(())
    }

    fn known(&mut self, object: &DynamicObject) -> Option<&'a str> {
        let name = object.metadata.name.as_deref()?;
        let known = self.names.iter().copied().find(|known| *known == name)?;
        self.unseen.remove(known);
        Some(known)
    }

    fn judged(&mut self, name: &'a str, judgement: Judgement) -> Result<(), (&'a str, String)> {
        match judgement {
            Judgement::Reached => drop(self.reasons.remove(name)),
            Judgement::Waiting(reason) => drop(self.reasons.insert(name, reason)),
            Judgement::Failed(reason) => return Err((name, reason)),
        }
        Ok(())
    }
}

/// A watch error that no waiting mends, or else the words of one that passes.
fn forbidden(attempt: &Attempt, error: watcher::Error) -> Result<ClusterError, String> {
    let text = crate::process::chain(&error);
    let (watcher::Error::InitialListFailed(cause)
    | watcher::Error::WatchStartFailed(cause)
    | watcher::Error::WatchFailed(cause)) = error
    else {
        return Err(text);
    };
    match classify(attempt, cause) {
        refused @ ClusterError::Forbidden { .. } => Ok(refused),
        _ => Err(text),
    }
}
