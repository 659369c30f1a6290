//! What stopped an install, in the words of the state document.

use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::process::chain;
use serde::{Deserialize, Serialize};

/// What is to blame, as `failure.step` names it (20 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// No resolver is configured.
    ResolveSystemResolvers,
    /// The registry's host has no address.
    ResolveRegistryHost,
    /// The release manifest could not be had or used.
    ResolveReleaseManifest,
    /// The registry does not answer as a registry.
    ReachGhcr,
    /// The provisioner or its `StorageClass`.
    InstallLocalPathStorage,
    /// The Flux controllers.
    InstallFlux,
    /// A profile value is missing or cannot be rendered.
    RenderRuntimeValues,
    /// The install code.
    RedeemInstallCode,
    /// The operator's sealed answers cannot be opened.
    RenderInitialTenantSecret,
    /// Namespaces, Secrets or `ConfigMap`s.
    ApplyRuntimeValues,
    /// The selection file.
    WriteReleaseSelection,
    /// The Flux source or Kustomization.
    ApplyFluxSource,
    /// The host is not fit, or the network around it.
    CheckHost,
    /// The engine itself: a state file cannot be written, a step panicked.
    RunSetupWorkflow,
}

impl Blame {
    /// `phase` of the failure (20 §4.1).
    #[must_use]
    pub fn phase(self) -> &'static str {
        match self {
            Self::ResolveSystemResolvers | Self::ResolveRegistryHost => "dns",
            Self::ReachGhcr => "network",
            Self::InstallLocalPathStorage => "storage",
            Self::InstallFlux | Self::ApplyFluxSource => "flux",
            Self::ResolveReleaseManifest
            | Self::RenderRuntimeValues
            | Self::RedeemInstallCode
            | Self::RenderInitialTenantSecret
            | Self::ApplyRuntimeValues
            | Self::WriteReleaseSelection => "registry-release-source",
            Self::CheckHost => "preflight",
            Self::RunSetupWorkflow => "setup",
        }
    }

    /// `status` of the state document for this failure; `preflight` says whether it was found there.
    #[must_use]
    pub fn blocked_status(self, during: super::plan::StepId) -> &'static str {
        match self {
            Self::ResolveSystemResolvers | Self::ResolveRegistryHost | Self::ReachGhcr | Self::CheckHost => {
                "preflight-blocked"
            }
            Self::ResolveReleaseManifest if during == super::plan::StepId::Preflight => "preflight-blocked",
            Self::ResolveReleaseManifest => "release-resolve-blocked",
            Self::InstallLocalPathStorage => "storage-install-blocked",
            Self::InstallFlux => "flux-install-blocked",
            Self::RenderRuntimeValues
            | Self::RedeemInstallCode
            | Self::RenderInitialTenantSecret
            | Self::ApplyRuntimeValues => "runtime-values-blocked",
            Self::WriteReleaseSelection => "release-config-blocked",
            Self::ApplyFluxSource => "flux-source-blocked",
            Self::RunSetupWorkflow => "setup-blocked",
        }
    }
}

/// Why a step stopped and what to do about it. Holds no secret: it is shown, stored and bundled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What is to blame.
    pub step: Blame,
    /// Stable word for the kind of failure: `dns`, `not-found`, `cluster-forbidden`.
    pub category: String,
    /// Stable code, where a client acts on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What failed.
    pub message: String,
    /// The cause underneath.
    pub suspected_cause: String,
    /// What to do.
    pub suggested_next_step: String,
    /// Whether trying again unchanged can succeed.
    pub retry_safe: bool,
    /// Whether it can succeed without anybody doing anything.
    pub transient: bool,
    /// Whether the operator's answers must be corrected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub correctable: bool,
    /// How long the other side asked to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

impl Failure {
    /// A failure that trying again can mend once the cause is gone; adjust with the methods below.
    pub fn new(
        step: Blame,
        category: impl Into<String>,
        message: impl Into<String>,
        cause: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            step,
            category: category.into(),
            code: None,
            message: message.into(),
            suspected_cause: cause.into(),
            suggested_next_step: next_step.into(),
            retry_safe: true,
            transient: false,
            correctable: false,
            retry_after_seconds: None,
        }
    }

    /// The cluster did not do what `doing` names.
    #[must_use]
    pub fn of_cluster(step: Blame, doing: &str, error: &ClusterError) -> Self {
        let message = format!("{doing} did not succeed");
        let failure = Self::new(step, error.category(), message, chain(error), error.next_step());
        if error.transient() {
            failure.passing()
        } else {
            failure
        }
    }

    /// It can pass by itself.
    #[must_use]
    pub fn passing(self) -> Self {
        Self {
            transient: true,
            ..self
        }
    }

    /// Only other answers help: trying again unchanged fails again.
    #[must_use]
    pub fn correctable(self) -> Self {
        Self {
            retry_safe: false,
            transient: false,
            correctable: true,
            ..self
        }
    }

    /// The other side asked to be left alone for this long.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after_seconds: Some(wait.as_secs()),
            ..self
        }
    }

    /// With a stable code.
    #[must_use]
    pub fn with_code(self, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..self
        }
    }
}
