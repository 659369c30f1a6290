//! The control-plane program.

use std::process::ExitCode;

use appliance_common::process::exit_with;
use appliance_control_plane::install_storage;
use appliance_control_plane::settings::Settings;

fn main() -> ExitCode {
    if let Some(args) = install_storage::requested(std::env::args_os()) {
        return install_storage::run(args);
    }
    exit_with(appliance_control_plane::run(Settings::from_process()))
}
