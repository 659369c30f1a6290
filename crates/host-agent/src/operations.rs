//! How the host's own operations stand, from the records that their programs keep.

use std::path::Path;

use appliance_common::agent_api::Operations;
use appliance_common::host::ResetState;
use appliance_common::names::host_file;
use appliance_common::state_file::StateFile;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::settings::Settings;
use crate::upgrade;

/// What can be read of them.
pub(crate) fn read(settings: &Settings) -> Operations {
    let dir = &settings.host_state_dir;
    Operations {
        ok: true,
        boot: record(dir, host_file::BOOTSTRAP_STATE),
        control_plane_upgrade: upgrade::known(settings),
        control_plane_image: record(dir, host_file::CONTROL_PLANE_IMAGE),
        // The nonce confirms a reset: it is for the person at the console.
        reset: record(dir, host_file::RESET_STATE).map(|state: ResetState| ResetState {
            nonce: String::new(),
            ..state
        }),
    }
}

fn record<T: Serialize + DeserializeOwned>(dir: &Path, name: &str) -> Option<T> {
    StateFile::at(dir.join(name)).load().ok().flatten()
}
