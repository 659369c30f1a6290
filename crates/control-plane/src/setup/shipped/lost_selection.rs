//! A selection made anew from what the cluster was told, for an installed box that lost its file.

use std::collections::BTreeMap;
use std::sync::Arc;

use appliance_common::cluster::ClusterError;
use appliance_common::meter::Meter;
use appliance_common::names::{namespace, object};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::setup::Setup;
use crate::setup::inputs::StoredInputs;
use crate::setup::selection::{ReleaseSelection, Runtime};

impl Setup {
    /// The selection as `ConfigMap` `appliance-release-selection` has it, with the answers that are still on
    /// the disk; `None` when the cluster knows of no release.
    pub(super) async fn selection_of_cluster(&self) -> Result<Option<ReleaseSelection>, ClusterError> {
        let cluster = self.settings.cluster.open(Arc::new(Meter::default())).await?;
        let map: Option<ConfigMap> = cluster
            .get(Some(namespace::ALGA_SYSTEM), object::RELEASE_SELECTION)
            .await?;
        let data = map.and_then(|map| map.data);
        Ok(data.and_then(|data| selection(&data, self.stored_inputs().as_ref())))
    }
}

/// An update needs `runtime`; without the answers of the setup it is not guessed.
fn selection(data: &BTreeMap<String, String>, inputs: Option<&StoredInputs>) -> Option<ReleaseSelection> {
    let text = |key: &str| data.get(key).cloned().unwrap_or_default();
    let given = |key: &str| Some(text(key)).filter(|text| !text.is_empty());
    let selected_release_version = given("releaseVersion").or_else(|| given("appVersion"))?;
    Some(ReleaseSelection {
        selected_channel: given("selectedChannel")?,
        selected_release_version,
        registry_host: text("registryHost"),
        repository: text("repository"),
        manifest_digest: given("manifestDigest"),
        support_agent: given("supportAgent"),
        release_ref: given("releaseRef"),
        runtime: inputs.map(|inputs| Runtime {
            app_hostname: inputs.app_hostname.clone(),
            dns_mode: inputs.dns_mode.clone(),
            dns_servers: inputs.dns_servers.clone(),
            ..Runtime::default()
        }),
        ..ReleaseSelection::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_only_taken_up_when_channel_and_version_are_told() {
        let data = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(selection(&data(&[("selectedChannel", "stable")]), None), None);
        assert_eq!(
            selection(
                &data(&[("releaseVersion", "1.4.2"), ("selectedChannel", "")]),
                None
            ),
            None
        );
        let found = selection(
            &data(&[("releaseVersion", "1.4.2"), ("selectedChannel", "stable")]),
            None,
        )
        .unwrap();
        assert_eq!(found.selected_release_version, "1.4.2");
        assert_eq!((found.runtime, found.manifest_digest), (None, None));
    }
}
