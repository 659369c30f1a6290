//! What a complete run leaves on the disk.

use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use serde_json::Value;

use super::Setup;
use super::noting::{PAUSE, refresh_document};
use super::projection::COMPLETE_STATUS;
use super::recorder::Recorder;

impl Setup {
    /// A crash may have come between the last journal line and the document made of it. A document that
    /// says more than a complete setup belongs to what came after, and is left alone.
    async fn finish_document(&self, recorder: &Recorder) {
        if self.is_document_behind() {
            refresh_document(recorder).await;
        }
    }

    fn is_document_behind(&self) -> bool {
        let document = StateFile::<Value>::at(&self.settings.state_file).load();
        document
            .ok()
            .flatten()
            .is_none_or(|document| document.get("update").is_none() && document["status"] != COMPLETE_STATUS)
    }

    /// What a complete run leaves on the disk, however long the disk takes to accept it: a document that says
    /// so, and answers without secrets.
    pub(super) async fn settle(&self, recorder: &Recorder) {
        loop {
            self.finish_document(recorder).await;
            self.forget_secrets().await;
            let is_sealed = self.stored_inputs().is_some_and(|stored| stored.sealed.is_some());
            if !is_sealed && !self.is_document_behind() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Once everything is handed over, the answers on disk need no secret any more.
    async fn forget_secrets(&self) {
        let Some(mut stored) = self.stored_inputs().filter(|stored| stored.sealed.is_some()) else {
            return;
        };
        stored.sealed = None;
        if let Err(error) = self.store_inputs(stored).await {
            tracing::warn!(
                error = chain(&error),
                "the sealed answers are still on disk; it is tried again"
            );
        }
    }
}
