//! What is shown: how far boot is, what systemd says of its units, the pods, the last lines of the journal.

use std::time::Duration;

use appliance_common::host::BootState;
use appliance_common::names::host_file;
use appliance_common::process::chain;
use appliance_common::redact::Redactor;
use appliance_common::state_file::StateFile;
use appliance_common::systemd::Systemd;
use appliance_kubectl_queue::{Keep, Launch};
use tokio_util::sync::CancellationToken;

use crate::routes::Agent;

/// Longest time one command may take: a person waits.
const LIMIT: Duration = Duration::from_secs(6);
/// Bytes of each that are shown.
const CAP: usize = 32 * 1024;
/// Units whose state is shown.
const UNITS: [&str; 2] = ["k3s.service", "alga-appliance-bootstrap.service"];

/// All of it; what cannot be had says why in its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) boot: Option<BootState>,
    /// Unit and state.
    pub(super) units: Vec<(&'static str, String)>,
    pub(super) pods: String,
    pub(super) journal: String,
}

pub(super) async fn look(agent: &Agent) -> Seen {
    let settings = &agent.settings;
    let k3s = settings.appliance_root.join("bin/k3s").display().to_string();
    let pods = [
        k3s.as_str(),
        "kubectl",
        "get",
        "pods",
        "--all-namespaces",
        "--request-timeout=5s",
    ];
    let journal = [
        "journalctl",
        "--no-pager",
        "-n",
        "60",
        "-o",
        "short-iso",
        "-u",
        "alga-appliance-bootstrap.service",
        "-u",
        "k3s.service",
    ];
    let (units, pods, journal) = tokio::join!(units(agent), said(agent, &pods), said(agent, &journal));
    let record = settings.host_state_dir.join(host_file::BOOTSTRAP_STATE);
    Seen {
        boot: StateFile::at(record).load().ok().flatten(),
        units,
        pods,
        journal,
    }
}

async fn units(agent: &Agent) -> Vec<(&'static str, String)> {
    let systemd = match Systemd::connect(&agent.settings.host_root).await {
        Ok(systemd) => systemd,
        Err(error) => return UNITS.map(|unit| (unit, chain(&error))).to_vec(),
    };
    let mut states = Vec::new();
    for unit in UNITS {
        let state = match systemd.state(unit).await {
            Ok(Some(state)) => state,
            Ok(None) => "not installed".to_owned(),
            Err(error) => chain(&error),
        };
        states.push((unit, state));
    }
    states
}

async fn said(agent: &Agent, command: &[&str]) -> String {
    let [program, arguments @ ..] = command else {
        return String::new();
    };
    let launch = Launch::new(*program)
        .args(arguments.iter().copied())
        .env("PATH", agent.settings.path.as_str())
        .env("LC_ALL", "C.UTF-8")
        .limit(LIMIT)
        .cap(CAP)
        .keep(Keep::Tail);
    let ended = agent
        .starter
        .start(launch, CancellationToken::new())
        .finished()
        .await;
    let text = [ended.stdout.text(), ended.stderr.text()].join("\n");
    let masked = Redactor::new([]).text(text.trim()).into_string();
    match ended.outcome.note() {
        Some(note) => format!("{masked}\n[{note}]").trim().to_owned(),
        None => masked,
    }
}
