//! The host agent program.

use std::process::ExitCode;

use appliance_kubectl_queue::Gate;

fn main() -> ExitCode {
    appliance_host_agent::main(Gate::enter(), std::env::args_os())
}
