//! Manifests: any number of YAML documents, each a Kubernetes object.

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde::Deserialize;
use serde_json::Value;

/// Why a text is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML.
    #[error("the manifest is not YAML")]
    Syntax(#[source] Box<serde_saphyr::Error>),
    /// One of its documents is not a Kubernetes object.
    #[error("document {number} of the manifest is not a Kubernetes object")]
    NotAnObject {
        /// The document, from 1.
        number: usize,
        /// What is missing.
        source: serde_json::Error,
    },
}

/// An object, and its kind's place in the API.
#[derive(Debug, Clone)]
pub struct ManifestObject {
    /// Its kind.
    pub resource: ApiResource,
    /// All of it.
    pub object: DynamicObject,
}

impl ManifestObject {
    /// Reads one document.
    ///
    /// # Errors
    /// It has no `apiVersion`, `kind` or `metadata.name`.
    pub fn read(document: Value) -> Result<Self, serde_json::Error> {
        let object = DynamicObject::deserialize(document)?;
        let types = object
            .types
            .as_ref()
            .ok_or_else(|| missing("apiVersion and kind"))?;
        let kind = GroupVersionKind::try_from(types).map_err(|_| missing("a well-formed apiVersion"))?;
        if object.metadata.name.is_none() {
            return Err(missing("metadata.name"));
        }
        Ok(Self {
            resource: ApiResource::from_gvk(&kind),
            object,
        })
    }
}

fn missing(what: &str) -> serde_json::Error {
    serde::de::Error::custom(format!("it has no {what}"))
}

/// The objects of a manifest, in its order; empty documents are passed over.
///
/// # Errors
/// [`ManifestError`] for text that is not YAML, or a document that is not an object.
pub fn manifest_objects(text: &str) -> Result<Vec<ManifestObject>, ManifestError> {
    // Kubernetes manifests are YAML 1.2 here: an `n` or `on` is a text, not a boolean.
    let options = serde_saphyr::options! { strict_booleans: true };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| ManifestError::Syntax(Box::new(error)))?;
    let documents = documents.into_iter().enumerate();
    let objects = documents.filter(|(_, document)| !document.is_null());
    objects
        .map(|(index, document)| {
            ManifestObject::read(document).map_err(|source| ManifestError::NotAnObject {
                number: index + 1,
                source,
            })
        })
        .collect()
}
