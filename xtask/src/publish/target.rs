//! Where an image is pushed.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use appliance_common::release::reference::{RegistryHost, Tag};

/// `host[:port]/repository:tag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Anything but loopback is spoken to over TLS.
    pub registry: RegistryHost,
    /// Repository on it.
    pub repository: String,
    /// The tag that moves to the image.
    pub tag: String,
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = || format!("{text:?} is not of the form host[:port]/repository:tag");
        let (registry, rest) = text.split_once('/').with_context(parts)?;
        let (repository, tag) = rest.rsplit_once(':').with_context(parts)?;
        ensure!(!repository.is_empty(), parts());
        Ok(Self {
            registry: registry.parse()?,
            repository: repository.to_owned(),
            tag: tag.parse::<Tag>()?.as_str().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_registry_a_repository_and_a_tag() {
        let target: Target = "127.0.0.1:5000/nine-minds/alga-appliance-control-plane:1.2"
            .parse()
            .unwrap();
        assert_eq!(target.registry.to_string(), "127.0.0.1:5000");
        assert_eq!(target.repository, "nine-minds/alga-appliance-control-plane");
        assert_eq!(target.tag, "1.2");
        for bad in ["", "a", "127.0.0.1:5000/x", "127.0.0.1:5000/:x", "ghcr.io/x:"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
