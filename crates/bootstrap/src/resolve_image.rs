//! `resolve-image`: which control-plane image the channel names, as far as this box may run it (10 §12.1).
//!
//! It prints the reference or nothing, and always exits 0: nothing means "keep what you have". Why is on standard
//! error, or in the JSON.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::names::file;
use appliance_common::outbound::{DnsPolicy, ProxySettings};
use appliance_common::process::chain;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::reference::{Channel, ImageRepository, Reference, RegistryHost, Repository};
use appliance_common::release::registry::{Registry, RegistrySettings};
use appliance_common::release::usable::ControlPlane;
use serde_json::{Value, json};

use crate::choice::is_baked;
use crate::settings::Places;
use crate::{command, say};

/// Whom to ask.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// What the operator chose; beside the state when not given
    #[arg(long, env = "ALGA_APPLIANCE_RELEASE_SELECTION_FILE", value_name = "PATH")]
    selection_file: Option<PathBuf>,
    /// Channel, before the operator's own choice
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Channel of a box that chose none
    #[arg(long, env = "ALGA_APPLIANCE_DEFAULT_CHANNEL", default_value = "stable")]
    default_channel: Channel,
    /// Registry, where the operator's choice names none
    #[arg(long, env = "ALGA_APPLIANCE_REGISTRY_HOST", default_value = "ghcr.io")]
    registry_host: RegistryHost,
    /// Repository of the releases, where the operator's choice names none
    #[arg(
        long,
        env = "ALGA_APPLIANCE_RELEASE_REPOSITORY",
        default_value = "nine-minds/alga-appliance-release"
    )]
    release_repository: Repository,
    /// Repositories that a control plane may come from
    #[arg(
        long,
        env = "ALGA_APPLIANCE_CONTROL_PLANE_REPOSITORIES",
        value_delimiter = ','
    )]
    control_plane_repositories: Vec<ImageRepository>,
    /// Deadline of one request, in milliseconds
    #[arg(long, default_value_t = 8000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout_ms: u64,
    /// PEM file of further certification authorities
    #[arg(long, env = "ALGA_APPLIANCE_CA_BUNDLE", value_name = "PATH")]
    ca_bundle: Option<PathBuf>,
    /// Proxy for https requests
    #[arg(long, env = "HTTPS_PROXY")]
    https_proxy: Option<String>,
    /// Hosts that are reached without a proxy
    #[arg(long, env = "NO_PROXY")]
    no_proxy: Option<String>,
    /// Tell it as JSON, with a code for the reason
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// This one may be run.
    Image(String),
    /// None; the code, and why.
    Nothing { code: &'static str, why: String },
}

/// Runs `resolve-image`.
pub(crate) fn main(places: &Places, flags: &Flags) -> ExitCode {
    let outcome = match command::runtime() {
        Ok(runtime) => runtime.block_on(resolve(places, flags)),
        Err(error) => nothing("internal", &error),
    };
    let (text, reason) = match &outcome {
        Outcome::Image(image) => (format!("{image}\n"), None),
        Outcome::Nothing { code, why } => (String::new(), Some((code, why))),
    };
    let mut out = io::stdout().lock();
    let written = if flags.json {
        let document = json!({
            "image": reason.is_none().then_some(text.trim()),
            "code": reason.map_or("resolved", |(code, _)| *code),
            "reason": reason.map(|(_, why)| why),
        });
        writeln!(out, "{document}")
    } else {
        out.write_all(text.as_bytes())
    };
    if let Some((code, why)) = reason {
        say::error(&format!("resolve-image: {code}: {why}"));
    }
    if let Err(error) = written {
        say::error(&format!("resolve-image: writing the answer: {error}"));
    }
    ExitCode::SUCCESS
}

fn nothing(code: &'static str, error: &dyn std::error::Error) -> Outcome {
    Outcome::Nothing {
        code,
        why: chain(error),
    }
}

