//! Profile values of a release, with this installation's address and images put in (10 §4.3, 20 §10).
//!
//! Pure: texts in, texts out. Whatever is wrong with a profile is found here, before anything is applied.

#[cfg(test)]
mod tests;

use appliance_common::release::usable::{Images, ProfileValues};

use super::inputs::AppUrl;
use crate::values_edit::{self as edit, EditError};

/// How `alga-core` treats a database that exists: setup and updates never start afresh.
const BOOTSTRAP_MODE: &str = "recover";

/// The values of one release of the application, ready for its `ConfigMap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedValues {
    /// The service they are for.
    pub service: &'static str,
    /// The `ConfigMap`'s only key, such as `alga-core.single-node.yaml`.
    pub key: String,
    /// The YAML text.
    pub text: String,
}

/// Why a release's values cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profileValues[\"{file}\"] at {path}: {reason}")]
pub struct ValuesError {
    /// The text's name in the release manifest.
    pub file: String,
    /// The dotted path in it.
    pub path: &'static str,
    /// What is wrong there.
    pub reason: String,
}

/// Renders the `values` of a release that may be used. Without an `app_url` the profile's own address
/// stays.
///
/// # Errors
/// [`ValuesError`] names the text and path; nothing is rendered then.
pub fn render(
    values: &[ProfileValues],
    images: &Images,
    app_url: Option<&AppUrl>,
) -> Result<Vec<RenderedValues>, ValuesError> {
    values
        .iter()
        .map(|profile| {
            let overrides = overrides(profile.service, images, app_url);
            Ok(RenderedValues {
                service: profile.service,
                key: profile.file.clone(),
                text: edited(profile, &overrides)?,
            })
        })
        .collect()
}

/// The paths that are ours in one service's values.
fn overrides<'a>(
    service: &str,
    images: &'a Images,
    app_url: Option<&'a AppUrl>,
) -> Vec<(&'static str, &'a str)> {
    let mut paths = vec![];
    let image = match service {
        "alga-core" => {
            paths.push(("bootstrap.mode", BOOTSTRAP_MODE));
            if let Some(url) = app_url {
                paths.extend([
                    ("appUrl", url.as_str()),
                    ("host", url.host()),
                    ("domainSuffix", ""),
                ]);
            }
            let tag = images.alga_core.as_str();
            paths.extend([("setup.image.tag", tag), ("server.image.tag", tag)]);
            None
        }
        "workflow-worker" => images.workflow_worker.as_ref(),
        "email-service" => images.email_service.as_ref(),
        "temporal-worker" => {
            paths.extend(app_url.map(|url| ("publicBaseUrl", url.as_str())));
            images.temporal_worker.as_ref()
        }
        _ => None,
    };
    paths.extend(image.map(|tag| ("image.tag", tag.as_str())));
    paths
}

fn edited(profile: &ProfileValues, overrides: &[(&'static str, &str)]) -> Result<String, ValuesError> {
    let refused = |path, error: EditError| ValuesError {
        file: profile.file.clone(),
        path,
        reason: error.to_string(),
    };
    let mut text = profile.yaml.clone();
    let mut shared = Vec::new();
    for &(path, value) in overrides {
        match edit::upsert(&text, path, value) {
            Ok(edited) => text = edited,
            Err(EditError::Entangled) => shared.push((path, value)),
            Err(error) => return Err(refused(path, error)),
        }
    }
    // What another path took from there by an alias may have become its own by now.
    for (path, value) in shared {
        text = edit::upsert(&text, path, value).map_err(|error| refused(path, error))?;
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
