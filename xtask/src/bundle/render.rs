//! The bundle with a release's pins and registry filled in. Pure: files in, files out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use appliance_common::release::reference::RegistryHost;
use serde_json::{Value, json};

use super::Files;
use super::lock::Lock;

/// The file that says where charts are pulled from.
const HELM_REPOSITORY: &str = "base/charts/helm-repository.yaml";

/// A rendered bundle: what is published is exactly this.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// `base/…` and `profiles/…`.
    pub files: Files,
    /// The profile whose values the release carries.
    pub profile: String,
}

impl Bundle {
    /// The release manifest's `profileValues`: file name to text.
    #[must_use]
    pub fn profile_values(&self) -> BTreeMap<&str, &str> {
        let dir = format!("profiles/{}/values/", self.profile);
        let of_profile = |(path, text)| Some((str::strip_prefix(path, &dir)?, text));
        let files = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter_map(of_profile).collect()
    }
}

/// Fills the pins of `lock` and the charts' `registry` into the files of `flux/`.
///
/// # Errors
/// A placeholder that the lock does not fill, a chart repository file that is not one.
pub fn render(source: &Files, lock: &Lock, registry: &RegistryHost) -> Result<Bundle> {
    let variables = lock.variables();
    let mut files = Files::new();
    for (path, text) in source {
        let text = fill(text, &variables).with_context(|| path.clone())?;
        files.insert(path.clone(), text);
    }
    let repository = files
        .get_mut(HELM_REPOSITORY)
        .ok_or_else(|| anyhow!("{HELM_REPOSITORY} is missing"))?;
    *repository = point_at(repository, registry).context(HELM_REPOSITORY)?;
    let profile = lock.values_profile.clone();
    Ok(Bundle { files, profile })
}

/// Replaces each `${name}`.
fn fill(text: &str, variables: &BTreeMap<String, &str>) -> Result<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            bail!("`${{` is never closed");
        };
        let value = variables
            .get(name)
            .ok_or_else(|| anyhow!("`${{{name}}}` is not in the lock"))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The `HelmRepository` with its charts at `registry`.
fn point_at(text: &str, registry: &RegistryHost) -> Result<String> {
    let mut document: Value = serde_saphyr::from_str(text)?;
    let spec = document
        .get_mut("spec")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| anyhow!("it has no spec"))?;
    spec.insert("url".into(), json!(format!("oci://{registry}/nine-minds/charts")));
    if registry.is_loopback() {
        spec.insert("insecure".into(), json!(true));
    }
    Ok(serde_saphyr::to_string(&document)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = include_str!("../../../flux/base/charts/helm-repository.yaml");

    #[test]
    fn a_placeholder_without_a_pin_is_an_error_that_names_it() {
        let pins = BTreeMap::from([("images.algaCore".to_owned(), "a1b2")]);
        assert_eq!(fill("tag: ${images.algaCore}\n", &pins).unwrap(), "tag: a1b2\n");
        let error = fill("tag: ${images.algaCoer}", &pins).unwrap_err();
        assert!(error.to_string().contains("${images.algaCoer}"), "{error}");
    }

    #[test]
    fn only_charts_on_loopback_are_pulled_without_tls() {
        let spec = |registry: &str| {
            let text = point_at(REPOSITORY, &registry.parse().unwrap()).unwrap();
            serde_saphyr::from_str::<Value>(&text).unwrap()["spec"].clone()
        };
        let local = spec("127.0.0.1:5000");
        assert_eq!(local["url"], "oci://127.0.0.1:5000/nine-minds/charts");
        assert_eq!(local["insecure"], true);
        let public = spec("ghcr.io");
        assert_eq!(public["url"], "oci://ghcr.io/nine-minds/charts");
        assert_eq!(public["insecure"], Value::Null);
    }
}
