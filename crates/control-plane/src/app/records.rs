//! Joins setup and status: what the state volume tells, in the form that is observed.

mod update_owner;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use appliance_common::agent_api::{AgentClient, DiskFacts};
use appliance_common::outbound::{DnsPolicy, OutboundSettings, ProxySettings};
use appliance_common::readiness::observed::{AutoRetry, Bootstrap, Install};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use serde_json::{Map, Value, json};

use crate::host_network;
use crate::setup::board::View;
use crate::setup::handover::BootstrapRecord;
use crate::setup::plan_view;
use crate::setup::run::Run;
use crate::setup::selection::ReleaseSelection;
use crate::setup::{NetworkFinding, Setup};
use crate::status::{Local, Moment, NetworkTrouble, Records};
use crate::watched::Stamp;

/// What of the state document is shown. Other keys of old writers (raw output of installers) are not.
const SHOWN: [&str; 17] = [
    "status",
    "phase",
    "lastAction",
    "updatedAt",
    "setupInputs",
    "failure",
    "bootstrap",
    "run",
    "steps",
    "release",
    "update",
    "preflight",
    "storage",
    "selectedChannel",
    "selectedReleaseVersion",
    "manifestDigest",
    "schemaVersion",
];

/// What `setup` records.
pub(super) struct SetupRecords {
    setup: Setup,
    port: u16,
    editable: Mutex<Option<(Moment, bool)>>,
}

impl SetupRecords {
    pub(super) fn new(setup: Setup, port: u16) -> Self {
        Self {
            setup,
            port,
            editable: Mutex::new(None),
        }
    }

    fn install(
        &self,
        view: Option<&View>,
        selection: Option<&ReleaseSelection>,
        document: Result<Option<Value>, String>,
    ) -> Install {
        let engine = view.and_then(|view| view.engine_failure.as_ref());
        let record = view.and_then(|view| view.history.bootstrap.as_ref());
        let recorded = document.as_ref().ok().and_then(Option::as_ref);
        let version = selection.map(|it| it.selected_release_version.clone());
        Install {
            engine_failure: engine.map(|failure| json!(failure)),
            editable: self.is_editable(),
            bootstrap: record.map(bootstrap),
            login_url: login_url(selection),
            status_url: status_url(self.port),
            update_owner: recorded.and_then(update_owner::of),
            release: version.filter(|version| !version.is_empty()),
            document,
            ..Install::default()
        }
    }
}

impl Records for SetupRecords {
    fn moment(&self) -> Moment {
        let settings = self.setup.settings();
        let stamp = |path: &std::path::PathBuf| Stamp::of(path).ok().flatten();
        Moment {
            view: self
                .setup
                .view()
                .ok()
                .map(|view| view as Arc<dyn Any + Send + Sync>),
            files: [&settings.selection_file, &settings.state_file]
                .map(stamp)
                .to_vec(),
        }
    }

    fn read(&self) -> Local {
        // Before everything else: what changes meanwhile makes another moment.
        let moment = self.moment();
        let setup = &self.setup;
        let view = setup.view().ok();
        let selection = setup.selection();
        let auto_retry = setup.auto_retry();
        let plan = setup.plan();
        let document = setup.install_state();
        let run = view.as_ref().map(|view| &view.history.run);
        let is_running = matches!(run, Some(Run::Queued | Run::Running { .. }));
        let inputs = setup.stored_inputs();
        let recorded = document.as_ref().ok().and_then(Option::as_ref);
        let sections = vec![
            ("stateUnreadable", json!(document.is_err())),
            ("setupInputs", inputs.map_or(Value::Null, |stored| stored.brief())),
            ("releaseSelection", json!(selection)),
            ("release", json!(selection)),
            ("installState", shown(recorded)),
            ("kubeconfigPath", json!(setup.settings().cluster.kubeconfig())),
            ("plan", plan.as_ref().map_or(Value::Null, |plan| json!(plan))),
            ("steps", steps(recorded)),
            (
                "setupProgress",
                json!(view.as_ref().and_then(|view| view.live_line())),
            ),
            ("repair", json!(setup.repair_view())),
            ("setupReEditable", json!(self.is_editable())),
        ];
        let auto = auto_retry.as_ref().map(|auto| ("autoRetry", json!(auto)));
        let is_complete = plan.is_ok_and(|plan| plan.state == "complete");
        Local {
            sections: sections.into_iter().chain(auto).collect(),
            counts: is_running || auto_retry.as_ref().is_some_and(|auto| auto.will_retry),
            is_running,
            moment,
            install: Install {
                is_installed: is_complete || selection.as_ref().is_some_and(|it| it.installed_at.is_some()),
                auto_retry: auto_retry.map(retry),
                ..self.install(view.as_deref(), selection.as_ref(), document)
            },
        }
    }

