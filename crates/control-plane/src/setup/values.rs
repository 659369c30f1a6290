//! Profile values of a release, with this installation's address and images put in (10 §4.3, 20 §10).
//!
//! Pure: texts in, texts out. Whatever is wrong with a profile is found here, before anything is applied.

mod edit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use appliance_common::names::SERVICES;

use super::inputs::AppUrl;

/// The only profile whose keys the `HelmRelease`s of the bundle read.
const PROFILE: &str = "single-node";

/// How `alga-core` treats a database that exists: setup and updates never start afresh.
const BOOTSTRAP_MODE: &str = "recover";

/// Most bytes of one profile text, and of all: what fits in `ConfigMap`s with room to spare.
const MAX_TEXT_BYTES: usize = 256 * 1024;
const MAX_TOTAL_BYTES: usize = 900 * 1024;

/// Image tags of a release, each a tag with perhaps a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// `images.algaCore`
    pub alga_core: String,
    /// `images.workflowWorker`; absent leaves the profile's own tag.
    pub workflow_worker: Option<String>,
    /// `images.emailService`; absent leaves the profile's own tag.
    pub email_service: Option<String>,
    /// `images.temporalWorker`; absent leaves the profile's own tag.
    pub temporal_worker: Option<String>,
}

/// The values of one release of the application, ready for its `ConfigMap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedValues {
    /// One of [`SERVICES`].
    pub service: &'static str,
    /// The `ConfigMap`'s only key, `<service>.single-node.yaml`.
    pub key: String,
    /// The YAML text.
    pub text: String,
}

/// Why a release's values cannot be used here.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// The bundle's `HelmRelease`s read the keys of one profile.
    #[error("valuesProfile {profile:?} is not supported: the application reads {PROFILE:?} only")]
    Profile {
        /// The release's profile.
        profile: String,
    },
    /// Together the profile texts do not fit in the cluster.
    #[error("profileValues are {bytes} bytes in all, more than {MAX_TOTAL_BYTES}")]
    TooLarge {
        /// Their size.
        bytes: usize,
    },
    /// One profile text is missing or cannot be edited.
    #[error("profileValues[\"{service}.{PROFILE}.yaml\"]{}: {reason}", at(path))]
    Text {
        /// Which text.
        service: &'static str,
        /// The dotted path in it, empty when it is about the whole text.
        path: &'static str,
        /// What is wrong there.
        reason: String,
    },
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" at {path}")
    }
}

/// Renders the values of all services, in their order.
///
/// `texts` are the manifest's `profileValues`. Without an `app_url` the profile's own address stays.
///
/// # Errors
/// [`ValuesError`] names the text and path; nothing is rendered then.
pub fn render(
    profile: &str,
    texts: &BTreeMap<String, String>,
    images: &Images,
    app_url: Option<&AppUrl>,
) -> Result<Vec<RenderedValues>, ValuesError> {
    if profile != PROFILE {
        return Err(ValuesError::Profile {
            profile: profile.to_owned(),
        });
    }
    let values = SERVICES
        .into_iter()
        .map(|service| render_one(service, texts, &overrides(service, images, app_url)))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = values.iter().map(|values| values.text.len()).sum();
    if bytes > MAX_TOTAL_BYTES {
        return Err(ValuesError::TooLarge { bytes });
    }
    Ok(values)
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
        "workflow-worker" => images.workflow_worker.as_deref(),
        "email-service" => images.email_service.as_deref(),
        "temporal-worker" => {
            paths.extend(app_url.map(|url| ("publicBaseUrl", url.as_str())));
            images.temporal_worker.as_deref()
        }
        _ => None,
    };
    paths.extend(image.map(|tag| ("image.tag", tag)));
    paths
}

fn render_one(
    service: &'static str,
    texts: &BTreeMap<String, String>,
    overrides: &[(&'static str, &str)],
) -> Result<RenderedValues, ValuesError> {
    let wrong = |path, reason: String| ValuesError::Text {
        service,
        path,
        reason,
    };
    let key = format!("{service}.{PROFILE}.yaml");
    let text = texts
        .get(&key)
        .ok_or_else(|| wrong("", "the release does not have it, or not as text".to_owned()))?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(wrong(
            "",
            format!("{} bytes, more than {MAX_TEXT_BYTES}", text.len()),
        ));
    }
    edit::read(text).map_err(|error| wrong("", error.to_string()))?;
    let mut text = text.clone();
    for (path, value) in overrides {
        text = edit::upsert(&text, path, value).map_err(|error| wrong(path, error.to_string()))?;
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(RenderedValues { service, key, text })
}
