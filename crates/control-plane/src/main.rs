//! The control-plane program.

use std::process::ExitCode;

fn main() -> ExitCode {
    appliance_common::process::settle_heap();
    appliance_control_plane::cli::main(std::env::args_os())
}
