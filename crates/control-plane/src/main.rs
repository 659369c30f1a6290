//! The control-plane program.

use std::process::ExitCode;

use appliance_common::process::exit_with;
use appliance_control_plane::settings::Settings;

fn main() -> ExitCode {
    exit_with(appliance_control_plane::run(Settings::from_process()))
}
