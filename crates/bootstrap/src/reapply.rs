//! `alga-control-plane-reapply`: puts the control plane's objects back, with the image that ran last, or the baked
//! one. It deletes, resets and replaces nothing (50 §9, W26).

use std::process::ExitCode;

use appliance_common::clock::Clock;
use appliance_common::host::ImageRecord;
use appliance_common::names::{BAKED_IMAGE, host_file};
use appliance_common::process::chain;
use appliance_kubectl_queue::Gate;

use crate::owned::{self, Place};
use crate::run;
use crate::say;
use crate::settings::Places;

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
    let path = places.host_state_dir.join(host_file::CONTROL_PLANE_IMAGE);
    let known = owned::read(&path, 64 * 1024)?;
    // One that cannot be understood has nothing to keep.
    let record: ImageRecord = known
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let pinned = ImageRecord {
        pinned: Some(BAKED_IMAGE.to_owned()),
        reason: Some("alga-control-plane-reapply --baked".to_owned()),
        updated_at: Some(Clock::system().now()),
        ..record
    };
    owned::directory(&places.host_state_dir)?;
    owned::write(&path, &serde_json::to_vec_pretty(&pinned)?, 0o640, Place::Any)
}
