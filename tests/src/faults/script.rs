//! Which requests go wrong, and how: rules that a proxy asks about each request, and what they did.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use appliance_control_plane::setup::plan::StepId;
use http::Method;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::fault::{Fault, LATE};

/// Which requests a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Every request.
    Any,
    /// Those that change nothing.
    Read,
    /// Those that change something.
    Write,
}

impl Verb {
    fn has(self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        match self {
            Self::Any => true,
            Self::Read => reads,
            Self::Write => !reads,
        }
    }
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Only while this step runs; `None` at any time.
    pub during: Option<StepId>,
    /// Which requests.
    pub verb: Verb,
    /// What their path and query contain.
    pub path: String,
    /// The first of them that goes wrong, from 1.
    pub nth: u32,
    /// What happens to it.
    pub fault: Fault,
    /// How many go wrong, one after the other; `None`: all until the script is lifted.
    pub times: Option<u32>,
}

/// A request that went wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// When.
    pub at: Instant,
    /// How.
    pub fault: Fault,
    /// `PATCH /api/v1/…`.
    pub request: String,
}

/// Where the install is, read from its journal: what a rule's `during` is held against. The journal has a
/// step's beginning on the disk before the step does anything, so no request is early.
#[derive(Debug, Clone, Default)]
pub struct Stage(Arc<Mutex<Option<PathBuf>>>);

impl Stage {
    /// Looks at this journal from now on.
    pub fn look_at(&self, journal: PathBuf) {
        *locked(&self.0) = Some(journal);
    }

    /// The newest event of the journal, if there is one.
    #[must_use]
    pub fn last_event(&self) -> Option<Value> {
        let path = locked(&self.0).clone()?;
        let text = std::fs::read_to_string(path).ok()?;
        serde_json::from_str(text.lines().next_back()?).ok()
    }

    /// The step that runs now.
    #[must_use]
    pub fn running(&self) -> Option<StepId> {
        let event = self.last_event()?;
        let begun = event["event"] == "step-started";
        begun.then(|| serde_json::from_value(event["step"].clone()).ok())?
    }
}

/// A rule and how far it is.
#[derive(Debug)]
struct Armed {
    rule: Rule,
    matched: u32,
    done: u32,
}

/// The rules of one proxy; cheap to clone.
#[derive(Debug, Clone)]
pub struct Script {
    stage: Stage,
    kill: Arc<Notify>,
    state: Arc<Mutex<State>>,
    lifted: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    armed: Vec<Armed>,
    hits: Vec<Hit>,
    /// How late a delayed answer is.
    delay: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self {
            armed: Vec::new(),
            hits: Vec::new(),
            delay: LATE,
        }
    }
}

impl Script {
    /// An empty script; `kill` is told when a request asks for the end of the program.
    #[must_use]
    pub fn new(stage: Stage, kill: Arc<Notify>) -> Self {
        Self {
            stage,
            kill,
            state: Arc::default(),
            lifted: watch::Sender::new(0),
        }
    }

    /// Follows these rules from now on, and has done nothing yet.
    pub fn arm(&self, rules: impl IntoIterator<Item = Rule>) {
        let armed = |rule| Armed {
            rule,
            matched: 0,
            done: 0,
        };
        let mut state = locked(&self.state);
        state.armed = rules.into_iter().map(armed).collect();
        state.hits.clear();
    }

    /// Everything is well again; requests that were left without an answer are let go.
    pub fn lift(&self) {
        locked(&self.state).armed.clear();
        self.lifted.send_modify(|times| *times += 1);
    }

    /// Returns at the next [`Script::lift`].
    pub(super) async fn until_lifted(&self) {
        // The sender is in `self`, so the wait has an end or is dropped.
        let _ = self.lifted.subscribe().changed().await;
    }

    /// How late an answer is from now on that a rule delays.
    pub fn delay_by(&self, delay: Duration) {
        locked(&self.state).delay = delay;
    }

    pub(super) fn delay(&self) -> Duration {
        locked(&self.state).delay
    }

    /// What it did so far.
    #[must_use]
    pub fn hits(&self) -> Vec<Hit> {
        locked(&self.state).hits.clone()
    }

    /// The program is to be killed now.
    pub(super) fn ask_for_a_kill(&self) {
        self.kill.notify_one();
    }

    /// What happens to this request.
    pub(super) fn decide(&self, method: &Method, target: &str) -> Option<Fault> {
        let running = self.stage.running();
        let mut state = locked(&self.state);
        let fault = state
            .armed
            .iter_mut()
            .find_map(|armed| armed.on(method, target, running))?;
        state.hits.push(Hit {
            at: Instant::now(),
            fault,
            request: format!("{method} {target}"),
        });
        Some(fault)
    }
}

impl Armed {
    fn on(&mut self, method: &Method, target: &str, running: Option<StepId>) -> Option<Fault> {
        let rule = &self.rule;
        let is_meant = rule.during.is_none_or(|step| running == Some(step))
            && rule.verb.has(method)
            && target.contains(&rule.path);
        if !is_meant {
            return None;
        }
        self.matched += 1;
        let is_due = self.matched >= rule.nth && rule.times.is_none_or(|times| self.done < times);
        is_due.then(|| {
            self.done += 1;
            rule.fault
        })
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn rule() -> Rule {
        Rule {
            during: Some(StepId::Secrets),
            verb: Verb::Write,
            path: "/secrets".to_owned(),
            nth: 2,
            fault: Fault::CutBefore,
            times: Some(1),
        }
    }

    #[test]
    fn a_rule_hits_its_nth_request_while_its_step_runs_and_no_other() {
        let mut journal = tempfile::NamedTempFile::new().unwrap();
        let stage = Stage::default();
        stage.look_at(journal.path().to_owned());
        let script = Script::new(stage, Arc::default());
        script.arm([rule()]);
        let patch = || script.decide(&Method::PATCH, "/api/v1/namespaces/msp/secrets/a");
        writeln!(
            journal,
            r#"{{"at":"","event":"step-started","step":"namespaces"}}"#
        )
        .unwrap();
        assert_eq!((patch(), patch()), (None, None), "another step");
        writeln!(journal, r#"{{"at":"","event":"step-started","step":"secrets"}}"#).unwrap();
        assert_eq!(script.decide(&Method::GET, "/secrets"), None, "a reading");
        assert_eq!(script.decide(&Method::POST, "/configmaps"), None, "another path");
        assert_eq!((patch(), patch(), patch()), (None, Some(Fault::CutBefore), None));
        assert_eq!(script.hits().len(), 1);
        writeln!(
            journal,
            r#"{{"at":"","event":"step-done","step":"secrets","summary":""}}"#
        )
        .unwrap();
        script.arm([Rule {
            nth: 1,
            times: None,
            ..rule()
        }]);
        assert_eq!(patch(), None, "the step is done");
    }
}
