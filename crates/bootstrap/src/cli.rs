//! The command line: subcommands, and by their installed names the operator's two commands.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use appliance_kubectl_queue::Gate;
use clap::{CommandFactory, Parser, Subcommand};

use crate::settings::Places;
use crate::{
    admin_credential, banner, preflight, reapply, replace_k3s, reset, reset_admin, resolve_image, rights,
    run, token,
};

/// Brings the appliance up on this host, and mends it when it does not come up.
#[derive(Debug, Parser)]
#[command(
    name = "alga-appliance-bootstrap",
    version,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    job: Option<Job>,
    #[command(flatten)]
    run: run::Flags,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Brings up k3s and the control plane; what is done without a subcommand
    Run(run::Flags),
    /// Makes the one-time setup token if there is none
    InitToken,
    /// Sets and shows the temporary console password of the local account
    InitAdminCredential(admin_credential::Flags),
    /// Shows address and state on the consoles
    Banner(banner::Flags),
    /// Prints the control-plane image that the channel names
    ResolveImage(resolve_image::Flags),
    /// Asks whether this host is fit
    Preflight(preflight::Flags),
    /// Puts the control plane's objects back; deletes nothing
    Reapply(reapply::Flags),
    /// What the control plane may do in the cluster: what setup needs as well, or no longer
    Rights(rights::Flags),
    /// Takes data, application or everything away, as planned and confirmed
    Reset(reset::Flags),
    /// Puts another version of k3s in the place of the one that is there, on trial
    ReplaceK3s(replace_k3s::Flags),
    /// Forgets the management password and makes a new setup token
    ResetAdmin(reset_admin::Flags),
}

/// Runs the program: by its subcommand, or by the name it was called.
pub fn main(gate: Gate, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(by_name(args.into_iter().collect())) {
        Ok(line) => line,
        Err(error) => return misunderstood(&error),
    };
    let places = line.places;
    match line.job.unwrap_or(Job::Run(line.run)) {
        Job::Run(flags) => run::main(gate, &places, &flags),
        Job::InitToken => token::main(&places),
        Job::InitAdminCredential(flags) => admin_credential::main(gate, &places, &flags),
        Job::Banner(flags) => banner::main(gate, &places, &flags),
        Job::ResolveImage(flags) => resolve_image::main(&places, &flags),
        Job::Preflight(flags) => preflight::main(gate, &places, &flags),
        Job::Reapply(flags) => reapply::main(gate, &places, &flags),
        Job::Rights(flags) => rights::main(&places, &flags),
        Job::Reset(flags) => reset::main(&places, flags),
        Job::ReplaceK3s(flags) => replace_k3s::main(gate, &places, &flags),
        Job::ResetAdmin(flags) => reset_admin::main(&places, &flags),
    }
}

/// What clap says, and the usage, which it leaves out for some errors (50 §6.1).
fn misunderstood(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    // Nobody is left to be told when the terminal is gone.
    let _ = error.print();
    if error.use_stderr() && !text.contains("Usage:") {
        let _ = writeln!(io::stderr(), "{}", CommandLine::command().render_usage());
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Under one of the operators' names the subcommand is that name's.
fn by_name(mut args: Vec<OsString>) -> Vec<OsString> {
    let called = args.first().and_then(|name| Path::new(name).file_name());
    let job = match called.and_then(|name| name.to_str()) {
        Some("alga-control-plane-reapply") => "reapply",
        Some("alga-appliance-reset-admin") => "reset-admin",
        _ => return args,
    };
    args.insert(1, OsString::from(job));
    args
}
