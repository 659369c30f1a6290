//! What storage was proven to do, on what: `storage-state.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::process::chain;
use crate::state_file::{StateFile, StateFileError};

/// The document. Unknown keys are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StorageRecord {
    /// What the last test proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// That a volume was had, written and read back. It holds for this class and this provisioner only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// UID of the `StorageClass`.
    pub storage_class_uid: String,
    /// Image of the provisioner.
    pub provisioner_image: String,
    /// When.
    pub passed_at: String,
}

impl StorageRecord {
    /// The record as it is; one that cannot be read proves nothing.
    pub(super) fn load(file: &StateFile<Self>) -> Self {
        file.load()
            .unwrap_or_else(|error| {
                tracing::warn!(error = chain(&error), "storage is tested again");
                None
            })
            .unwrap_or_default()
    }

    /// Whether it proves storage on this class and image.
    #[must_use]
    pub fn proves(&self, class_uid: &str, image: &str) -> bool {
        let holds = |proof: &Proof| proof.storage_class_uid == class_uid && proof.provisioner_image == image;
        self.proof.as_ref().is_some_and(holds)
    }

    pub(super) fn store(self, file: &StateFile<Self>, proof: Proof) -> Result<(), StateFileError> {
        file.store(&Self {
            proof: Some(proof),
            ..self
        })
    }
}