    fn mark(&self) -> String {
        let moment = self.moment();
        let inputs = Stamp::of(&self.setup.settings().inputs_file).ok();
        format!("{:?} {inputs:?} {:?}", moment.files, self.setup.repair_view())
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        let Some(board) = self.setup.board() else {
            return futures::stream::pending().boxed();
        };
        let follow = |mut views: tokio::sync::watch::Receiver<Arc<View>>| async move {
            let changed = views.changed().await;
            changed.ok().map(|()| ((), views))
        };
        let told = futures::stream::unfold(board.follow(), follow);
        told.chain(futures::stream::pending()).boxed()
    }

    fn is_editable(&self) -> bool {
        let now = self.moment();
        let mut held = self.editable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((moment, is_editable)) = &*held
            && moment.is(&now)
        {
            return *is_editable;
        }
        let is_editable = self.setup.is_editable();
        *held = Some((now, is_editable));
        is_editable
    }

    fn outbound(&self) -> OutboundSettings {
        let stored = self.setup.stored_inputs();
        let dns =
            stored.and_then(|stored| DnsPolicy::from_inputs(&stored.dns_mode, &stored.dns_servers).ok());
        OutboundSettings {
            dns: dns.unwrap_or_default(),
            // The application is on this box.
            proxy: ProxySettings::default(),
            ca_bundle: self.setup.settings().registry.ca_bundle.clone(),
        }
    }

    fn data_disk(&self) -> BoxFuture<'_, Option<DiskFacts>> {
        Box::pin(async {
            let agent = AgentClient::at(self.setup.settings().preflight.host_agent_socket.clone());
            agent.host_facts().await.ok()?.data_disk
        })
    }

    fn look_at_network(&self) -> BoxFuture<'_, Result<(), NetworkTrouble>> {
        Box::pin(async {
            let found = self.setup.look_at_release_source().await;
            found.map_err(
                |NetworkFinding {
                     category,
                     message,
                     next_step,
                 }| NetworkTrouble {
                    category,
                    message,
                    next_step,
                },
            )
        })
    }
}

fn shown(document: Option<&Value>) -> Value {
    let Some(Value::Object(document)) = document else {
        return Value::Null;
    };
    let shown = document.iter().filter(|(key, _)| SHOWN.contains(&key.as_str()));
    Value::Object(
        shown
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

fn steps(document: Option<&Value>) -> Value {
    let steps = document.and_then(|document| document.get("steps").cloned());
    steps.unwrap_or_else(|| json!([]))
}

fn login_url(selection: Option<&ReleaseSelection>) -> Option<String> {
    let runtime = selection?.runtime.as_ref()?;
    Some(runtime.app_hostname.clone()).filter(|address| !address.is_empty())
}

fn retry(auto: plan_view::AutoRetry) -> AutoRetry {
    AutoRetry {
        will_retry: auto.will_retry,
        exhausted: auto.exhausted,
        attempts: auto.attempts,
        max_attempts: auto.max_attempts,
        next_attempt_at: auto.next_attempt_at.and_then(|at| at.parse().ok()),
        waiting_for: auto.waiting_for,
    }
}

fn bootstrap(record: &BootstrapRecord) -> Bootstrap {
    Bootstrap {
        state: record.state,
        attempts: record.attempts,
        last_error: record.last_error.clone(),
        log_excerpt: record.log_excerpt.clone(),
        log_pod: record.log_pod.clone(),
        was_complete: record.is_proven(),
        job_uid: record.job_uid.clone(),
        since: record.since.parse().ok(),
    }
}

/// Where this page is.
fn status_url(port: u16) -> Option<String> {
    let address = host_network::addresses().into_iter().next()?;
    Some(format!("http://{}/", SocketAddr::from((address, port))))
}
