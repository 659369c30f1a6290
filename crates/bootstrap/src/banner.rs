//! What a person at the machine sees: where the wizard is, how far boot is, and while nobody has chosen a
//! password, the setup token (50 §7, 30 §14).
//!
//! The token is on local consoles and in files that only root reads, and only as long as it is of use; it is
//! never in what everybody reads (`/etc/issue`, `/etc/motd`) nor on standard output, which the journal keeps
//! (50 W28). Nothing here fails a boot: what cannot be written is a warning.

mod address;
mod block;
mod code;
mod deliver;
mod facts;
mod follow;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use appliance_common::process::chain;
use appliance_kubectl_queue::Gate;

use self::deliver::Targets;
use crate::consoles::Consoles;
use crate::say;
use crate::settings::Places;

/// Where it is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Shown before a login on every console
    #[arg(long, env = "ALGA_APPLIANCE_ISSUE_FILE", value_name = "PATH")]
    issue_file: Option<PathBuf>,
    /// Shown after a login
    #[arg(long, env = "ALGA_APPLIANCE_MOTD_FILE", value_name = "PATH")]
    motd_file: Option<PathBuf>,
    /// The whole of it, for root to read again
    #[arg(long, env = "ALGA_APPLIANCE_RUN_BANNER_FILE", value_name = "PATH")]
    run_banner_file: Option<PathBuf>,
    /// When this installation was built
    #[arg(long, env = "ALGA_APPLIANCE_BUILD_INFO_FILE", value_name = "PATH")]
    build_info_file: Option<PathBuf>,
    #[command(flatten)]
    consoles: Consoles,
    /// Stay, and show it anew when addresses, boot or password change
    #[arg(long)]
    follow: bool,
}

impl Flags {
    fn targets(&self, places: &Places) -> Targets {
        let or =
            |given: &Option<PathBuf>, path: &str| given.clone().unwrap_or_else(|| places.below_root(path));
        Targets {
            issue: or(&self.issue_file, "/etc/issue"),
            motd: or(&self.motd_file, "/etc/motd"),
            run: or(&self.run_banner_file, "/run/alga-appliance-setup.txt"),
            consoles: self.consoles.clone(),
        }
    }

    fn build_info(&self, places: &Places) -> PathBuf {
        let installed = || places.below_root("/etc/alga-appliance/build-info.json");
        self.build_info_file.clone().unwrap_or_else(installed)
    }
}

/// Runs `banner`; exits 0 whatever could not be shown.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    if flags.follow {
        return follow::main(gate, places, flags);
    }
    draw(places, flags);
    ExitCode::SUCCESS
}

/// Shows it once, everywhere.
fn draw(places: &Places, flags: &Flags) {
    let facts = facts::gather(places, &flags.build_info(places));
    for warning in &facts.warnings {
        say::error(&format!("banner: {warning}"));
    }
    for error in deliver::everywhere(&flags.targets(places), &facts) {
        say::error(&format!("banner: {}", chain(&error)));
    }
}

/// Shows it once where a command by hand was given: with the environment's own places.
pub(crate) fn redraw(places: &Places) {
    use clap::{Args, Command, FromArgMatches};

    let command = Flags::augment_args(Command::new("banner"));
    let parsed = command.try_get_matches_from(["banner"]);
    if let Ok(flags) = parsed.and_then(|matches| Flags::from_arg_matches(&matches)) {
        draw(places, &flags);
    }
}

/// Where the wizard is, by the likeliest address of this machine.
pub(crate) fn setup_url(places: &Places) -> String {
    let addresses = address::usable();
    let here = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    address::url(addresses.first().copied().unwrap_or(here), places.port)
}
