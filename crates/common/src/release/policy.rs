//! What a release may name: the operator's allow-lists.

use std::str::FromStr;

use super::manifest::DEFAULT_PROFILE;
use super::reference::{GrammarError, ImageRepository, RegistryHost};

/// The publisher's organisation, first component of every repository we publish.
const ORGANISATION: &str = "nine-minds";
/// The registry we publish in.
const HOME_REGISTRY: &str = "ghcr.io";
/// The control plane's repository inside a registry.
const CONTROL_PLANE: &str = "nine-minds/alga-appliance-control-plane";

/// A repository, or everything below a registry or a path in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryPrefix(String);

impl RepositoryPrefix {
    /// Whether `repository` is this one or below it.
    ///
    /// ```
    /// use appliance_common::release::policy::RepositoryPrefix;
    /// let prefix: RepositoryPrefix = "ghcr.io/nine-minds/".parse().unwrap();
    /// assert!(prefix.covers(&"ghcr.io/nine-minds/app".parse().unwrap()));
    /// assert!(!prefix.covers(&"ghcr.io/nine-minds-too/app".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn covers(&self, repository: &ImageRepository) -> bool {
        repository
            .as_str()
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Reads `registry/`, `registry/path/` or `registry/path`.
impl FromStr for RepositoryPrefix {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let bare = text.strip_suffix('/').unwrap_or(text);
        if bare.contains('/') {
            bare.parse::<ImageRepository>()?;
        } else {
            bare.parse::<RegistryHost>()?;
        }
        Ok(Self(bare.to_owned()))
    }
}

/// What a release may name when it is used on this box.
#[derive(Debug, Clone)]
pub struct UsePolicy {
    /// Where releases, Flux bundles and charts may come from.
    pub allowed_repositories: Vec<RepositoryPrefix>,
    /// Profiles that the Flux bundle is known to read.
    pub supported_profiles: Vec<String>,
    /// Where a control-plane image may come from.
    pub control_plane_repositories: Vec<ImageRepository>,
}

impl UsePolicy {
    /// The default: our organisation at the home registry and at the one that is configured.
    #[must_use]
    pub fn for_registry(host: &RegistryHost) -> Self {
        let organisation = |registry: &str| RepositoryPrefix(format!("{registry}/{ORGANISATION}"));
        Self {
            allowed_repositories: vec![organisation(HOME_REGISTRY), organisation(host.as_str())],
            supported_profiles: vec![DEFAULT_PROFILE.to_owned()],
            control_plane_repositories: ImageRepository::from_str(&format!("{host}/{CONTROL_PLANE}"))
                .into_iter()
                .collect(),
        }
    }

    /// Whether a release, a bundle or a chart may come from `repository`.
    #[must_use]
    pub fn allows(&self, repository: &ImageRepository) -> bool {
        self.allowed_repositories
            .iter()
            .any(|prefix| prefix.covers(repository))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_whole_components_only() {
        let covers = |prefix: &str, repository: &str| {
            prefix
                .parse::<RepositoryPrefix>()
                .unwrap()
                .covers(&repository.parse().unwrap())
        };
        assert!(covers("ghcr.io/nine-minds", "ghcr.io/nine-minds/a"));
        assert!(covers("ghcr.io/nine-minds/a", "ghcr.io/nine-minds/a"));
        assert!(covers("localhost:5000/", "localhost:5000/a/b"));
        assert!(!covers("ghcr.io/nine-minds", "ghcr.io/nine-minds2/a"));
        assert!(!covers("ghcr.io/nine-minds/", "ghcr.io:443/nine-minds/a"));
        assert!(!covers("localhost:5000", "localhost:50001/a"));
    }

    #[test]
    fn a_prefix_is_a_registry_or_a_repository() {
        for bad in [
            "",
            "/",
            "nine-minds/",
            "https://ghcr.io/",
            "ghcr.io//",
            "ghcr.io/A/",
            "*",
        ] {
            assert!(bad.parse::<RepositoryPrefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_allows_our_organisation_here_and_at_home() {
        let policy = UsePolicy::for_registry(&"mirror.example:5000".parse().unwrap());
        for (repository, allowed) in [
            ("ghcr.io/nine-minds/alga-appliance-config", true),
            ("mirror.example:5000/nine-minds/alga-appliance-config", true),
            ("mirror.example:5000/other/config", false),
            ("other.example/nine-minds/config", false),
        ] {
            assert_eq!(
                policy.allows(&repository.parse().unwrap()),
                allowed,
                "{repository}"
            );
        }
    }
}
