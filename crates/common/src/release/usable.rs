//! The strict reading of a release manifest, done before anything is written or spent (10 §4.2).
//!
//! Everything a later step puts into a cluster, a URL or a file name leaves here as a checked type.

mod receipt_keys;
mod values;

use std::fmt;

use serde_json::Value;

use super::manifest::ReleaseManifest;
use super::policy::UsePolicy;
use super::reference::{
    Digest, GrammarError, ImageRef, ImageRepository, ImageTag, ProfileName, Tag, Version,
};

pub use receipt_keys::ReceiptKeys;
pub use values::parse_values;

/// Longest control-plane text that is kept as information.
const MAX_CONTROL_PLANE_TEXT: usize = 512;

/// The step of an install or update to which a failure belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseStep {
    /// `resolve-release-manifest`
    ResolveReleaseManifest,
    /// `render-runtime-values`
    RenderRuntimeValues,
}

impl UseStep {
    /// The name of the step in state documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResolveReleaseManifest => "resolve-release-manifest",
            Self::RenderRuntimeValues => "render-runtime-values",
        }
    }
}

impl fmt::Display for UseStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a manifest that could be read cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the release manifest cannot be used: {path} {problem}")]
pub struct UseError {
    /// The step that this blocks.
    pub step: UseStep,
    /// Dotted path in the manifest, such as `config.digest` or `profileValues["temporal.single-node.yaml"]`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl UseError {
    fn manifest(path: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            step: UseStep::ResolveReleaseManifest,
            path: path.into(),
            problem: problem.to_string(),
        }
    }

    fn refused(path: &str) -> impl FnOnce(GrammarError) -> Self + '_ {
        move |error| Self::manifest(path, format_args!("is refused: {error}"))
    }
}

/// The control plane's image, as far as it may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlPlane {
    /// By digest, from a repository that is allowed.
    Rollable(ImageRef),
    /// A tag or build only: information, never pulled.
    NotPinned(String),
    /// Refused; the running image is kept.
    Held {
        /// What the manifest says.
        image: String,
        /// Why it is not rolled to.
        reason: String,
    },
    /// The manifest names none.
    Absent,
}

/// How the bootstrap Job takes the first administrator's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFormat {
    /// In clear, beside its hash.
    Clear,
    /// As a PHC string only.
    Phc,
}

/// Tags of the application's images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// The application itself.
    pub alga_core: ImageTag,
    /// Absent: the profile's own tag stays.
    pub workflow_worker: Option<ImageTag>,
    /// Absent: the profile's own tag stays.
    pub email_service: Option<ImageTag>,
    /// Absent: the profile's own tag stays.
    pub temporal_worker: Option<ImageTag>,
}

/// One values file of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileValues {
    /// The service it is for, one of [`crate::names::SERVICES`].
    pub service: &'static str,
    /// Its name in the manifest, which is also its key in the service's `ConfigMap`.
    pub file: String,
    /// YAML, a mapping.
    pub yaml: String,
}

/// A release that may be installed on this box.
#[derive(Debug, Clone, PartialEq)]
pub struct UsableRelease {
    /// Its version.
    pub version: Version,
    /// Its profile.
    pub profile: ProfileName,
    /// Its image tags.
    pub images: Images,
    /// Where its Flux bundle is.
    pub config_repository: ImageRepository,
    /// Which bundle exactly.
    pub config_digest: Digest,
    /// Values files, one per service, in the order of [`crate::names::SERVICES`].
    pub values: Vec<ProfileValues>,
    /// Its control plane.
    pub control_plane: ControlPlane,
    /// Its support agent.
    pub support_agent: Option<ImageRef>,
    /// Keys that support receipts are checked with.
    pub receipt_keys: ReceiptKeys,
    /// How the bootstrap Job takes the first password.
    pub password_format: PasswordFormat,
}

