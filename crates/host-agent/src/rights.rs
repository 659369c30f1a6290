//! What the control plane may do in the cluster, on the pod's wish (decision 17): a unit of systemd's own does it, for
//! this agent has no access to the cluster.

use std::time::Duration;

use appliance_common::agent_api::SetupRights;
use appliance_common::names::unit;
use appliance_common::systemd::{Systemd, SystemdError};

use crate::settings::Settings;

/// Longest wait for the unit: a handful of requests to the API server beside it, each with a limit.
const LIMIT: Duration = Duration::from_secs(45);

/// Why the rights are not as asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    #[error(transparent)]
    Systemd(SystemdError),
    #[error("the cluster did not take them over. See: journalctl -u {unit}")]
    Failed { unit: &'static str },
}

/// Starts the unit and waits for its end.
pub(crate) async fn converge(settings: &Settings, asked: SetupRights) -> Result<(), RightsError> {
    let unit = if asked.wanted {
        unit::SETUP_RIGHTS_BIND
    } else {
        unit::SETUP_RIGHTS_DROP
    };
    let systemd = Systemd::connect(&settings.host_root)
        .await
        .map_err(RightsError::Systemd)?;
    if systemd.run(unit, LIMIT).await.map_err(RightsError::Systemd)? {
        Ok(())
    } else {
        Err(RightsError::Failed { unit })
    }
}
