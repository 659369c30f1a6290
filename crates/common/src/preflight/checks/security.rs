//! Software that watches or forbids other software.

use super::{Check, Group::Security};
use crate::findings::FindingId as Id;
use crate::preflight::facts::Facts;
use crate::preflight::verdict::{Judged, bad, good, none_of};

/// Names of processes (at most 15 bytes, as the kernel keeps them) and whose they are.
const AGENTS: [(&str, &str); 12] = [
    ("falcon-sensor", "CrowdStrike Falcon"),
    ("falcon-sensor-b", "CrowdStrike Falcon"),
    ("wdavdaemon", "Microsoft Defender"),
    ("ds_agent", "Trend Micro Deep Security"),
    ("sentinelone-age", "SentinelOne"),
    ("s1-agent", "SentinelOne"),
    ("cbagentd", "Carbon Black"),
    ("sav-protect", "Sophos"),
    ("sophos-spl", "Sophos"),
    ("elastic-endpoin", "Elastic Defend"),
    ("xagt", "Trellix"),
    ("cortex-xdr-payl", "Cortex XDR"),
];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Security, Id::SecurityAgents, "Security agents", agents).why(
        "Agents that inspect every file and process slow the datastore down and have ended containers.",
        "Exempt /var/lib/rancher, /var/lib/kubelet and /var/mnt/alga-data from inspection.",
    ),
    Check::new(
        Security,
        Id::ExecutionPolicy,
        "Execution policy",
        execution_policy,
    )
    .blocking()
    .why(
        "fapolicyd forbids programs it does not know, and so each one that a container brings.",
        "systemctl disable --now fapolicyd, or allow /var/lib/rancher in its rules.",
    ),
];

fn agents(facts: &Facts) -> Judged {
    let running = facts.host.processes.as_ref().map_err(Clone::clone)?;
    let mut found: Vec<_> = AGENTS
        .iter()
        .filter(|(process, _)| running.contains(*process))
        .map(|(_, product)| (*product).to_owned())
        .collect();
    found.dedup();
    none_of(&found, "none is known to run", "running")
}

fn execution_policy(facts: &Facts) -> Judged {
    let running = facts.host.processes.as_ref().map_err(Clone::clone)?;
    if running.contains("fapolicyd") {
        bad("fapolicyd runs")
    } else {
        good("none")
    }
}
