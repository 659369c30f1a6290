//! The `ConfigMap`s of a release: the values its `HelmRelease`s read, and which release it is.

use std::collections::BTreeMap;

use appliance_common::names::{namespace, object};
use appliance_common::release::reference::ImageTag;
use appliance_common::release::usable::{ControlPlane, UsableRelease};
use k8s_openapi::api::core::v1::ConfigMap;

use super::named;
use crate::setup::selection::ReleaseSelection;
use crate::setup::values::RenderedValues;

/// `ConfigMap` `appliance-values-<service>` with its one key.
#[must_use]
pub fn values_config_map(values: &RenderedValues) -> ConfigMap {
    ConfigMap {
        metadata: named(
            namespace::ALGA_SYSTEM,
            format!("appliance-values-{}", values.service),
        ),
        data: Some(BTreeMap::from([(values.key.clone(), values.text.clone())])),
        ..ConfigMap::default()
    }
}

/// `ConfigMap` `appliance-release-selection`; what does not exist is an empty string.
#[must_use]
pub fn release_selection(selection: &ReleaseSelection, release: &UsableRelease) -> ConfigMap {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let tag = |tag: Option<&ImageTag>| text(tag.map(ImageTag::as_str));
    let previous = selection.previous.as_ref();
    let control_plane = match &release.control_plane {
        ControlPlane::Rollable(image) => Some(image.as_str()),
        ControlPlane::NotPinned(image) | ControlPlane::Held { image, .. } => Some(image.as_str()),
        ControlPlane::Absent => None,
    };
    let images = &release.images;
    let data = [
        ("releaseVersion", text(Some(release.version.as_str()))),
        ("selectedChannel", text(Some(&selection.selected_channel))),
        ("appVersion", text(Some(release.version.as_str()))),
        ("registryHost", text(Some(&selection.registry_host))),
        ("repository", text(Some(&selection.repository))),
        ("manifestDigest", text(selection.manifest_digest.as_deref())),
        ("algaCoreTag", tag(Some(&images.alga_core))),
        ("workflowWorkerTag", tag(images.workflow_worker.as_ref())),
        ("emailServiceTag", tag(images.email_service.as_ref())),
        ("temporalWorkerTag", tag(images.temporal_worker.as_ref())),
        ("controlPlaneTag", text(control_plane)),
        ("supportAgent", text(selection.support_agent.as_deref())),
        ("releaseRef", text(selection.release_ref.as_deref())),
        (
            "previousReleaseVersion",
            text(previous.map(|release| release.selected_release_version.as_str())),
        ),
        (
            "previousManifestDigest",
            text(previous.and_then(|release| release.manifest_digest.as_deref())),
        ),
    ];
    ConfigMap {
        metadata: named(namespace::ALGA_SYSTEM, object::RELEASE_SELECTION),
        data: Some(
            data.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        ),
        ..ConfigMap::default()
    }
}
