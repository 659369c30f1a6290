//! Every path, namespace and object name the appliance promises to others, one constant each.
//!
//! Published charts, releases in the field and operators' habits rely on them; none may change.

/// Directory of the state volume, shared between the host and the control-plane pod.
pub const STATE_DIR: &str = "/var/lib/alga-appliance";

/// Files below [`STATE_DIR`], by their names.
pub mod file {
    /// The operator's last submission: plain answers, and the sealed secrets while an install needs them.
    pub const SETUP_INPUTS: &str = "setup-inputs.json";
    /// Projection of the setup journal for readers of the shipped product's format.
    pub const INSTALL_STATE: &str = "install-state.json";
    /// Append-only record of everything the setup engine did.
    pub const SETUP_JOURNAL: &str = "setup-journal.ndjson";
    /// When setup is tried again by itself, for readers of the shipped product's format.
    pub const AUTO_RETRY_STATE: &str = "auto-retry-state.json";
    /// The release this box follows, and whether it is installed (`installedAt`).
    pub const RELEASE_SELECTION: &str = "release-selection.json";
    /// How the last upgrade of the control plane went; the host agent writes it.
    pub const CONTROL_PLANE_UPGRADE: &str = "control-plane-upgrade.json";
    /// OS, k3s and application versions, kept for maintenance.
    pub const MAINTENANCE_METADATA: &str = "maintenance-metadata.json";
    /// The one-time setup token.
    pub const SETUP_TOKEN: &str = "setup-token";
    /// Hash of the management password.
    pub const ADMIN_CREDENTIAL: &str = "admin-ui-credential.json";
    /// The release a submission was resolved to, with its proof.
    pub const SETUP_RELEASE: &str = "setup-release.json";
    /// Who this box is to the licence service; made once.
    pub const APPLIANCE_ID: &str = "appliance-id";
    /// What became of each install code, sealed.
    pub const REDEMPTION: &str = "redemption.json";
    /// What the application was asked about its licence, until the recovery seed has what it gave; sealed.
    pub const LICENSE_PENDING: &str = "license-pending.json";
    /// When resets of the administrator's password were begun lately.
    pub const PASSWORD_RESETS: &str = "password-resets.json";
    /// Key that signs session cookies.
    pub const SESSION_SECRET: &str = "session-secret";
    /// Ids of sessions that were signed out before they expired.
    pub const SESSION_REVOCATIONS: &str = "session-revocations.json";
    /// Failed sign-in attempts per peer address.
    pub const AUTH_LOCKOUT: &str = "auth-lockout.json";
    /// Who did what, one line each, bounded and rotated.
    pub const AUDIT_LOG: &str = "audit.log";
    /// How far a data reset is.
    pub const RESET_STATE: &str = "reset-state.json";
    /// Kernel lock of every mutation of the appliance.
    pub const UPDATE_LOCK: &str = "update.lock";
    /// Kernel lock of the storage reconciliation.
    pub const STORAGE_LOCK: &str = "storage-reconcile.lock";
    /// What storage was proven to do, and on what.
    pub const STORAGE_STATE: &str = "storage-state.json";
    /// What the storage repair at start did; bounded and rotated.
    pub const STORAGE_LOG: &str = "storage-reconcile.log";
}

/// Directory of what root writes for itself: readable by the pod's group, writable by root alone (decision 14).
pub const HOST_STATE_DIR: &str = "/var/lib/alga-appliance-host";

/// Files below [`HOST_STATE_DIR`], by their names.
pub mod host_file {
    /// How far boot is ([`crate::host::BootState`]).
    pub const BOOTSTRAP_STATE: &str = "bootstrap-state.json";
    /// Whose the console password of the local account is.
    pub const ADMIN_PASSWORD_STATE: &str = "admin-password-state.json";
    /// Which control-plane image runs, ran well, and is never taken again ([`crate::host::ImageRecord`]).
    pub const CONTROL_PLANE_IMAGE: &str = "control-plane-image.json";
    /// How the replacement of k3s by another version goes ([`crate::host::K3sReplacement`]).
    pub const K3S_REPLACEMENT: &str = "k3s-replacement.json";
    /// How far a data reset is, as root goes on from ([`crate::host::ResetState`]); its copy for the pod is
    /// [`super::file::RESET_STATE`].
    pub const RESET_STATE: &str = "reset-state.json";
    /// A reset that is asked for over the agent's socket, until the unit takes it
    /// ([`crate::agent_api::ResetRequest`]).
    pub const RESET_REQUEST: &str = "reset-request.json";
    /// What came of it ([`crate::agent_api::ResetAnswer`]).
    pub const RESET_ANSWER: &str = "reset-answer.json";
}

/// Kernel lock of everything that changes the host: bootstrap, reapply, the agent's operations. First of the
/// three (decision 15).
pub const HOST_LOCK: &str = "/run/lock/alga-appliance-host.lock";

/// Where a reset that is asked for over the agent's socket keeps its copy.
pub const RESET_BACKUPS_DIR: &str = "/var/backups/alga-appliance";

/// The data disk's mount; nothing outside it is ever wiped.
pub const DATA_MOUNT: &str = "/var/mnt/alga-data";

/// Below it, the provisioner's volumes.
pub const VOLUMES_DIR: &str = "/var/mnt/alga-data/local-path-provisioner";

/// Where the appliance's files are installed.
pub const APPLIANCE_ROOT: &str = "/opt/alga-appliance";

/// k3s's kubeconfig of the cluster's administrator.
pub const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";

