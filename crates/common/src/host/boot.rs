//! `bootstrap-state.json`: how far boot is, why it waits, and when it tries again (50 W37).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The document. Bootstrap replaces it whole at each change; everybody else only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootState {
    /// Version of the boundary between host and control plane (50 §1); 1.
    pub boundary_version: u32,
    /// Kernel's id of the boot it belongs to (`/proc/sys/kernel/random/boot_id`); another one is an old record.
    pub boot_id: String,
    /// Where the whole of it stands.
    pub phase: BootPhase,
    /// When this run began.
    pub started_at: Timestamp,
    /// When it last changed; a writer that died leaves an old one.
    pub updated_at: Timestamp,
    /// The seven commands in their order.
    pub steps: Vec<BootStep>,
}

/// Where boot as a whole stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootPhase {
    /// A step runs.
    Running,
    /// A step failed and is tried again by itself at its `nextRetryAt`.
    Waiting,
    /// A step failed and nothing goes on before somebody acts.
    Failed,
    /// Everything was done.
    Complete,
}

/// One command of the plan, by the name of the boundary contract (50 §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootStepId {
    /// The k3s unit is there, enabled and started.
    EnsureK3s,
    /// The API server answers `/readyz`, and the node is Ready.
    WaitKubernetesApi,
    /// containerd has what came with the installation.
    ImportControlPlaneImages,
    /// The local-path provisioner's objects.
    ApplyLocalStorage,
    /// The control plane's objects, with the image that was chosen.
    ApplyControlPlane,
    /// Address and token are shown.
    ReportSetupUrl,
    /// What to do when the wizard does not come.
    ReportFallbackCommand,
}

impl BootStepId {
    /// All of them, in the order of the plan.
    pub const ALL: [Self; 7] = [
        Self::EnsureK3s,
        Self::WaitKubernetesApi,
        Self::ImportControlPlaneImages,
        Self::ApplyLocalStorage,
        Self::ApplyControlPlane,
        Self::ReportSetupUrl,
        Self::ReportFallbackCommand,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnsureK3s => "ensure-k3s",
            Self::WaitKubernetesApi => "wait-kubernetes-api",
            Self::ImportControlPlaneImages => "import-control-plane-images",
            Self::ApplyLocalStorage => "apply-local-storage",
            Self::ApplyControlPlane => "apply-control-plane",
            Self::ReportSetupUrl => "report-setup-url",
            Self::ReportFallbackCommand => "report-fallback-command",
        }
    }
}

/// One command and how it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootStep {
    /// Which.
    pub id: BootStepId,
    /// How it stands.
    pub state: BootStepState,
    /// How often it was begun in this run; 0 before the first time.
    pub attempt: u32,
    /// Since when it stands so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What it did, or what it waits for: one line for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why the last attempt failed: what was tried, on what, why, and what to do next. Never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry_at: Option<Timestamp>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootStepState {
    /// Its turn has not come.
    Pending,
    /// It is at work.
    Running,
    /// Its result is there.
    Done,
    /// Its result could not be had, and boot goes on without it; `message` says why.
    Tolerated,
    /// Its last attempt failed.
    Failed,
}
