//! The right to run commands in pods. Roles of older releases grant only `create`; streaming over a
//! WebSocket is a GET, so it needs `get` as well (60 §7.1). Boxes in the field get the rest added here.

use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::process::chain;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use serde_json::json;

use super::Manage;
use super::conflict::Tries;

/// The control plane's role.
const ROLE: &str = "appliance-control-plane-setup-admin";
const RESOURCES: [&str; 2] = ["pods/exec", "pods/portforward"];
const VERBS: [&str; 2] = ["get", "create"];
/// First pause before a cluster that does not answer is asked again; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_mins(1);

impl Manage {
    /// Sees to it that the role grants what running commands needs, however late the cluster comes.
    pub(super) async fn mend_rights(self) {
        if self.has_no_release().await {
            return;
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let mended = match self.cluster().await {
                Ok(cluster) => mend(cluster).await,
                Err(error) => Err(error),
            };
            match mended {
                Ok(true) => return tracing::info!(role = ROLE, "the right to stream from pods was added"),
                Ok(false) => return,
                Err(error) if error.transient() || matches!(error, ClusterError::NotConfigured { .. }) => {
                    tracing::debug!(error = chain(&error), "the role was not looked at yet");
                }
                Err(error) => {
                    return tracing::warn!(
                        error = chain(&error),
                        "the right to stream from pods was not added"
                    );
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

/// Adds what is missing; whether anything was. A box without that role gets its rights otherwise.
async fn mend(cluster: &Cluster) -> Result<bool, ClusterError> {
    let mut tries = Tries::new();
    loop {
        match mend_once(cluster).await {
            Err(error) if error.is_conflict() && tries.another() => {}
            other => return other,
        }
    }
}

async fn mend_once(cluster: &Cluster) -> Result<bool, ClusterError> {
    let Some(role) = cluster.get::<ClusterRole>(None, ROLE).await? else {
        return Ok(false);
    };
    let rules = role.rules.unwrap_or_default();
    let Some(added) = missing(&rules) else {
        return Ok(false);
    };
    // A merge replaces the list, and only of the version that was read.
    let change = json!({
        "metadata": {"resourceVersion": role.metadata.resource_version},
        "rules": rules.into_iter().chain([added]).collect::<Vec<_>>(),
    });
    cluster.merge::<ClusterRole>(None, ROLE, &change).await?;
    Ok(true)
}

/// One rule with exactly what no rule grants; nothing when all is granted.
fn missing(rules: &[PolicyRule]) -> Option<PolicyRule> {
    let names = |list: Option<&Vec<String>>, name: &str| {
        list.is_some_and(|list| list.iter().any(|entry| entry == name || entry == "*"))
    };
    let is_granted = |resource: &str, verb: &str| {
        rules.iter().any(|rule| {
            let is_core = names(rule.api_groups.as_ref(), "");
            let is_limited = rule
                .resource_names
                .as_ref()
                .is_some_and(|names| !names.is_empty());
            is_core
                && !is_limited
                && names(rule.resources.as_ref(), resource)
                && names(Some(&rule.verbs), verb)
        })
    };
    let lacking = RESOURCES
        .into_iter()
        .filter(|resource| !VERBS.iter().all(|verb| is_granted(resource, verb)));
    let lacking: Vec<_> = lacking.map(str::to_owned).collect();
    (!lacking.is_empty()).then(|| PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(lacking),
        verbs: VERBS.map(str::to_owned).to_vec(),
        ..PolicyRule::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: serde_json::Value) -> Vec<PolicyRule> {
        serde_json::from_value(rules).unwrap()
    }

    #[test]
    fn one_rule_with_exactly_what_is_missing_is_added_and_then_nothing_is() {
        let lacking = |of: serde_json::Value| missing(&rules(of)).map(|rule| rule.resources.unwrap());
        let exec = json!({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]});
        let forward =
            json!({"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["create", "get"]});
        assert_eq!(
            lacking(json!([exec, forward])),
            Some(vec!["pods/exec".to_owned()])
        );
        assert_eq!(lacking(json!([])).unwrap().len(), 2);
        assert_eq!(
            lacking(json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])),
            None
        );
        let elsewhere = json!({"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]});
        assert_eq!(lacking(json!([elsewhere])).unwrap().len(), 2);
        let one_pod = json!({"apiGroups": [""], "resources": ["*"], "verbs": ["*"], "resourceNames": ["x"]});
        assert_eq!(lacking(json!([one_pod])).unwrap().len(), 2);
        let mut mended = rules(json!([exec, forward]));
        mended.extend(missing(&mended));
        assert_eq!(missing(&mended), None);
        let split = json!([{"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": ["get"]},
                           {"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": ["create"]}]);
        assert_eq!(lacking(split), None, "two rules together");
    }
}
