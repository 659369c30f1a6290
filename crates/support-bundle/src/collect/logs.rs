//! Logs of containers: the newest part of each, of this run and the one before.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use appliance_common::cluster::{Cluster, RawError};
use futures::StreamExt;
use futures::stream;
use serde_json::Value;

use super::cluster::pages;
use super::{Ended, Status};
use crate::options::Options;
use crate::plan::log_namespaces;
use crate::staging::Staging;

/// Logs at once: each is held in memory up to its limit.
const WIDE: usize = 8;
const COLLECTOR: &str = "logs";
/// Files of the shipped product, by what their pods are called.
const CONTROL_PLANE: (&str, &str) = ("alga-appliance-control-plane", "appliance-control-plane");
const BOOTSTRAP: (&str, &str) = ("msp", "-sebastian-bootstrap");

/// One container's log.
struct Source {
    namespace: String,
    pod: String,
    container: String,
    is_previous: bool,
}

impl Source {
    fn member(&self) -> String {
        let end = if self.is_previous { "-previous" } else { "" };
        format!("logs/{}-{}-{}{end}.log", self.namespace, self.pod, self.container)
    }

    /// The shipped product's file that has it too.
    fn baseline(&self) -> Option<&'static str> {
        let is = |(namespace, pod): (&str, &str)| self.namespace == namespace && self.pod.contains(pod);
        match self.is_previous {
            false if is(CONTROL_PLANE) => Some("cluster/control-plane-logs.txt"),
            true if is(CONTROL_PLANE) => Some("cluster/control-plane-previous-logs.txt"),
            false if is(BOOTSTRAP) => Some("cluster/bootstrap-job-logs.txt"),
            _ => None,
        }
    }
}

pub(crate) async fn collect(staging: &Arc<Staging>, options: &Options, cluster: &Cluster) -> Ended {
    let wanted = log_namespaces(options);
    let mut sources = Vec::new();
    let listed = pages(cluster, "/api/v1/pods", options.limits.call, |pod| {
        of_pod(&pod, &wanted, &mut sources);
    })
    .await;
    if let Err(error) = listed {
        return super::cluster::failed(&error);
    }
    let count = sources.len();
    let failures: Vec<String> = stream::iter(sources)
        .map(|source| one(staging, options, cluster, source))
        .buffer_unordered(WIDE)
        .filter_map(async |failure| failure)
        .collect()
        .await;
    match failures.first() {
        None => Ended::ok(),
        Some(first) => Ended::as_is(
            Status::Partial,
            format!(
                "{} of {count} logs were not had, the first: {first}",
                failures.len()
            ),
        ),
    }
}

fn of_pod(pod: &Value, wanted: &[String], sources: &mut Vec<Source>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&pod["metadata"]["namespace"]);
    if !wanted.is_empty() && !wanted.contains(&namespace) {
        return;
    }
    for states in ["initContainerStatuses", "containerStatuses"] {
        for state in pod["status"][states].as_array().into_iter().flatten() {
            let source = |is_previous| Source {
                namespace: namespace.clone(),
                pod: text(&pod["metadata"]["name"]),
                container: text(&state["name"]),
                is_previous,
            };
            // One that never ran has no log, and asking for it is an error.
            let has_run =
                state.pointer("/state/running").is_some() || state.pointer("/state/terminated").is_some();
            if has_run || state["restartCount"].as_u64() > Some(0) {
                sources.push(source(false));
            }
            if state["restartCount"].as_u64() > Some(0) {
                sources.push(source(true));
            }
        }
    }
}

async fn one(staging: &Arc<Staging>, options: &Options, cluster: &Cluster, source: Source) -> Option<String> {
    let member = source.member();
    let read = tokio::time::timeout(options.limits.call, read(options, cluster, &source)).await;
    let (text, error) = match read {
        Ok(Ok(text)) => (text, None),
        Ok(Err(error)) => return Some(format!("{member}: {error}")),
        Err(_) => return Some(format!("{member}: no answer within {:?}", options.limits.call)),
    };
    let staging = Arc::clone(staging);
    let kept = tokio::task::spawn_blocking(move || {
        if let Some(file) = source.baseline() {
            staging.text(file, COLLECTOR, &text)?;
        }
        staging.text(&source.member(), COLLECTOR, &text)
    });
    match kept.await {
        Ok(Ok(())) => error,
        Ok(Err(error)) => Some(format!("{member}: {error}")),
        Err(error) => Some(format!("{member}: {error}")),
    }
}

/// The newest lines and bytes of it, whatever the server sends.
async fn read(options: &Options, cluster: &Cluster, source: &Source) -> Result<String, RawError> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&previous={}&timestamps=true&tailLines={}&sinceSeconds={}",
        source.namespace,
        source.pod,
        source.container,
        source.is_previous,
        options.limits.log_lines,
        options.since.as_secs().max(1),
    );
    let mut lines = cluster.lines(&path, options.limits.call).await?;
    let (mut kept, mut bytes, mut left_out) = (VecDeque::new(), 0, 0_usize);
    while let Some(line) = lines.next().await? {
        bytes += line.len() + 1;
        kept.push_back(line);
        while bytes > options.limits.log_bytes {
            let Some(oldest) = kept.pop_front() else { break };
            bytes -= oldest.len() + 1;
            left_out += 1;
        }
    }
    let mut text = format!("$ GET {path}\n");
    if left_out > 0 {
        // Writing to a String does not fail.
        let _ = writeln!(text, "[{left_out} older lines were left out]");
    }
    for line in kept {
        text.push_str(&String::from_utf8_lossy(&line));
        text.push('\n');
    }
    Ok(text)
}
