//! The bootstrap program, and by its other names the operator's commands `alga-control-plane-reapply` and
//! `alga-appliance-reset-admin`.

use std::process::ExitCode;

use appliance_bootstrap::cli;
use appliance_kubectl_queue::Gate;

fn main() -> ExitCode {
    cli::main(Gate::enter(), std::env::args_os())
}
