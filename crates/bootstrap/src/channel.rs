//! Which control-plane image the channel names, as far as this box may run it (10 §12.1).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::names::file;
use appliance_common::outbound::{DnsPolicy, OutboundError, ProxySettings};
use appliance_common::process::chain;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::reference::{
    Channel, GrammarError, ImageRef, ImageRepository, Reference, RegistryHost, Repository,
};
use appliance_common::release::registry::{Registry, RegistrySettings};
use appliance_common::release::usable::ControlPlane;
use serde_json::Value;

use crate::choice::is_baked;
use crate::settings::Places;

/// Whom to ask.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
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
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Proxy for https requests
    #[arg(long, env = "HTTPS_PROXY")]
    https_proxy: Option<String>,
    /// Hosts that are reached without a proxy
    #[arg(long, env = "NO_PROXY")]
    no_proxy: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This one may be run.
    Image(String),
    /// None; the code, and why.
    Nothing { code: &'static str, why: String },
}

fn nothing(code: &'static str, error: &dyn std::error::Error) -> Outcome {
    Outcome::Nothing {
        code,
        why: chain(error),
    }
}

impl Source {
    /// What the operator chose; nothing where nothing was chosen yet.
    pub(crate) fn selection(&self, places: &Places) -> Selection {
        let beside = || places.state_dir.join(file::RELEASE_SELECTION);
        Selection::read(&self.selection_file.clone().unwrap_or_else(beside))
    }

    /// The image of the release that is meant, if it may be run here.
    pub(crate) async fn resolve(&self, selection: &Selection) -> Outcome {
        let reference = match reference(self, selection) {
            Ok(reference) => reference,
            Err(error) => return nothing("invalid_reference", &error),
        };
        let host: RegistryHost = selection
            .parsed("registryHost")
            .unwrap_or_else(|| self.registry_host.clone());
        let repository = selection
            .parsed("repository")
            .unwrap_or_else(|| self.release_repository.clone());
        let mut policy = UsePolicy::for_registry(&host);
        if !self.control_plane_repositories.is_empty() {
            policy
                .control_plane_repositories
                .clone_from(&self.control_plane_repositories);
        }
        let registry = match Registry::open(self.settings(selection, host, repository)) {
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

    /// The registry that an image is in.
    pub(crate) fn registry_of(
        &self,
        selection: &Selection,
        image: &ImageRef,
    ) -> Result<Registry, OutOfReach> {
        let repository = image.repository();
        let (host, path) = repository.as_str().split_once('/').unwrap_or_default();
        let host = host.parse().map_err(OutOfReach::Name)?;
        let path = path.parse().map_err(OutOfReach::Name)?;
        Registry::open(self.settings(selection, host, path)).map_err(OutOfReach::Settings)
    }

    fn settings(
        &self,
        selection: &Selection,
        host: RegistryHost,
        repository: Repository,
    ) -> RegistrySettings {
        RegistrySettings {
            timeout: Duration::from_millis(self.timeout_ms),
            dns: selection.dns(),
            proxy: ProxySettings {
                https_proxy: self.https_proxy.clone(),
                no_proxy: self.no_proxy.clone(),
            },
            ca_bundle: self.ca_bundle.clone(),
            ..RegistrySettings::new(host, repository)
        }
    }
}

/// Why an image's registry cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutOfReach {
    #[error("the image's name is none that a registry has")]
    Name(#[source] GrammarError),
    #[error("reaching the image's registry")]
    Settings(#[source] OutboundError),
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
#[derive(Debug, Default)]
pub(crate) struct Selection(Value);

impl Selection {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Whether the operator chose one release and no channel.
    pub(crate) fn is_pinned(&self) -> bool {
        self.text("/releaseRef").is_some()
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        let text = self.0.pointer(pointer).and_then(Value::as_str);
        text.map(str::trim).filter(|text| !text.is_empty())
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(&format!("/{key}"))?.parse().ok()
    }

    fn dns(&self) -> DnsPolicy {
        let of = |key: &str| self.text(&format!("/runtime/{key}")).unwrap_or_default();
        DnsPolicy::from_inputs(of("dnsMode"), of("dnsServers")).unwrap_or_default()
    }
}

/// Argument, then the pin, then the chosen channel, then the default. A channel that is none in the file is as good
/// as no choice; one that is named on the command line is an error.
fn reference(source: &Source, selection: &Selection) -> Result<Reference, GrammarError> {
    if let Some(channel) = source
        .channel
        .as_deref()
        .filter(|channel| !channel.trim().is_empty())
    {
        return Reference::from_inputs(channel, "");
    }
    if let Some(pin) = selection.text("/releaseRef") {
        return Reference::from_inputs("", pin);
    }
    let chosen = ["/selectedChannel", "/channel"]
        .iter()
        .find_map(|at| selection.text(at)?.parse().ok());
    Ok(Reference::Channel(chosen.unwrap_or(source.default_channel)))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};
    use serde_json::json;

    use super::*;

    fn source(args: &[&str]) -> Source {
        let command = Source::augment_args(Command::new("resolve-image"));
        let args = std::iter::once("resolve-image").chain(args.iter().copied());
        Source::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    /// Cases 22 and 27.
    #[test]
    fn the_argument_is_before_the_pin_the_pin_before_the_channel_and_nonsense_is_no_choice() {
        let of = |args: &[&str], selection: Value| {
            reference(&source(args), &Selection(selection))
                .unwrap()
                .to_string()
        };
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
        assert!(reference(&source(&["--channel", "evil"]), &Selection::default()).is_err());
    }
}
