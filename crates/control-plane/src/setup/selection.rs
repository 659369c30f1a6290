//! The selection that an install writes: the release that was resolved, with the operator's answers.

use appliance_common::clock::iso_millis;
use appliance_common::release::reference::{Digest, RegistryHost, Repository};
use appliance_common::release::usable::UsableRelease;
use jiff::Timestamp;

use super::inputs::SetupInputs;
use crate::selection::SCHEMA_VERSION;
pub use crate::selection::{PreviousRelease, ReleaseSelection, Runtime, SelectionFile};

/// Where a release's manifest was found.
#[derive(Debug, Clone, Copy)]
pub struct ManifestOrigin<'a> {
    /// The registry.
    pub registry: &'a RegistryHost,
    /// The repository in it.
    pub repository: &'a Repository,
    /// Digest of the manifest.
    pub digest: &'a Digest,
}

impl ReleaseSelection {
    /// The selection of `release` for these inputs. `live` is what the file says now: what it knows beyond
    /// the release stays, and an installed release that is replaced becomes the previous one.
    #[must_use]
    pub fn of(
        live: Option<&Self>,
        inputs: &SetupInputs,
        release: &UsableRelease,
        origin: ManifestOrigin<'_>,
        now: Timestamp,
    ) -> Self {
        let live = live.cloned().unwrap_or_default();
        let digest = Some(origin.digest.to_string());
        let previous = if live.installed_at.is_some() && live.manifest_digest != digest {
            Some(PreviousRelease {
                selected_channel: live.channel().to_owned(),
                selected_release_version: live.selected_release_version,
                manifest_digest: live.manifest_digest,
            })
        } else {
            live.previous
        };
        Self {
            schema_version: Some(SCHEMA_VERSION),
            updated_at: iso_millis(now),
            selected_channel: inputs.channel.as_str().to_owned(),
            selected_release_version: release.version.as_str().to_owned(),
            registry_host: origin.registry.as_str().to_owned(),
            repository: origin.repository.as_str().to_owned(),
            manifest_digest: digest,
            config_digest: Some(release.config_digest.to_string()),
            support_agent: release.support_agent.as_ref().map(ToString::to_string),
            release_ref: inputs.release_ref.as_ref().map(ToString::to_string),
            previous,
            installed_at: live.installed_at,
            runtime: Some(Runtime {
                app_hostname: inputs.app_hostname().to_owned(),
                dns_mode: inputs.dns.mode().to_owned(),
                dns_servers: inputs.dns.typed().to_owned(),
                pending_since: None,
                unknown: live.runtime.unwrap_or_default().unknown,
            }),
            unknown: live.unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::setup::sample::{DIGEST, inputs, release};

    const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn at(second: u8) -> Timestamp {
        format!("2026-06-01T10:20:{second:02}Z").parse().unwrap()
    }

    fn selected(
        live: Option<&ReleaseSelection>,
        version: &str,
        digest: &str,
        second: u8,
    ) -> ReleaseSelection {
        let registry = "ghcr.io".parse().unwrap();
        let repository = "nine-minds/alga-appliance-release".parse().unwrap();
        let origin = ManifestOrigin {
            registry: &registry,
            repository: &repository,
            digest: &digest.parse().unwrap(),
        };
        ReleaseSelection::of(live, &inputs(), &release(version), origin, at(second))
    }

    #[test]
    fn a_selection_says_what_updates_and_boots_need() {
        let selection = selected(None, "1.4.2", DIGEST, 1);
        assert_eq!(
            serde_json::to_value(&selection).unwrap(),
            json!({
                "schemaVersion": 1, "updatedAt": "2026-06-01T10:20:01.000Z",
                "selectedChannel": "nightly", "selectedReleaseVersion": "1.4.2",
                "registryHost": "ghcr.io", "repository": "nine-minds/alga-appliance-release",
                "manifestDigest": DIGEST, "configDigest": DIGEST, "supportAgent": null, "releaseRef": "1.4.2",
                "runtime": {
                    "appHostname": "https://psa.example.com", "dnsMode": "custom", "dnsServers": "10.0.0.53",
                },
            })
        );
        let installed = selection.installed(at(2)).installed(at(3));
        assert_eq!(
            installed.installed_at.as_deref(),
            Some("2026-06-01T10:20:02.000Z"),
            "the first time counts"
        );
        assert_eq!(installed.updated_at, "2026-06-01T10:20:03.000Z");
    }

    #[test]
    fn only_a_release_that_was_installed_becomes_the_previous_one() {
        let first = selected(None, "1.4.1", OTHER, 1);
        assert_eq!(selected(Some(&first), "1.4.2", DIGEST, 2).previous, None);
        let installed = first.installed(at(2));
        assert_eq!(
            selected(Some(&installed), "1.4.1", OTHER, 3).previous,
            None,
            "the same release again"
        );
        let next = selected(Some(&installed), "1.4.2", DIGEST, 4);
        let previous = next.previous.clone().unwrap();
        assert_eq!(
            (
                previous.selected_release_version.as_str(),
                previous.manifest_digest.as_deref()
            ),
            ("1.4.1", Some(OTHER))
        );
        assert_eq!(
            selected(Some(&next), "1.4.2", DIGEST, 5).previous,
            Some(previous),
            "and stays it"
        );
    }

    #[test]
    fn a_file_of_the_shipped_product_is_read_and_its_unknown_keys_are_kept() {
        let shipped: ReleaseSelection = serde_json::from_value(json!({
            "updatedAt": "2025-01-01T00:00:00.000Z", "channel": "stable", "selectedReleaseVersion": "1.0.3",
            "manifestDigest": null, "supportAgent": "", "future": {"a": 1},
            "runtime": {"appHostname": "", "dnsMode": "system", "dnsServers": "", "note": 2},
        }))
        .unwrap();
        assert_eq!(shipped.channel(), "stable");
        let next = serde_json::to_value(selected(Some(&shipped), "1.4.2", DIGEST, 1)).unwrap();
        assert_eq!(
            (&next["future"], &next["runtime"]["note"]),
            (&json!({"a": 1}), &json!(2))
        );
    }

    #[test]
    fn the_last_good_copy_lies_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("release-selection.json");
        let (file, backup) = (
            SelectionFile::at(&path),
            SelectionFile::at(&dir.path().join("release-selection.json.bak")),
        );
        let [one, two, three] = [1, 2, 3].map(|second| selected(None, "1.4.2", DIGEST, second));
        assert_eq!(file.load().unwrap(), None);
        file.store(&one).unwrap();
        assert_eq!(backup.load().unwrap(), None);
        file.store(&two).unwrap();
        assert_eq!(
            (file.load().unwrap(), backup.load().unwrap()),
            (Some(two), Some(one.clone()))
        );
        appliance_common::state_file::replace(&path, b"{\"torn", 0o600).unwrap();
        assert!(file.load().is_err());
        file.store(&three).unwrap();
        assert_eq!(
            (file.load().unwrap(), backup.load().unwrap()),
            (Some(three), Some(one))
        );
    }
}
