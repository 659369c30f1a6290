//! What an operator reads before and after: plain lines.

use std::io::{self, Write};
use std::path::Path;

use appliance_common::cluster::ClusterError;
use appliance_common::host::{ResetPhase, ResetScope, ResetState};
use appliance_common::process::chain;

use super::cluster::Volume;
use super::journal::{documents, phrase};
use super::measure::Measured;

/// What is there now.
pub(super) struct Inventory {
    pub(super) cluster: Result<InCluster, ClusterError>,
    pub(super) disk: Option<Measured>,
    pub(super) site: String,
}

/// Of it, what the cluster knows.
pub(super) struct InCluster {
    pub(super) namespaces: Vec<String>,
    pub(super) volumes: Vec<Volume>,
}

pub(super) fn planned(state: &ResetState, seen: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Scope:        {}", scope_text(state.scope))?;
    writeln!(out, "Storage path: {}", state.storage_path)?;
    match seen.disk {
        None => writeln!(out, "On disk:      nothing; the directory does not exist")?,
        Some(disk) => {
            let least = if disk.is_whole { "" } else { "at least " };
            writeln!(
                out,
                "On disk:      {least}{} entries, {least}{} MiB",
                disk.entries,
                disk.bytes >> 20
            )?;
            if let Some(newest) = disk.newest {
                writeln!(out, "Newest file:  {newest}")?;
            }
        }
    }
    match &seen.cluster {
        Err(error) => writeln!(out, "Cluster:      not known: {}", chain(error))?,
        Ok(cluster) => {
            let namespaces = match cluster.namespaces.as_slice() {
                [] => "none of the application's".to_owned(),
                names => names.join(", "),
            };
            writeln!(out, "Namespaces:   {namespaces}")?;
            for volume in &cluster.volumes {
                writeln!(
                    out,
                    "Volume:       {} of claim {} ({})",
                    volume.name, volume.claim, volume.size
                )?;
            }
        }
    }
    for name in documents(state.scope) {
        writeln!(out, "Document:     {name}")?;
    }
    writeln!(
        out,
        "\nNothing was removed. Within ten minutes, to take all this away:"
    )?;
    writeln!(
        out,
        "  alga-appliance-bootstrap reset apply --scope {} --storage-path {} --confirm {} --type {:?} --backup DIR",
        state.scope.name(),
        state.storage_path,
        state.nonce,
        phrase(&seen.site),
    )
}

pub(super) fn under_way(state: &ResetState, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "A reset ({}) is under way since {}: {}.",
        state.scope.name(),
        state.planned_at,
        reached(state.phase)
    )?;
    if let Some(error) = &state.error {
        writeln!(out, "It stopped: {error}")?;
    }
    writeln!(out, "To go on: alga-appliance-bootstrap reset apply")
}

/// The steps of a scope, for a dry run.
pub(super) fn steps(scope: ResetScope, storage_path: &Path, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[plan] suspend what Flux applies")?;
    match scope {
        ResetScope::Data => {
            writeln!(
                out,
                "[plan] remove the releases and wait until the application is gone"
            )?;
            writeln!(out, "[plan] remove its claims")?;
        }
        ResetScope::App | ResetScope::Factory => {
            writeln!(
                out,
                "[plan] remove the releases, the Kustomizations and the source"
            )?;
            writeln!(
                out,
                "[plan] remove the namespaces alga-system and msp and wait until they are gone"
            )?;
        }
    }
    writeln!(out, "[plan] remove the application's volumes from the cluster")?;
    writeln!(
        out,
        "[plan] make sure that no process holds a file below {}",
        storage_path.display()
    )?;
    writeln!(out, "[plan] remove everything in {}", storage_path.display())?;
    for name in documents(scope) {
        writeln!(out, "[plan] remove {name}")?;
    }
    match scope {
        ResetScope::Data => writeln!(out, "[plan] let Flux install the application anew")?,
        ResetScope::App => writeln!(out, "[plan] restart the control plane")?,
        ResetScope::Factory => writeln!(out, "[plan] make a new setup token and restart the control plane")?,
    }
    Ok(())
}

/// What is so in a phase, as the middle of a sentence.
pub(super) fn reached(phase: ResetPhase) -> &'static str {
    match phase {
        ResetPhase::Planned => "nothing is removed yet",
        ResetPhase::Quiesced => "Flux is suspended",
        ResetPhase::FluxRemoved => "the releases are removed",
        ResetPhase::WorkloadsGone => "nothing of the application runs",
        ResetPhase::VolumesRemoved => "the cluster has no volume of the application",
        ResetPhase::DataWiped => "the data is removed",
        ResetPhase::StateCleared => "the documents are removed",
        ResetPhase::Complete => "everything is done",
    }
}

fn scope_text(scope: ResetScope) -> &'static str {
    match scope {
        ResetScope::Data => "data: the application's volumes; Flux then installs it anew",
        ResetScope::App => "app: the application and its volumes",
        ResetScope::Factory => "factory: the application, its volumes and what the box knows of its setup",
    }
}
