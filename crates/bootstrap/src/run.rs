//! `run`: from a machine with our files on it to a wizard that answers. Safe to run again at any moment.

mod engine;
mod handoff;
mod record;
mod roll;
mod steps;

use std::process::ExitCode;
use std::time::Duration;

use appliance_common::process::chain;
use appliance_kubectl_queue::Gate;

use crate::installed::{Installed, Missing};
use crate::k3s::{Mirror, Network};
use crate::plan::{Command, Inputs, Plan, PlanError};
use crate::say;
use crate::settings::Places;

/// How it is run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Only wait for the API server, and apply the control plane
    #[arg(long)]
    control_plane_only: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Longest wait for the API server, in seconds
    #[arg(long, env = "ALGA_K3S_READY_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 180,
          value_parser = clap::value_parser!(u64).range(1..))]
    k3s_ready_timeout_seconds: u64,
    /// Where images of a registry are got instead, REGISTRY=URL, separated by commas
    #[arg(
        long,
        env = "ALGA_APPLIANCE_REGISTRY_MIRRORS",
        value_name = "MIRRORS",
        value_delimiter = ','
    )]
    registry_mirror: Vec<Mirror>,
    #[command(flatten)]
    roll: roll::RollFlags,
}

/// What is to be done, and on what.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) plan: Plan,
    pub(crate) installed: Installed,
    pub(crate) api_limit: Duration,
    /// Only the control plane is seen to: so, and perhaps with the channel's image.
    pub(crate) roll: Option<roll::RollFlags>,
    /// Afterwards it is looked whether the channel has a newer image.
    pub(crate) looks_for_newer: bool,
    /// How containerd reaches registries; `None` leaves that as it is.
    pub(crate) network: Option<Network>,
}

impl Work {
    /// Those commands of the plan that are carried out.
    fn commands(&self) -> Vec<&Command> {
        if self.roll.is_some() {
            self.plan.control_plane_only()
        } else {
            self.plan.commands.iter().collect()
        }
    }
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
enum NotBegun {
    #[error(transparent)]
    Missing(Missing),
    #[error("the plan of this program is not one it may carry out")]
    Plan(#[source] PlanError),
}

/// Runs `run`.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    let asked = Asked {
        api_limit: Duration::from_secs(flags.k3s_ready_timeout_seconds),
        roll: flags.control_plane_only.then(|| flags.roll.clone()),
        looks_for_newer: !flags.control_plane_only,
        network: Some(Network {
            mirrors: flags.registry_mirror.clone(),
            ca_bundle: flags.roll.ca_bundle(),
        }),
    };
    carry_out(gate, places, asked, flags.dry_run)
}

/// What was asked for.
struct Asked {
    api_limit: Duration,
    roll: Option<roll::RollFlags>,
    looks_for_newer: bool,
    /// `None` leaves containerd's registries as they are.
    network: Option<Network>,
}

fn carry_out(gate: Gate, places: &Places, asked: Asked, is_dry: bool) -> ExitCode {
    let work = match prepare(places, asked) {
        Ok(work) => work,
        Err(error) => {
            say::error(&chain(&error));
            return ExitCode::FAILURE;
        }
    };
    if is_dry {
        dry_run(places, &work);
        return ExitCode::SUCCESS;
    }
    match engine::run(gate, places, &work) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            say::error(&chain(&error));
            ExitCode::from(error.code())
        }
    }
}

/// Runs everything that boot does, by hand: `reapply`.
pub(crate) fn again(gate: Gate, places: &Places, dry_run: bool) -> ExitCode {
    let asked = Asked {
        api_limit: Duration::from_mins(3),
        roll: None,
        looks_for_newer: false,
        network: None,
    };
    carry_out(gate, places, asked, dry_run)
}

fn prepare(places: &Places, asked: Asked) -> Result<Work, NotBegun> {
    let plan = Plan::of(Inputs {
        appliance_root: &places.appliance_root.to_string_lossy(),
        kubeconfig: &places.kubeconfig.to_string_lossy(),
        port: places.port,
    });
    plan.check().map_err(NotBegun::Plan)?;
    Ok(Work {
        plan,
        installed: Installed::find(places).map_err(NotBegun::Missing)?,
        api_limit: asked.api_limit,
        roll: asked.roll,
        looks_for_newer: asked.looks_for_newer,
        network: asked.network,
    })
}

fn dry_run(places: &Places, work: &Work) {
    for command in work.commands() {
        say::planned(&command.to_string());
    }
    if work.roll.is_some() {
        return;
    }
    for line in handoff::lines(places) {
        say::line(&line);
    }
}
