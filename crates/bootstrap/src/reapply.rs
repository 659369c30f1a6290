//! `alga-control-plane-reapply`: puts the control plane's objects back, with the image that ran last, or the baked
//! one. It deletes, resets and replaces nothing (50 §9, W26).

use std::process::ExitCode;

use appliance_common::clock::Clock;
use appliance_common::names::BAKED_IMAGE;
use appliance_common::process::chain;
use appliance_kubectl_queue::Gate;

use crate::settings::Places;
use crate::{image_record, run, say};

/// How it is done.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Go back to the image that came with the installation, and stay with it
    #[arg(long)]
    baked: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `reapply`.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    if flags.baked
        && !flags.dry_run
        && let Err(error) = pin(places)
    {
        say::error(&format!("reapply: keeping the baked image: {}", chain(&error)));
        return ExitCode::FAILURE;
    }
    run::again(gate, places, flags.dry_run)
}

/// Recorded before anything is applied, so that the next boot keeps to it (case 52).
fn pin(places: &Places) -> std::io::Result<()> {
    let mut record = image_record::load(places)?;
    record.pinned = Some(BAKED_IMAGE.to_owned());
    record.reason = Some("alga-control-plane-reapply --baked".to_owned());
    // Whatever was on trial is given up with it.
    record.trying = None;
    image_record::store(places, &mut record, Clock::system().now())
}
