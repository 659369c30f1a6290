//! The running application: its pod, and the scripts it brings along, which only it can run.
//!
//! A script reads one JSON object from its standard input and writes one to its standard output. Nothing
//! secret is in an argument: the API server and the container's process list show those to others.

use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, ExecEnd, ExecOutput, ExecRequest};
use appliance_common::names::{APPLICATION, namespace};
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, Pod};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The application's container.
const CONTAINER: &str = "sebastian";
/// Where its scripts are.
const SCRIPTS: &str = "/app/server/scripts";
/// Longest time one of them may take.
const LIMIT: Duration = Duration::from_secs(45);
/// Room for what a script reads, so that no part of it is copied about.
const INPUT_CAPACITY: usize = 24 * 1024;

/// A script of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Takes a licence key into use.
    ApplyLicenseKey,
    /// Redeems an install code.
    RedeemClaimCode,
    /// Tells the licence in use.
    LicenseStatus,
}

impl Script {
    fn path(self) -> String {
        let name = match self {
            Self::ApplyLicenseKey => "appliance-apply-license-key",
            Self::RedeemClaimCode => "appliance-redeem-claim-code",
            Self::LicenseStatus => "appliance-license-status",
        };
        format!("{SCRIPTS}/{name}.mjs")
    }
}

/// What a script said.
#[derive(Debug)]
pub(super) enum Said {
    /// It did it.
    Done(Answer),
    /// It did not, for this reason: a word of lower-case letters, or `unknown`.
    Refused(String),
}

/// The object a script answered with; it may hold secrets and is not shown.
pub(super) struct Answer(pub(super) Map<String, Value>);

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(…)")
    }
}

/// Why a script gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The application has no pod that runs.
    #[error("the application has no pod that is ready")]
    NotRunning,
    /// The script could not do its work yet.
    #[error("the application's script failed and said nothing")]
    Starting,
    /// What it said is not what such a script says.
    #[error("the application's script ended well and its answer cannot be understood")]
    Unintelligible,
    /// The connection was lost, or it took too long: whether it did its work is not known.
    #[error("the answer of the application's script was lost")]
    Lost,
    /// The cluster did not let it be run.
    #[error("running a script of the application")]
    Cluster(#[source] ClusterError),
}

/// Runs a script in the application's pod, once.
pub(super) async fn run(
    cluster: &Cluster,
    script: Script,
    input: &impl Serialize,
) -> Result<Said, ScriptError> {
    let (pod, container) = place(cluster).await?;
    let mut stdin = Zeroizing::new(Vec::with_capacity(INPUT_CAPACITY));
    serde_json::to_writer(&mut *stdin, input).map_err(|_| ScriptError::Unintelligible)?;
    // One line: whoever reads a line has it all, also where the end of the input does not come through.
    stdin.push(b'\n');
    let path = script.path();
    let request = ExecRequest {
        namespace: namespace::MSP,
        pod: &pod,
        container: &container,
        command: &["node", &path],
        stdin: &stdin,
        limit: LIMIT,
    };
    match cluster.exec(&request).await {
        Ok(output) => read(&output),
        Err(ClusterError::TooSlow { .. }) => Err(ScriptError::Lost),
        // The pod went between the look and the call.
        Err(ClusterError::Missing { .. }) => Err(ScriptError::NotRunning),
        Err(error) => Err(ScriptError::Cluster(error)),
    }
}

/// The object that was written wins over the exit code.
fn read(output: &ExecOutput) -> Result<Said, ScriptError> {
    if let Some(object) = object(&output.stdout).filter(|_| !output.truncated) {
        match object.get("ok") {
            Some(Value::Bool(true)) => return Ok(Said::Done(Answer(object))),
            Some(Value::Bool(false)) => return Ok(Said::Refused(reason(&object))),
            _ => {}
        }
    }
    match output.end {
        ExecEnd::Exited(0) => Err(ScriptError::Unintelligible),
        ExecEnd::Exited(_) | ExecEnd::Failed => Err(ScriptError::Starting),
        ExecEnd::Lost => Err(ScriptError::Lost),
    }
}

/// The whole output, or its last line: what a library prints before is not the script's.
fn object(stdout: &Secret<Vec<u8>>) -> Option<Map<String, Value>> {
    let text = stdout.expose().trim_ascii();
    let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    [text, last]
        .into_iter()
        .find_map(|text| serde_json::from_slice(text).ok())
}

/// Only words that are codes: whatever else a script says may quote what it was given.
fn reason(object: &Map<String, Value>) -> String {
    let code = object.get("code").and_then(Value::as_str).unwrap_or_default();
    let is_word = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { code } else { "unknown" }.to_owned()
}

