//! The twelve steps of an install, their order, and the words the shipped product's readers know.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of an install.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepId {
    /// Looks at DNS, the registry and the release; writes nothing to the cluster.
    Preflight,
    /// The local-path provisioner and its `StorageClass`.
    Storage,
    /// The Flux controllers and their kinds.
    FluxControllers,
    /// The release that preflight resolved, checked for use.
    ResolveRelease,
    /// The six services' values.
    RenderValues,
    /// The three namespaces of the application.
    Namespaces,
    /// The single-use install code.
    RedeemInstallCode,
    /// The Secrets the application starts from.
    Secrets,
    /// Values and release selection, as `ConfigMap`s.
    ConfigMaps,
    /// The selection file.
    SelectionFile,
    /// The Flux source and Kustomization: from here on Flux installs.
    FluxSource,
    /// Versions kept for maintenance.
    MaintenanceMetadata,
}

/// The order of an install (decision 16 of the overview).
pub const PLAN: [StepId; 12] = [
    StepId::Preflight,
    StepId::Storage,
    StepId::FluxControllers,
    StepId::ResolveRelease,
    StepId::RenderValues,
    StepId::Namespaces,
    StepId::RedeemInstallCode,
    StepId::Secrets,
    StepId::ConfigMaps,
    StepId::SelectionFile,
    StepId::FluxSource,
    StepId::MaintenanceMetadata,
];

impl StepId {
    /// The step after this one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        PLAN.iter().copied().find(|step| *step > self)
    }

    /// The stable name: `flux-controllers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Storage => "storage",
            Self::FluxControllers => "flux-controllers",
            Self::ResolveRelease => "resolve-release",
            Self::RenderValues => "render-values",
            Self::Namespaces => "namespaces",
            Self::RedeemInstallCode => "redeem-install-code",
            Self::Secrets => "secrets",
            Self::ConfigMaps => "config-maps",
            Self::SelectionFile => "selection-file",
            Self::FluxSource => "flux-source",
            Self::MaintenanceMetadata => "maintenance-metadata",
        }
    }

    /// What the step is about, in the operator's words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Preflight => "Checking network, registry and release",
            Self::Storage => "Preparing storage",
            Self::FluxControllers => "Installing the Flux controllers",
            Self::ResolveRelease => "Fixing the release",
            Self::RenderValues => "Rendering the application's settings",
            Self::Namespaces => "Creating namespaces",
            Self::RedeemInstallCode => "Redeeming the install code",
            Self::Secrets => "Storing company, administrator and licence",
            Self::ConfigMaps => "Storing the application's settings",
            Self::SelectionFile => "Recording the release",
            Self::FluxSource => "Handing the release to Flux",
            Self::MaintenanceMetadata => "Recording versions",
        }
    }

    /// `phase` of `install-state.json` while the step runs (20 §4).
    #[must_use]
    pub fn phase(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Storage => "storage",
            Self::FluxControllers | Self::FluxSource => "flux",
            Self::ResolveRelease
            | Self::RenderValues
            | Self::Namespaces
            | Self::RedeemInstallCode
            | Self::Secrets
            | Self::ConfigMaps
            | Self::SelectionFile
            | Self::MaintenanceMetadata => "registry-release-source",
        }
    }

    /// `status` of `install-state.json` while the step runs (20 §4). Steps that the shipped product
    /// did not tell apart share one.
    #[must_use]
    pub fn running_status(self) -> &'static str {
        match self {
            Self::Preflight => "preflight-running",
            Self::Storage => "storage-install-running",
            Self::FluxControllers => "flux-install-running",
            Self::ResolveRelease => "release-resolve-running",
            Self::RenderValues
            | Self::Namespaces
            | Self::RedeemInstallCode
            | Self::Secrets
            | Self::ConfigMaps => "runtime-values-running",
            Self::SelectionFile | Self::MaintenanceMetadata => "release-config-running",
            Self::FluxSource => "flux-source-running",
        }
    }

    /// `status` once the step is done and the next has not begun; `None` where the shipped product
    /// had no such status, so that the running one stays.
    #[must_use]
    pub fn complete_status(self) -> Option<&'static str> {
        match self {
            Self::Preflight => Some("preflight-complete"),
            Self::Storage => Some("storage-install-complete"),
            Self::FluxControllers => Some("flux-install-complete"),
            Self::ResolveRelease => Some("release-resolve-complete"),
            Self::ConfigMaps => Some("runtime-values-complete"),
            Self::FluxSource => Some("flux-source-complete"),
            Self::RenderValues
            | Self::Namespaces
            | Self::RedeemInstallCode
            | Self::Secrets
            | Self::SelectionFile
            | Self::MaintenanceMetadata => None,
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_in_the_order_of_the_steps_and_names_match_their_documents() {
        assert!(PLAN.is_sorted());
        assert_eq!(PLAN[11].next(), None);
        for step in PLAN {
            assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
        }
    }
}