async fn resolve(places: &Places, flags: &Flags) -> Outcome {
    let beside = || places.state_dir.join(file::RELEASE_SELECTION);
    let selection = selection(&flags.selection_file.clone().unwrap_or_else(beside));
    let reference = match reference(flags, &selection) {
        Ok(reference) => reference,
        Err(error) => return nothing("invalid_reference", &error),
    };
    let host: RegistryHost =
        parsed(&selection, "registryHost").unwrap_or_else(|| flags.registry_host.clone());
    let repository = parsed(&selection, "repository").unwrap_or_else(|| flags.release_repository.clone());
    let mut policy = UsePolicy::for_registry(&host);
    if !flags.control_plane_repositories.is_empty() {
        policy
            .control_plane_repositories
            .clone_from(&flags.control_plane_repositories);
    }
    let settings = RegistrySettings {
        timeout: Duration::from_millis(flags.timeout_ms),
        dns: dns(&selection),
        proxy: ProxySettings {
            https_proxy: flags.https_proxy.clone(),
            no_proxy: flags.no_proxy.clone(),
        },
        ca_bundle: flags.ca_bundle.clone(),
        ..RegistrySettings::new(host, repository)
    };
    let registry = match Registry::open(settings) {
        Ok(registry) => registry,
        Err(error) => return nothing("registry_settings", &error),
    };
    match registry.resolve(&reference).await {
        Ok(resolved) => match resolved.release.usable(&policy) {
            Ok(release) => offered(&release.control_plane),
            Err(error) => nothing("release_unusable", &error),
        },
        Err(error) => nothing("registry_unavailable", &error),
    }
}

/// The image of a release, if it may be run here. Pure.
fn offered(control_plane: &ControlPlane) -> Outcome {
    let refused = |code, why: String| Outcome::Nothing { code, why };
    match control_plane {
        ControlPlane::Rollable(image) => Outcome::Image(image.to_string()),
        ControlPlane::NotPinned(image) if is_baked(image) => refused(
            "baked",
            "the release names the image that came with the installation".to_owned(),
        ),
        ControlPlane::NotPinned(_) => refused(
            "release_names_no_digest",
            "the release names no control plane by its digest".to_owned(),
        ),
        ControlPlane::Held { reason, .. } => refused("image_not_allowed", reason.clone()),
        ControlPlane::Absent => refused(
            "release_names_none",
            "the release names no control plane".to_owned(),
        ),
    }
}

/// The operator's choice; one that cannot be read is none.
fn selection(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn text<'a>(selection: &'a Value, pointer: &str) -> Option<&'a str> {
    selection
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn parsed<T: std::str::FromStr>(selection: &Value, key: &str) -> Option<T> {
    text(selection, &format!("/{key}"))?.parse().ok()
}

/// Argument, then the pin, then the chosen channel, then the default. A channel that is none in the file is as good
/// as no choice; one that is named on the command line is an error.
fn reference(
    flags: &Flags,
    selection: &Value,
) -> Result<Reference, appliance_common::release::reference::GrammarError> {
    if let Some(channel) = flags
        .channel
        .as_deref()
        .filter(|channel| !channel.trim().is_empty())
    {
        return Reference::from_inputs(channel, "");
    }
    if let Some(pin) = text(selection, "/releaseRef") {
        return Reference::from_inputs("", pin);
    }
    let chosen = ["/selectedChannel", "/channel"]
        .iter()
        .find_map(|at| text(selection, at)?.parse().ok());
    Ok(Reference::Channel(chosen.unwrap_or(flags.default_channel)))
}

fn dns(selection: &Value) -> DnsPolicy {
    let of = |key: &str| text(selection, &format!("/runtime/{key}")).unwrap_or_default();
    DnsPolicy::from_inputs(of("dnsMode"), of("dnsServers")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn flags(args: &[&str]) -> Flags {
        let command = Flags::augment_args(Command::new("resolve-image"));
        let args = std::iter::once("resolve-image").chain(args.iter().copied());
        Flags::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    /// Cases 22 and 27.
    #[test]
    fn the_argument_is_before_the_pin_the_pin_before_the_channel_and_nonsense_is_no_choice() {
        let of = |args: &[&str], selection: Value| reference(&flags(args), &selection).unwrap().to_string();
        let pinned = json!({"selectedChannel": "nightly", "releaseRef": "1.0.3"});
        assert_eq!(of(&["--channel", "nightly"], pinned.clone()), "nightly");
        assert_eq!(of(&[], pinned), "1.0.3");
        assert_eq!(of(&[], json!({"selectedChannel": " nightly "})), "nightly");
        assert_eq!(of(&[], json!({"channel": "nightly"})), "nightly");
        for nonsense in [
            json!(null),
            json!({"selectedChannel": 5}),
            json!({"selectedChannel": "--help"}),
            json!([]),
        ] {
            assert_eq!(of(&[], nonsense.clone()), "stable", "{nonsense}");
        }
        assert!(reference(&flags(&["--channel", "evil"]), &json!({})).is_err());
    }
}
