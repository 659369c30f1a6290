//! One API server for a whole test program.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::sync::OnceCell;

use super::{Parts, TestCluster};
use crate::tools::Tools;

impl TestCluster {
    /// The API server that the tests of this process share, started by whoever comes first. It ends with
    /// the process. Tests keep to namespaces of their own; who needs cluster-wide objects, or breaks the
    /// server, starts another.
    ///
    /// # Errors
    /// As [`TestCluster::start`].
    pub async fn shared(tools: &Tools) -> Result<&'static Self> {
        static SHARED: OnceCell<TestCluster> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(tools, Parts::Api)).await
    }

    /// Makes a namespace nobody else uses and gives its name.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn own_namespace(&self) -> Result<String> {
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"generateName": "test-"}}))?;
        let namespaces = Api::all(self.client().await?);
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        Ok(made.context("making a namespace")?.name_any())
    }
}