/// The image that comes with the installation, as containerd knows it.
pub const BAKED_IMAGE: &str = "localhost/alga-appliance-control-plane:baked";

/// Label of an image that may stand in for the control plane, in its config (decision 8, 70 §17.1).
pub const ABI_LABEL: &str = "io.alga.appliance.abi";

/// Label of the control plane's image: the manifests it is applied with, a JSON object of file names and texts.
pub const MANIFESTS_LABEL: &str = "io.alga.appliance.manifests";

/// Its value: what host and image expect of each other.
pub const CONTROL_PLANE_ABI: &str = "1";

/// User and group id of the control-plane pod; also the group of files the host shares with it.
pub const CONTROL_PLANE_UID: u32 = 10001;

/// The control plane's listen port.
pub const PORT: u16 = 8080;

/// Unix socket of the host agent.
pub const HOST_AGENT_SOCKET: &str = "/run/alga-appliance/host-agent.sock";

/// Unix socket on which a monitoring system reads the control plane's metrics; its directory is the pod's, as the one
/// above is root's.
pub const METRICS_SOCKET: &str = "/run/alga-appliance/control-plane/metrics.sock";

/// Namespaces.
pub mod namespace {
    /// The control plane itself.
    pub const CONTROL_PLANE: &str = "alga-appliance-control-plane";
    /// The application's workloads and data.
    pub const MSP: &str = "msp";
    /// `HelmRelease` objects, values and the release selection.
    pub const ALGA_SYSTEM: &str = "alga-system";
    /// The appliance's own in-cluster objects.
    pub const APPLIANCE_SYSTEM: &str = "appliance-system";
    /// Flux.
    pub const FLUX_SYSTEM: &str = "flux-system";
    /// The local-path provisioner.
    pub const LOCAL_PATH_STORAGE: &str = "local-path-storage";
    /// Kubernetes' own, where k3s puts the provisioner it brings along.
    pub const KUBE_SYSTEM: &str = "kube-system";
    /// The storage test, while it runs.
    pub const STORAGE_SMOKE: &str = "storage-smoke";
}

/// Objects, by their names.
pub mod object {
    /// The Flux source and its Kustomization.
    pub const FLUX_SOURCE: &str = "alga-appliance";
    /// Key that seals the operator's secrets on the state volume.
    pub const SETUP_SEAL: &str = "setup-seal";
    /// Company and first administrator, read by the bootstrap Job.
    pub const INITIAL_TENANT: &str = "appliance-initial-tenant";
    /// Key shared by the application's services.
    pub const PSA_SHARED: &str = "alga-psa-shared";
    /// Token of the in-cluster status service.
    pub const STATUS_AUTH: &str = "appliance-status-auth";
    /// Edition and licence, read by the bootstrap Job.
    pub const LICENSE_SEED: &str = "appliance-license-seed";
    /// Which release was applied.
    pub const RELEASE_SELECTION: &str = "appliance-release-selection";
    /// The `StorageClass` of every claim.
    pub const STORAGE_CLASS: &str = "local-path";
    /// The local-path provisioner's Deployment.
    pub const PROVISIONER: &str = "local-path-provisioner";
}

/// The six releases of the application, in the order their values are rendered.
pub const SERVICES: [&str; 6] = [
    "alga-core",
    "pgbouncer",
    "temporal",
    "workflow-worker",
    "email-service",
    "temporal-worker",
];

/// Annotation that makes Flux leave an object alone when it prunes.
///
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/#prune>
pub const PRUNE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/prune";

/// Annotation by which Flux is asked to look at an object at once.
///
/// <https://fluxcd.io/flux/components/helm/helmreleases/#triggering-a-reconcile>
pub const RECONCILE_ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";

/// Annotation in which client-side apply keeps a copy of all it wrote, secrets included.
pub const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Annotation by which a bundle's release says that its claims outlive it.
pub const CLAIMS_ANNOTATION: &str = "alga.nineminds.com/claims";

/// The chart's Job that makes the database, the company and its first administrator.
pub const BOOTSTRAP_JOB: &str = "alga-core-sebastian-bootstrap";

/// The application's own Deployment.
pub const APPLICATION: &str = "alga-core-sebastian";

/// The control plane's own Deployment.
pub const CONTROL_PLANE_WORKLOAD: &str = "appliance-control-plane";

/// Directory, on the state volume, of the logs that repairs save.
pub const REPAIR_DIR: &str = "repair";

/// Units of the host, by their names.
pub mod unit {
    /// Looks at the channel's image after a boot.
    pub const CONTROL_PLANE_REFRESH: &str = "alga-control-plane-roll@background.service";
    /// Takes the channel's image, on the operator's wish.
    pub const CONTROL_PLANE_UPGRADE: &str = "alga-control-plane-roll@requested.service";
    /// From power-on to the wizard.
    pub const BOOTSTRAP: &str = "alga-appliance-bootstrap.service";
    /// Gives the control plane the rights that setup needs.
    pub const SETUP_RIGHTS_BIND: &str = "alga-control-plane-rights@bind.service";
    /// Takes them back, once the appliance is installed.
    pub const SETUP_RIGHTS_DROP: &str = "alga-control-plane-rights@drop.service";
    /// Plans a reset, carries one out, or goes on with one that was stopped.
    pub const RESET: &str = "alga-appliance-reset.service";
    /// Puts the control plane's objects back.
    pub const CONTROL_PLANE_REAPPLY: &str = "alga-control-plane-reapply.service";
}
