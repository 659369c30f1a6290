//! What was asked of the API server, by whom: its audit log, without bodies.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{TestCluster, components};

/// One request that reached the API server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AuditedRequest {
    /// `get`, `list`, `watch`, `create`, `patch`, …
    pub verb: String,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub uri: String,
    /// The client's `User-Agent`.
    #[serde(rename = "userAgent", default)]
    pub user_agent: String,
    /// HTTP status of the answer; of a stream, of its beginning. 0 before there is one.
    #[serde(skip)]
    pub status: u16,
}

/// A line of the log; a request that streams has several with one id.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "auditID")]
    id: String,
    #[serde(flatten)]
    request: AuditedRequest,
    #[serde(rename = "responseStatus", default)]
    answer: Answer,
}

#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    code: u16,
}

impl TestCluster {
    /// Every request so far whose user agent starts with `agent`, each once.
    ///
    /// # Errors
    /// The audit log cannot be read.
    pub fn requests_of(&self, agent: &str) -> Result<Vec<AuditedRequest>> {
        let path = self.dir().join(components::AUDIT_LOG);
        let log = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(requests(&log)
            .into_iter()
            .filter(|request| request.user_agent.starts_with(agent))
            .collect())
    }
}

/// The requests of a log in the order of their first lines. The last line may be half written.
fn requests(log: &str) -> Vec<AuditedRequest> {
    let mut seen = BTreeMap::<String, (usize, AuditedRequest)>::new();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok());
    for (position, event) in events.enumerate() {
        let (_, request) = seen.entry(event.id).or_insert((position, event.request));
        if request.status == 0 {
            request.status = event.answer.code;
        }
    }
    let mut ordered: Vec<_> = seen.into_values().collect();
    ordered.sort_by_key(|(position, _)| *position);
    ordered.into_iter().map(|(_, request)| request).collect()
}

#[cfg(test)]
mod tests {
    use super::requests;

    #[test]
    fn a_request_that_streams_counts_once_and_a_torn_line_does_not_count() {
        let log = concat!(
            r#"{"auditID":"b","stage":"ResponseStarted","verb":"watch","requestURI":"/b","userAgent":"x","responseStatus":{"code":200}}"#,
            "\n",
            r#"{"auditID":"a","stage":"RequestReceived","verb":"get","requestURI":"/a","userAgent":"x"}"#,
            "\n",
            r#"{"auditID":"a","stage":"ResponseComplete","verb":"get","requestURI":"/a","userAgent":"x","responseStatus":{"code":429}}"#,
            "\n",
            r#"{"auditID":"b","stage":"ResponseComplete","verb":"watch","requestURI":"/b","userAgent":"x"}"#,
            "\n",
            r#"{"auditID":"c","stage":"Resp"#,
        );
        let requests = requests(log);
        let seen: Vec<_> = requests
            .iter()
            .map(|request| (request.uri.as_str(), request.status))
            .collect();
        assert_eq!(seen, [("/b", 200), ("/a", 429)]);
    }
}
