//! The rights that setup needs (decision 17): bound from the first boot until the appliance is installed, afterwards
//! only while an operator's retry or a repair works, on request of the host agent.

use std::time::Duration;

use appliance_common::agent_api::AgentClient;
use appliance_common::cluster::{Access, Cluster};
use appliance_common::process::chain;
use tokio::time::{sleep, timeout};

use super::Setup;

/// Longest time the agent takes: it waits for a unit.
const AGENT_LIMIT: Duration = Duration::from_secs(50);
/// A right that was given holds once the API server's authorizer has seen it.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What setup may do and running may not.
const TELLING: Access<'static> = Access {
    verb: "create",
    resource: "namespaces",
    subresource: "",
};

impl Setup {
    /// Sees that the rights are there. Where they cannot be had, what needs them says by itself what was forbidden.
    pub(super) async fn gain_rights(&self, cluster: &Cluster) {
        if !matches!(cluster.may(TELLING).await, Ok(false)) {
            return;
        }
        if let Err(error) = self.agent().setup_rights(true).await {
            return tracing::warn!(error = chain(&error), "the rights of setup cannot be had");
        }
        let seen = async {
            while !matches!(cluster.may(TELLING).await, Ok(true)) {
                sleep(LOOK_EVERY).await;
            }
        };
        if timeout(SEEN_WITHIN, seen).await.is_err() {
            tracing::warn!("the rights of setup were given, and do not hold yet");
        }
    }

    /// Gives them back; a host that cannot take them back now does so at its next boot.
    pub(super) async fn drop_rights(&self) {
        match self.agent().setup_rights(false).await {
            Ok(_) => tracing::info!("the rights of setup were given back"),
            Err(error) if error.is_absent() => {}
            Err(error) => tracing::warn!(
                error = chain(&error),
                "the rights of setup stay until the next boot"
            ),
        }
    }

    fn agent(&self) -> AgentClient {
        AgentClient::at(&self.settings.preflight.host_agent_socket).with_limit(AGENT_LIMIT)
    }
}
