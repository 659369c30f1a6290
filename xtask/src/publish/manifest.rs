//! The release manifest, `alga.appliance.release/v1` (10 §4).

use std::collections::BTreeMap;

use appliance_common::release::reference::{Channel, ImageRef};
use serde::Serialize;
use serde_json::{Value, json};

use super::Options;
use super::artifact::Artifact;
use crate::bundle::Checked;
use crate::bundle::lock::{Images, TenantBootstrap};

/// The document, in the order of 10 §4.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    schema: &'static str,
    version: &'a str,
    channel: &'static str,
    values_profile: &'a str,
    images: &'a Images,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_plane: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    support_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    support_receipt_keys: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_bootstrap: Option<&'a TenantBootstrap>,
    config: Value,
    charts: BTreeMap<&'a str, &'a str>,
    profile_values: BTreeMap<&'a str, &'a str>,
}

/// The manifest of the release that `options` name, whose bundle is `config`, declared for `channel`.
pub(super) fn build<'a>(
    options: &'a Options,
    checked: &'a Checked,
    config: &Artifact,
    channel: Channel,
) -> Manifest<'a> {
    let Checked { lock, bundle, .. } = checked;
    let charts = lock.charts.iter();
    Manifest {
        schema: "alga.appliance.release/v1",
        version: &options.version,
        channel: channel.as_str(),
        values_profile: &lock.values_profile,
        images: &lock.images,
        control_plane: lock.control_plane.as_ref().map(ImageRef::as_str),
        support_agent: lock.support_agent.as_ref().map(ImageRef::as_str),
        support_receipt_keys: &lock.support_receipt_keys,
        tenant_bootstrap: lock.tenant_bootstrap.as_ref(),
        config: json!({
            "repository": format!("{}/{}", options.registry, config.repository),
            "tag": config.tag,
            "digest": config.digest.as_str(),
        }),
        charts: charts
            .map(|(name, pin)| (name.as_str(), pin.version.as_str()))
            .collect(),
        profile_values: bundle.profile_values(),
    }
}
