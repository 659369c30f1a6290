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
    use std::sync::Arc;

    use http::{Method, Request, Response};
    use http_body_util::BodyExt;
    use kube::client::Body;
    use serde_json::Value;
    use tower_test::mock::{self, Handle};

    use super::*;

    /// A server whose role somebody else changes too: each read gives another version with a rule more, and of
    /// the writes the first `conflicts` are refused. Gives what was written.
    async fn contested(mut server: Handle<Request<Body>, Response<Body>>, conflicts: usize) -> Vec<Value> {
        let (mut version, mut written) = (0, Vec::new());
        while let Some((request, answer)) = server.next_request().await {
            let (method, body) = (request.method().clone(), request.into_body());
            let body = body.collect().await.unwrap().to_bytes();
            let mut code = 200;
            if method == Method::PATCH {
                written.push(serde_json::from_slice(&body).unwrap());
                code = if written.len() <= conflicts { 409 } else { 200 };
            } else {
                version += 1;
            }
            let others: Vec<_> = (0..version)
                .map(|n| json!({"apiGroups": [""], "resources": [format!("r{n}")], "verbs": ["get"]}))
                .collect();
            let role = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": others,
                "metadata": {"name": ROLE, "resourceVersion": version.to_string()},
            });
            let refused = json!({"kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict",
                "message": "the object has been modified"});
            let said = if code == 200 { role } else { refused }.to_string();
            answer.send_response(
                Response::builder()
                    .status(code)
                    .body(said.into_bytes().into())
                    .unwrap(),
            );
        }
        written
    }

    async fn mended(conflicts: usize) -> (Result<bool, ClusterError>, Vec<Value>) {
        let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
        let server = tokio::spawn(contested(server, conflicts));
        let client = kube::Client::new(service, "default");
        let cluster = Cluster::new(client, Duration::from_secs(5), Arc::default());
        let outcome = mend(&cluster).await;
        drop(cluster);
        (outcome, server.await.unwrap())
    }

    /// 40, case 47: somebody else wrote in between; what they wrote stays.
    #[tokio::test]
    async fn a_conflict_is_tried_again_on_what_is_there_by_then() {
        let (outcome, written) = mended(1).await;
        assert!(outcome.unwrap());
        let of = |at: usize| {
            (
                &written[at]["metadata"]["resourceVersion"],
                written[at]["rules"].as_array().unwrap(),
            )
        };
        assert_eq!((of(0).0, of(0).1.len()), (&json!("1"), 2));
        assert_eq!(
            (of(1).0, of(1).1.len()),
            (&json!("2"), 3),
            "the other's second rule and ours"
        );
        assert_eq!(of(1).1[2]["resources"], json!(RESOURCES));
    }

    #[tokio::test]
    async fn a_role_that_never_stands_still_is_given_up_after_five_tries() {
        let (outcome, written) = mended(usize::MAX).await;
        assert!(outcome.unwrap_err().is_conflict());
        assert_eq!(written.len(), 5);
    }

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
