//! Users with fewer rights than the administrator.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use appliance_common::names::{CONTROL_PLANE_WORKLOAD, namespace};
use appliance_common::state_file;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::Api;
use kube::api::PostParams;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::{TestCluster, kubeconfig};
use crate::apply;

/// What the host applies for the control plane.
const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/control-plane");

/// Where the accounts of restricted users are.
const NAMESPACE: &str = "default";

/// How long their tokens hold: longer than any test run.
const TOKEN_SECONDS: i64 = 24 * 3600;

impl TestCluster {
    /// Makes a user who may do what `rules` say, in every namespace, and nothing else; gives the path
    /// of their kubeconfig. `name` must be new in this cluster.
    ///
    /// # Errors
    /// The API server refuses one of the objects.
    pub async fn restricted_kubeconfig(&self, name: &str, rules: &[PolicyRule]) -> Result<PathBuf> {
        let client = self.client().await?;
        let post = PostParams::default();
        let accounts = Api::<ServiceAccount>::namespaced(client.clone(), NAMESPACE);
        let account = serde_json::from_value(json!({"metadata": {"name": name}}))?;
        accounts
            .create(&post, &account)
            .await
            .with_context(|| format!("creating the user {name}"))?;
        let role = ClusterRole {
            rules: Some(rules.to_vec()),
            ..named(name)?
        };
        Api::all(client.clone())
            .create(&post, &role)
            .await
            .with_context(|| format!("creating the role {name}"))?;
        let binding: ClusterRoleBinding = serde_json::from_value(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
        }))?;
        Api::all(client)
            .create(&post, &binding)
            .await
            .with_context(|| format!("binding the role {name}"))?;
        self.issue(&accounts, name).await
    }

    /// The control plane's own account, with the manifests of `deploy/control-plane` by these names applied (all in
    /// namespaces that are there); gives the path of its kubeconfig. Anew each time, so that namespaces that came since
    /// have their Roles.
    ///
    /// # Errors
    /// The API server refuses one of the objects.
    pub async fn pod_kubeconfig(&self, manifests: &[&str]) -> Result<PathBuf> {
        let client = self.client().await?;
        for name in ["namespace.yaml", "rbac.yaml"].iter().chain(manifests) {
            let path = Path::new(MANIFESTS).join(name);
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            apply::yaml(&client, "boot", "default", &text)
                .await
                .with_context(|| format!("applying {name}"))?;
        }
        let accounts = Api::<ServiceAccount>::namespaced(client, namespace::CONTROL_PLANE);
        self.issue(&accounts, CONTROL_PLANE_WORKLOAD).await
    }

    /// Where [`TestCluster::pod_kubeconfig`] has put it.
    #[must_use]
    pub fn issued_to_the_pod(&self) -> PathBuf {
        self.issued(CONTROL_PLANE_WORKLOAD)
    }

    fn issued(&self, name: &str) -> PathBuf {
        self.dir().join(format!("{name}.kubeconfig"))
    }

    async fn issue(&self, accounts: &Api<ServiceAccount>, name: &str) -> Result<PathBuf> {
        let request: TokenRequest = serde_json::from_value(json!({
            "metadata": {},
            "spec": {"audiences": [], "expirationSeconds": TOKEN_SECONDS},
        }))?;
        let post = PostParams::default();
        let issued = accounts.create_token_request(name, &post, &request).await;
        let issued = issued.with_context(|| format!("issuing a token for {name}"))?;
        let token = issued.status.context("the token request has no status")?.token;
        let file = self.issued(name);
        kubeconfig::write(&file, &self.url(), &self.ca_pem, &token)?;
        Ok(file)
    }

    /// What the kubelet puts into a pod of a user that [`TestCluster::restricted_kubeconfig`] made: token, CA
    /// and namespace, as files of a directory.
    ///
    /// # Errors
    /// The user has no kubeconfig here, or the files cannot be written.
    pub fn account_dir(&self, name: &str) -> Result<PathBuf> {
        let kubeconfig = fs::read_to_string(self.issued(name))?;
        let kubeconfig: Value = serde_json::from_str(&kubeconfig)?;
        let token = kubeconfig["users"][0]["user"]["token"]
            .as_str()
            .context("a token")?;
        let dir = self.dir().join(format!("{name}.account"));
        for (file, text) in [
            ("token", token),
            ("ca.crt", self.ca_pem.as_str()),
            ("namespace", NAMESPACE),
        ] {
            state_file::replace(&dir.join(file), text.as_bytes(), 0o600)?;
        }
        Ok(dir)
    }
}

fn named(name: &str) -> Result<ClusterRole> {
    serde_json::from_value(json!({"metadata": {"name": name}})).context("naming a role")
}

/// A bearer token nobody can guess.
pub(super) fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("the system gives no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
