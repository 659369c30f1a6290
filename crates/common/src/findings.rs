//! One list of stable ids for everything the appliance can find wrong: preflight checks, analyzers of the
//! support bundle and blockers of the status page (decision 20). An id is never renamed or reused, because
//! operators, portals and answer files refer to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Makes the enum, its texts and the list from one table.
macro_rules! findings {
    ($($name:ident = $id:literal,)+) => {
        /// What was found, by its stable id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub enum FindingId {
            $(#[doc = concat!("`", $id, "`")] #[cfg_attr(feature = "schema", schema(rename = $id))] $name,)+
        }

        impl FindingId {
            /// Every id.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The id as it is written in documents and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }
        }
    };
}

findings! {
    // Analyzers of the support bundle (60 §2.3); preflight checks that judge the same thing share the id.
    NodeReady = "node-ready",
    DiskSpace = "disk-space",
    InodeSpace = "inode-space",
    MemoryPressure = "memory-pressure",
    OomKills = "oom-kills",
    ClockSync = "clock-sync",
    K3sRestarts = "k3s-restarts",
    K3sVersion = "k3s-version",
    CertExpiry = "cert-expiry",
    DnsGhcr = "dns-ghcr",
    TlsGhcr = "tls-ghcr",
    ProxySuspected = "proxy-suspected",
    RegistryImageMissing = "registry-image-missing",
    ImagePullBackoff = "image-pull-backoff",
    ImagePullSlow = "image-pull-slow",
    Crashloop = "crashloop",
    PendingPvc = "pending-pvc",
    StorageControllerDuplicate = "storage-controller-duplicate",
    FluxSourceNotReady = "flux-source-not-ready",
    KustomizationNotReady = "kustomization-not-ready",
    HelmreleaseFailed = "helmrelease-failed",
    BootstrapJobFailed = "bootstrap-job-failed",
    DbCredentialsMismatch = "db-credentials-mismatch",
    ReleaseMismatch = "release-mismatch",
    ControlPlaneDrift = "control-plane-drift",
    StaleInstallState = "stale-install-state",
    SupportSessionOrphan = "support-session-orphan",
    HostAgentUnreachable = "host-agent-unreachable",
    HostUnits = "host-units",
    DiskPressure = "disk-pressure",
    PodEvicted = "pod-evicted",
    JobFailed = "job-failed",
    ResetPending = "reset-pending",
    ControlPlaneUpgrade = "control-plane-upgrade",
    // Preflight checks.
    CpuArchitecture = "cpu-architecture",
    CpuCores = "cpu-cores",
    CpuFeatures = "cpu-features",
    CpuLoad = "cpu-load",
    MemoryTotal = "memory-total",
    SwapOff = "swap-off",
    KernelVersion = "kernel-version",
    OsRelease = "os-release",
    CgroupVersion = "cgroup-version",
    CgroupControllers = "cgroup-controllers",
    KernelOverlayfs = "kernel-overlayfs",
    KernelNetfilter = "kernel-netfilter",
    KernelVxlan = "kernel-vxlan",
    ApparmorParser = "apparmor-parser",
    SelinuxEnforcing = "selinux-enforcing",
    SysctlIpForward = "sysctl-ip-forward",
    SysctlBridgeNetfilter = "sysctl-bridge-netfilter",
    SysctlRpFilter = "sysctl-rp-filter",
    SysctlInotify = "sysctl-inotify",
    SysctlOpenFiles = "sysctl-open-files",
    SysctlPidMax = "sysctl-pid-max",
    SysctlOvercommit = "sysctl-overcommit",
    SysctlRootMaxkeys = "sysctl-root-maxkeys",
    SysctlPanicOnOom = "sysctl-panic-on-oom",
    DiskSpaceData = "disk-space-data",
    DiskSpaceState = "disk-space-state",
    DiskFsync = "disk-fsync",
    DiskReadOnly = "disk-read-only",
    DiskFilesystem = "disk-filesystem",
    NetworkCidrOverlap = "network-cidr-overlap",
    NetworkDefaultRoute = "network-default-route",
    NetworkAddress = "network-address",
    NetworkAddressStability = "network-address-stability",
    NetworkMtu = "network-mtu",
    NetworkPorts = "network-ports",
    NetworkFirewall = "network-firewall",
    NetworkCloudSetup = "network-cloud-setup",
    DnsServers = "dns-servers",
    DnsServerAnswers = "dns-server-answers",
    DnsSearchDomains = "dns-search-domains",
    DnsLoopbackStub = "dns-loopback-stub",
    DnsWildcard = "dns-wildcard",
    DnsServerLimit = "dns-server-limit",
    EgressRegistry = "egress-registry",
    EgressLicenseService = "egress-license-service",
    CaptivePortal = "captive-portal",
    ProxyBypass = "proxy-bypass",
    TimeService = "time-service",
    HostnameValid = "hostname-valid",
    HostnameResolves = "hostname-resolves",
    MachineId = "machine-id",
    ProductUuid = "product-uuid",
    SecurityAgents = "security-agents",
    ExecutionPolicy = "execution-policy",
    PreviousK3s = "previous-k3s",
    PreviousKubernetes = "previous-kubernetes",
    PreviousContainerRuntime = "previous-container-runtime",
    PreviousCni = "previous-cni",
    PreviousIptables = "previous-iptables",
    // Blockers of the status page that nothing above judges.
    StateUnreadable = "state-unreadable",
    ApiUnreachable = "api-unreachable",
    ClusterReading = "cluster-reading",
    NodeUnschedulable = "node-unschedulable",
    PidPressure = "pid-pressure",
    NetworkUnavailable = "network-unavailable",
    ReleaseSource = "release-source",
    InstallCode = "install-code",
    SetupStorage = "setup-storage",
    SetupFlux = "setup-flux",
    SetupCluster = "setup-cluster",
    SetupInterrupted = "setup-interrupted",
    SetupCancelled = "setup-cancelled",
    SetupFailed = "setup-failed",
    UpdateInterrupted = "update-interrupted",
    VolumeSubpath = "volume-subpath",
    PodUnschedulable = "pod-unschedulable",
    ContainerConfig = "container-config",
    PodStartFailed = "pod-start-failed",
    WorkloadNotReady = "workload-not-ready",
    WorkloadMissing = "workload-missing",
    WorkloadScaledDown = "workload-scaled-down",
    BackgroundWorkload = "background-workload",
    FluxSuspended = "flux-suspended",
    FluxObjectMissing = "flux-object-missing",
    HelmStorageStuck = "helm-storage-stuck",
    LoginAddress = "login-address",
}

/// A text that is the id of nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a check")]
pub struct UnknownFinding(String);

impl FromStr for FindingId {
    type Err = UnknownFinding;

    fn from_str(text: &str) -> Result<Self, UnknownFinding> {
        let known = Self::ALL.iter().find(|id| id.as_str() == text);
        known
            .copied()
            .ok_or_else(|| UnknownFinding(text.chars().take(40).collect()))
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FindingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_lower_case_words() {
        let texts: BTreeSet<_> = FindingId::ALL.iter().map(|id| id.as_str()).collect();
        assert_eq!(texts.len(), FindingId::ALL.len());
        for text in texts {
            assert!(
                text.split('-').all(|word| !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())),
                "{text}"
            );
            assert_eq!(text.parse::<FindingId>().unwrap().as_str(), text);
        }
        assert!("disk-spaces".parse::<FindingId>().is_err());
    }
}