/// A pod of the application that is ready, and the container in it.
async fn place(cluster: &Cluster) -> Result<(String, String), ScriptError> {
    let deployment: Option<Deployment> = cluster
        .get(Some(namespace::MSP), APPLICATION)
        .await
        .map_err(ScriptError::Cluster)?;
    let spec = deployment.and_then(|deployment| deployment.spec);
    let labels = spec.and_then(|spec| spec.selector.match_labels);
    let labels = labels
        .filter(|labels| !labels.is_empty())
        .ok_or(ScriptError::NotRunning)?;
    let selector: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let pods: Vec<Pod> = cluster
        .list(Some(namespace::MSP), &selector.join(","))
        .await
        .map_err(ScriptError::Cluster)?;
    let newest = pods
        .iter()
        .filter(|pod| is_ready(pod))
        .max_by_key(|pod| pod.metadata.creation_timestamp.clone());
    newest
        .and_then(|pod| {
            let container = container(&pod.spec.as_ref()?.containers)?;
            Some((pod.metadata.name.clone()?, container.name.clone()))
        })
        .ok_or(ScriptError::NotRunning)
}

/// The application's container of a pod, or its first.
pub(super) fn container(containers: &[Container]) -> Option<&Container> {
    let named = containers.iter().find(|container| container.name == CONTAINER);
    named.or_else(|| containers.first())
}

fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && status.and_then(|status| status.phase.as_deref()) == Some("Running")
        && conditions.is_some_and(|conditions| {
            let mut ready = conditions.iter().filter(|condition| condition.type_ == "Ready");
            ready.any(|condition| condition.status == "True")
        })
}

/// What an operator is told of a script that gave no answer, for the status.
pub(super) fn trouble(error: &ScriptError) -> super::part::Trouble {
    tracing::debug!(error = chain(error), "a script of the application gave no answer");
    let (code, message) = match error {
        ScriptError::NotRunning => ("app_not_running", "The application is not running yet."),
        ScriptError::Starting => ("app_starting", "The application is still starting."),
        ScriptError::Unintelligible => (
            "invalid_app_response",
            "The application's answer cannot be understood.",
        ),
        ScriptError::Lost => ("app_answer_lost", "The application gave no answer in time."),
        ScriptError::Cluster(_) => (
            "cluster_unavailable",
            "The cluster on this box did not let it be asked.",
        ),
    };
    super::part::Trouble::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, end: ExecEnd) -> ExecOutput {
        ExecOutput {
            stdout: Secret::new(stdout.as_bytes().to_vec()),
            truncated: false,
            end,
        }
    }

    #[test]
    fn the_object_wins_over_the_exit_code() {
        for end in [
            ExecEnd::Exited(0),
            ExecEnd::Exited(1),
            ExecEnd::Failed,
            ExecEnd::Lost,
        ] {
            for done in ["{\"ok\":true}", "warning: x\n{\"ok\":true,\"result\":{}}\n"] {
                assert!(matches!(read(&output(done, end)), Ok(Said::Done(_))), "{done}");
            }
            let refused = read(&output("{\"ok\":false,\"code\":\"tenant_mismatch\"}", end));
            assert!(matches!(refused, Ok(Said::Refused(code)) if code == "tenant_mismatch"));
        }
    }

    #[test]
    fn without_an_object_the_exit_code_tells_whether_trying_again_helps() {
        for nothing in [
            "",
            "Error: connect ECONNREFUSED",
            "[1]",
            "{\"ok\":\"yes\"}",
            "{\"ok\":",
        ] {
            assert!(matches!(
                read(&output(nothing, ExecEnd::Exited(0))),
                Err(ScriptError::Unintelligible)
            ));
            assert!(matches!(
                read(&output(nothing, ExecEnd::Exited(7))),
                Err(ScriptError::Starting)
            ));
            assert!(matches!(
                read(&output(nothing, ExecEnd::Lost)),
                Err(ScriptError::Lost)
            ));
        }
        let cut = ExecOutput {
            truncated: true,
            ..output("{\"ok\":true}", ExecEnd::Exited(0))
        };
        assert!(matches!(read(&cut), Err(ScriptError::Unintelligible)));
    }

    #[test]
    fn a_reason_is_a_word_or_unknown() {
        for (said, reason) in [
            ("{\"ok\":false}", "unknown"),
            ("{\"ok\":false,\"code\":\"Key abc.def.ghi is bad\"}", "unknown"),
            ("{\"ok\":false,\"code\":7}", "unknown"),
            (
                "{\"ok\":false,\"code\":\"expired_claim_code\"}",
                "expired_claim_code",
            ),
        ] {
            assert!(
                matches!(read(&output(said, ExecEnd::Exited(1))), Ok(Said::Refused(code)) if code == reason)
            );
        }
    }
}
