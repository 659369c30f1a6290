//! What an image says of itself, read before anything of it is pulled.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::time::Instant;

use super::failure::Failure;
use super::{Operation, RESOLVE_TIMEOUTS, Registry, RegistryError, oci};
use crate::release::reference::{Digest, Reference};
use crate::release::strict_json;

impl Registry {
    /// Labels of an image of this repository, from the config that its digest vouches for; of an index, those of
    /// its image for this kind of machine.
    ///
    /// <https://github.com/opencontainers/image-spec/blob/main/config.md>
    ///
    /// # Errors
    /// [`RegistryError`]; nothing unverified is ever returned.
    pub async fn image_labels(&self, digest: &Digest) -> Result<BTreeMap<String, String>, RegistryError> {
        let deadline = Instant::now() + self.timeout * RESOLVE_TIMEOUTS;
        let mut reference = Reference::Digest(digest.clone());
        let mut body = self.verified(&reference, deadline).await?;
        if let Some(of_machine) = of_this_machine(&body) {
            reference = Reference::Digest(of_machine);
            body = self.verified(&reference, deadline).await?;
        }
        let at = |operation, failure| self.error(Some(&reference), operation, failure);
        let config = oci::config(&body).map_err(|failure| at(Operation::Validate, failure))?;
        let raw = self
            .blob(Operation::ImageConfig, &reference, &config, deadline)
            .await?;
        let document =
            strict_json::parse(&raw).map_err(|error| at(Operation::Parse, Failure::NotJson(error)))?;
        Ok(labels(&document))
    }

    async fn verified(
        &self,
        reference: &Reference,
        deadline: Instant,
    ) -> Result<bytes::Bytes, RegistryError> {
        let answer = self.manifest(reference, deadline).await?;
        oci::verified_digest(&answer, reference)
            .map_err(|failure| self.error(Some(reference), Operation::Integrity, failure))?;
        Ok(answer.body)
    }
}

/// The image for linux on amd64, if this is an index.
fn of_this_machine(body: &[u8]) -> Option<Digest> {
    let document = strict_json::parse(body).ok()?;
    let images = document.get("manifests")?.as_array()?;
    let fits = |image: &&Value| {
        image.pointer("/platform/os").is_some_and(|os| os == "linux")
            && image
                .pointer("/platform/architecture")
                .is_some_and(|arch| arch == "amd64")
    };
    images.iter().find(fits)?.get("digest")?.as_str()?.parse().ok()
}

fn labels(config: &Value) -> BTreeMap<String, String> {
    let labels = config.pointer("/config/Labels").and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_an_index_the_image_for_this_machine_is_read() {
        let digest = Digest::of(b"x");
        let image = |arch: &str, digest: &str| json!({"digest": digest, "platform": {"os": "linux", "architecture": arch}});
        let index = json!({"manifests": [image("arm64", "sha256:0"), image("amd64", digest.as_str())]});
        assert_eq!(of_this_machine(index.to_string().as_bytes()), Some(digest));
        for other in [
            json!({"config": {}}),
            json!({"manifests": [image("arm64", "x")]}),
            json!([]),
        ] {
            assert_eq!(of_this_machine(other.to_string().as_bytes()), None);
        }
    }

    #[test]
    fn an_image_without_labels_has_none() {
        assert_eq!(
            labels(&json!({"config": {"Labels": {"a": "1", "b": 2}}})),
            BTreeMap::from([("a".to_owned(), "1".to_owned())])
        );
        assert!(labels(&json!({"config": {"Labels": null}})).is_empty());
        assert!(labels(&json!({})).is_empty());
    }
}
