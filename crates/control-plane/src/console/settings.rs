//! What the console was told.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::names;
use clap::Args;
use url::{Host, Url};

use crate::settings::{in_state_dir, millis, seconds};

/// Flags of `appliance-control-plane setup`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 when the application is handed to Flux (or, with --no-wait, the answers were \
                  accepted), 1 when setup is blocked or failed, 2 for a usage error."
)]
pub struct ConsoleSettings {
    /// Address of the control plane: http on this machine, or https.
    #[arg(long, env = "ALGA_APPLIANCE_URL", value_parser = base_url, default_value = "http://127.0.0.1:8080")]
    pub url: Url,
    /// JSON object with the answers, as `POST /api/setup` takes them, and `managementPassword`; `-` reads
    /// it from standard input. Without it, questions are asked on the terminal.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// One-time setup token; asked for when it cannot be read.
    #[arg(long, env = "ALGA_APPLIANCE_TOKEN_FILE", default_value_os_t = in_state_dir(names::file::SETUP_TOKEN))]
    pub token_file: PathBuf,
    /// PEM file of further certificate authorities to trust for an https address.
    #[arg(long = "ca-bundle", env = "ALGA_APPLIANCE_CA_BUNDLE", value_parser = some_path)]
    pub console_ca_bundle: Option<OptionalPath>,
    /// Ends once the answers are accepted, instead of following the install.
    #[arg(long)]
    pub no_wait: bool,
    /// Longest time the install is followed, in seconds.
    #[arg(long = "timeout-seconds", env = "ALGA_APPLIANCE_SETUP_TIMEOUT_SECONDS", value_parser = seconds, default_value = "7200")]
    pub timeout: Duration,
    /// Pause between two looks at the install, in milliseconds.
    #[arg(long = "poll-ms", env = "ALGA_APPLIANCE_SETUP_POLL_MS", value_parser = millis, default_value = "1000")]
    pub poll: Duration,
}

impl ConsoleSettings {
    /// The CA bundle, if one is named.
    #[must_use]
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.console_ca_bundle.as_ref()?.0.as_deref()
    }
}

/// A path that may have been given empty, as unit files do.
#[derive(Debug, Clone)]
pub struct OptionalPath(pub Option<PathBuf>);

#[expect(clippy::unnecessary_wraps, reason = "clap's value parsers return a Result")]
fn some_path(text: &str) -> Result<OptionalPath, std::convert::Infallible> {
    Ok(OptionalPath(
        Some(text).filter(|text| !text.is_empty()).map(PathBuf::from),
    ))
}

/// A management password travels over this address, so it stays on the machine or inside TLS.
fn base_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    match (url.scheme(), url.host()) {
        _ if !is_bare => Err("must be an address without user, path or query".to_owned()),
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_loopback(&host) => Ok(url),
        ("http", _) => Err("plain http is only accepted on this machine: use 127.0.0.1, or https".to_owned()),
        _ => Err("must begin with http:// or https://".to_owned()),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_never_travel_in_clear_over_a_network() {
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:18080/",
            "https://box.lan:8443",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://192.0.2.7:8080",
            "http://box.lan",
            "http://localhost.evil.example",
            "https://u:p@box.lan",
            "http://127.0.0.1/setup",
            "ftp://127.0.0.1",
            "127.0.0.1:8080",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
