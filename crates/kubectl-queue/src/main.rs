//! The `kubectl-queue` program.

use std::process::ExitCode;

use appliance_kubectl_queue::{Gate, cli};

fn main() -> ExitCode {
    cli::main(Gate::enter(), std::env::args_os())
}
