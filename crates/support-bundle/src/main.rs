//! The `alga-support-bundle` program.

use std::process::ExitCode;

use appliance_kubectl_queue::Gate;

fn main() -> ExitCode {
    appliance_support_bundle::cli::main(Gate::enter(), std::env::args_os())
}