impl ReleaseManifest {
    /// Checks that everything this release names may be used here.
    ///
    /// # Errors
    /// [`UseError`] with the path in the manifest and the step that it blocks.
    pub fn usable(&self, policy: &UsePolicy) -> Result<UsableRelease, UseError> {
        let profile = profile(&self.values_profile, policy)?;
        Ok(UsableRelease {
            version: self.version.parse().map_err(UseError::refused("version"))?,
            images: images(self)?,
            config_repository: config_repository(&self.config.repository, policy)?,
            config_digest: self
                .config
                .digest
                .parse()
                .map_err(UseError::refused("config.digest"))?,
            control_plane: control_plane(self.control_plane.as_deref(), policy),
            support_agent: self.support_agent.clone(),
            receipt_keys: ReceiptKeys::read(&self.support_receipt_keys),
            password_format: password_format(self.password_format.as_deref())?,
            values: values::read(&self.profile_values, &profile)?,
            profile,
        })
    }
}

fn profile(text: &str, policy: &UsePolicy) -> Result<ProfileName, UseError> {
    let profile: ProfileName = text.parse().map_err(UseError::refused("valuesProfile"))?;
    if !policy
        .supported_profiles
        .iter()
        .any(|known| known == profile.as_str())
    {
        let known = policy.supported_profiles.join(", ");
        return Err(UseError::manifest(
            "valuesProfile",
            format_args!("is {profile}, which the Flux bundle does not read (it reads {known})"),
        ));
    }
    Ok(profile)
}

fn images(manifest: &ReleaseManifest) -> Result<Images, UseError> {
    let tag = |component: &str| {
        let path = format!("images.{component}");
        match manifest.images.get(component) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(UseError::refused(&path)),
            Some(_) => Err(UseError::manifest(&path, "is not a string")),
        }
    };
    Ok(Images {
        alga_core: tag("algaCore")?.ok_or_else(|| UseError::manifest("images.algaCore", "is missing"))?,
        workflow_worker: tag("workflowWorker")?,
        email_service: tag("emailService")?,
        temporal_worker: tag("temporalWorker")?,
    })
}

fn config_repository(text: &str, policy: &UsePolicy) -> Result<ImageRepository, UseError> {
    const PATH: &str = "config.repository";
    let repository: ImageRepository = text.parse().map_err(UseError::refused(PATH))?;
    if !policy.allows(&repository) {
        let problem = format_args!("is {repository}, which is not below an allowed repository");
        return Err(UseError::manifest(PATH, problem));
    }
    Ok(repository)
}

fn control_plane(stated: Option<&str>, policy: &UsePolicy) -> ControlPlane {
    let Some(text) = stated else {
        return ControlPlane::Absent;
    };
    let held = |reason: &str| ControlPlane::Held {
        image: text.chars().take(MAX_CONTROL_PLANE_TEXT).collect(),
        reason: reason.to_owned(),
    };
    match text.parse::<ImageRef>() {
        Err(_) if text.parse::<Tag>().is_ok() => ControlPlane::NotPinned(text.to_owned()),
        Err(_) => held("it is not an image reference"),
        Ok(image) if image.digest().is_none() => ControlPlane::NotPinned(text.to_owned()),
        Ok(image) if image.tag().is_some() => held("it has a tag beside its digest"),
        Ok(image) if !policy.control_plane_repositories.contains(&image.repository()) => {
            held("its repository is not one that control planes are taken from")
        }
        Ok(image) => ControlPlane::Rollable(image),
    }
}

fn password_format(stated: Option<&str>) -> Result<PasswordFormat, UseError> {
    match stated {
        None => Ok(PasswordFormat::Clear),
        Some("phc") => Ok(PasswordFormat::Phc),
        Some(other) => Err(UseError::manifest(
            "tenantBootstrap.passwordFormat",
            format_args!("is {other:?}; this appliance knows \"phc\""),
        )),
    }
}

#[cfg(test)]
mod tests;
