//! The control-plane program.

use std::process::ExitCode;

fn main() -> ExitCode {
    appliance_control_plane::cli::main(std::env::args_os())
}
