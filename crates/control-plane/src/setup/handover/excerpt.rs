//! The end of a container's log, without secrets. Where the secrets of the box cannot be read, none of the
//! log is shown.

use appliance_common::cluster::{Cluster, ClusterError, LogRequest};
use appliance_common::names::namespace;
use appliance_common::redact::Redactor;
use k8s_openapi::api::core::v1::{Pod, Secret};

use crate::setup::pods::shortened;

/// Most lines of an excerpt.
const LINES: u32 = 160;
/// Most bytes of an excerpt.
const BYTES: usize = 16 * 1024;
/// Most bytes that are read for one.
const READ_BYTES: u32 = 1024 * 1024;
/// What error lines of the bootstrap have (40 §11).
const ERROR_WORDS: [&str; 6] = [
    "ERROR",
    "FATAL",
    "Migration failed",
    "Unhandled",
    "Exception",
    "seed",
];

/// What the last pod that failed wrote, and its last line that names an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) pod: String,
    pub(super) tail: String,
    pub(super) error: Option<String>,
}

/// Reads it for a Job; `None` when no pod of it has failed.
pub(super) async fn read(
    cluster: &Cluster,
    job: &str,
    setup_token: Option<&str>,
) -> Result<Option<Excerpt>, ClusterError> {
    let pods: Vec<Pod> = cluster
        .list(Some(namespace::MSP), &format!("job-name={job}"))
        .await?;
    let failed = pods.iter().filter(|pod| phase(pod) == Some("Failed"));
    let Some(pod) = failed.max_by_key(|pod| pod.metadata.creation_timestamp.clone()) else {
        return Ok(None);
    };
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let Some(container) = containers.first() else {
        return Ok(None);
    };
    let redactor = known_secrets(cluster, setup_token).await?;
    let pod = pod.metadata.name.as_deref().unwrap_or_default();
    let text = newest_lines(cluster, (namespace::MSP, pod, &container.name), LINES, READ_BYTES).await?;
    Ok(Some(excerpt(pod, redactor.text(&text).as_str())))
}

/// The newest whole lines of a container's log. The API server cuts the end off when there are too many
/// bytes, so fewer lines are asked for until they fit.
pub(in crate::setup) async fn newest_lines(
    cluster: &Cluster,
    (namespace, pod, container): (&str, &str, &str),
    lines: u32,
    bytes: u32,
) -> Result<String, ClusterError> {
    let mut lines = lines;
    loop {
        let request = LogRequest {
            namespace,
            pod,
            container,
            lines,
            bytes,
        };
        let text = cluster.logs(&request).await?;
        if text.len() < bytes as usize {
            return Ok(text);
        }
        if lines <= 1 {
            // One enormous line, of which the end is missing: it could end in half a secret.
            return Ok("(the last line is too long to be shown)".to_owned());
        }
        lines /= 4;
        lines = lines.max(1);
    }
}

/// The secret values that the application's logs could hold.
pub(in crate::setup) async fn known_secrets(
    cluster: &Cluster,
    setup_token: Option<&str>,
) -> Result<Redactor, ClusterError> {
    let mut secrets = Vec::new();
    for namespace in [
        namespace::MSP,
        namespace::ALGA_SYSTEM,
        namespace::APPLIANCE_SYSTEM,
    ] {
        secrets.extend(cluster.list::<Secret>(Some(namespace), "").await?);
    }
    let values = secrets.iter().filter_map(|secret| secret.data.as_ref()).flatten();
    let values = values.map(|(key, value)| (key.as_str(), value.0.as_slice()));
    Ok(Redactor::new(
        values.chain(setup_token.map(|token| ("token", token.as_bytes()))),
    ))
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

/// The end of a masked text, in whole lines, and its last error.
fn excerpt(pod: &str, masked: &str) -> Excerpt {
    let mut start = masked.len().saturating_sub(BYTES);
    if start > 0 {
        start = masked.as_bytes()[start..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(masked.len(), |end| start + end + 1);
    }
    let tail = &masked[start..];
    let is_error = |line: &&str| ERROR_WORDS.iter().any(|word| line.contains(word));
    Excerpt {
        pod: pod.to_owned(),
        tail: tail.to_owned(),
        error: tail.lines().rev().find(is_error).map(shortened),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_with_the_newest_line_and_begins_with_a_whole_one() {
        let text = (0..5000)
            .map(|number| format!("line {number} ä"))
            .collect::<Vec<_>>()
            .join("\n");
        let excerpt = excerpt("p", &text);
        assert!(excerpt.tail.len() <= BYTES);
        assert!(excerpt.tail.starts_with("line "), "{}", &excerpt.tail[..20]);
        assert!(excerpt.tail.ends_with("line 4999 ä"));
        assert_eq!(excerpt.error, None);
    }

    #[test]
    fn the_last_error_line_is_told() {
        let excerpt = excerpt("p", "ERROR first\nok\nMigration failed: x\ncleaning up");
        assert_eq!(excerpt.error.as_deref(), Some("Migration failed: x"));
    }
}
