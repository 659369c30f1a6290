//! What a support bundle is told.

use std::path::Path;

use appliance_common::cluster::ClusterSource;
use appliance_common::outbound;
use appliance_support_bundle::options::{BUNDLES_DIR, Mode, Options, PROBES};
use clap::Args;

use super::Settings;
use super::parse::comma_list;
use crate::support::SupportSettings;

/// What a support bundle looks at beside the box itself.
#[derive(Debug, Clone, Args)]
pub struct SupportArgs {
    /// Comma list of hosts that a support bundle says of whether they can be reached.
    #[arg(long, env = "ALGA_APPLIANCE_BUNDLE_PROBES", value_parser = comma_list, default_value = PROBES)]
    pub bundle_probes: std::vec::Vec<String>,
}

impl Settings {
    /// What making support bundles needs.
    #[must_use]
    pub fn support(&self) -> SupportSettings {
        let cluster = ClusterSource::new(&self.cluster.kubeconfig);
        let state_dir = self.state.state_file.parent().unwrap_or(Path::new("/"));
        let options = Options {
            output_dir: state_dir.join(BUNDLES_DIR),
            state_dir: Some(state_dir.to_owned()),
            state_file: Some(self.state.state_file.clone()),
            inputs_file: Some(self.state.setup_inputs_file.clone()),
            selection_file: Some(self.state.release_selection_file.clone()),
            agent_socket: self.cluster.host_agent_socket.clone(),
            probes: self.support.bundle_probes.clone(),
            ..Options::of(Mode::Pod, cluster)
        };
        SupportSettings {
            options,
            outbound: outbound::OutboundSettings {
                proxy: self.outbound.proxy(),
                ca_bundle: self.outbound.ca_bundle.clone(),
                ..outbound::OutboundSettings::default()
            },
        }
    }
}
