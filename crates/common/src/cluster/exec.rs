//! Running a command in a container: bytes in on its standard input, its whole output back.
//!
//! A command is run once and never again by itself: what it did before an answer was lost is not known here.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::call::classify;
use super::{Attempt, Cluster, ClusterError};
use crate::process::chain;
use crate::secret::Secret;

/// Most bytes of standard output that are kept.
const MAX_OUTPUT: usize = 256 * 1024;

/// A command for a container. What is secret goes through `stdin`: the command itself is in the API
/// server's audit log and in the container's process list.
#[derive(Clone, Copy)]
pub struct ExecRequest<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container.
    pub container: &'a str,
    /// The program and its arguments.
    pub command: &'a [&'a str],
    /// What it reads; then its standard input ends.
    pub stdin: &'a [u8],
    /// How long it may take in all.
    pub limit: Duration,
}

impl fmt::Debug for ExecRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, command, .. } = self;
        write!(f, "ExecRequest({pod}, {command:?}, …)")
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecEnd {
    /// With this exit code.
    Exited(i32),
    /// The kubelet says that it could not run it, or not to its end.
    Failed,
    /// The connection was lost before that was told.
    Lost,
}

/// What a command left.
#[derive(Debug)]
pub struct ExecOutput {
    /// Its standard output, up to a limit; it may hold what it was asked for.
    pub stdout: Secret<Vec<u8>>,
    /// Whether there was more than is kept.
    pub truncated: bool,
    /// How it ended.
    pub end: ExecEnd,
}

impl Cluster {
    /// Runs a command in a container and waits for its end.
    ///
    /// # Errors
    /// See [`ClusterError`]; [`ClusterError::TooSlow`] when the command may still be running.
    pub async fn exec(&self, request: &ExecRequest<'_>) -> Result<ExecOutput, ClusterError> {
        let attempt = Attempt {
            verb: "running a command in",
            kind: "Pod".to_owned(),
            namespace: Some(request.namespace.to_owned()),
            name: request.pod.to_owned(),
        };
        self.meter.count_request();
        let run = Box::pin(self.run(&attempt, request));
        match timeout(request.limit, self.meter.waiting(run)).await {
            Ok(result) => result,
            Err(_) => Err(ClusterError::TooSlow {
                attempt,
                limit: request.limit,
            }),
        }
    }

    async fn run(&self, attempt: &Attempt, request: &ExecRequest<'_>) -> Result<ExecOutput, ClusterError> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), request.namespace);
        let params = AttachParams::default()
            .container(request.container)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .tty(false)
            // All of it at once, so that a command which reads nothing holds nothing up.
            .max_stdin_buf_size(request.stdin.len().max(1));
        let command = request.command.iter().copied();
        let process = pods
            .exec(request.pod, command, &params)
            .await
            .map_err(|error| classify(attempt, error))?;
        Ok(follow(process, request.stdin).await)
    }
}

async fn follow(mut process: AttachedProcess, input: &[u8]) -> ExecOutput {
    let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
    let status = process.take_status();
    if let Some(mut stdin) = stdin {
        // A command that has ended reads nothing more; its output tells what came of it.
        let _ = stdin.write_all(input).await;
        let _ = stdin.shutdown().await;
    }
    let (mut output, mut errors) = (Kept::default(), Kept::default());
    {
        let mut reading = pin!(async {
            tokio::join!(output.read(stdout, MAX_OUTPUT), errors.read(stderr, 0));
        });
        tokio::select! {
            () = reading.as_mut() => {}
            ended = process.join() => match ended {
                // Both streams have been closed.
                Ok(()) => reading.await,
                Err(error) => tracing::debug!(error = chain(&error), "the connection to a command was lost"),
            },
        }
    }
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    ExecOutput {
        truncated: output.truncated,
        end: status.as_ref().map_or(ExecEnd::Lost, end),
        stdout: Secret::new(output.bytes),
    }
}

/// The beginning of a stream.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Kept {
    /// Reads a stream to its end; beyond `limit` bytes nothing is kept.
    async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>, limit: usize) {
        let Some(mut stream) = stream else { return };
        let mut chunk = [0_u8; 4096];
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            let room = limit.saturating_sub(self.bytes.len()).min(read);
            self.bytes.extend_from_slice(&chunk[..room]);
            self.truncated |= room < read;
        }
    }
}

/// The end that the last message of an exec stream tells.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>
fn end(status: &Status) -> ExecEnd {
    if status.status.as_deref() == Some("Success") {
        return ExecEnd::Exited(0);
    }
    let causes = status
        .details
        .as_ref()
        .and_then(|details| details.causes.as_ref());
    let mut causes = causes.into_iter().flatten();
    let code = causes.find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    let code = code.and_then(|cause| cause.message.as_ref()?.parse().ok());
    code.map_or(ExecEnd::Failed, ExecEnd::Exited)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_is_the_one_that_the_stream_tells() {
        let of = |status| end(&serde_json::from_value(status).unwrap());
        assert_eq!(of(json!({"status": "Success"})), ExecEnd::Exited(0));
        let failed = json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "42"}]}});
        assert_eq!(of(failed), ExecEnd::Exited(42));
        assert_eq!(
            of(json!({"status": "Failure", "reason": "InternalError"})),
            ExecEnd::Failed
        );
    }

    #[tokio::test]
    async fn of_a_stream_without_end_only_the_beginning_is_kept() {
        let mut kept = Kept::default();
        let stream = &mut tokio::io::repeat(b'x').take(1_000_000);
        kept.read(Some(stream), 10_000).await;
        assert_eq!((kept.bytes.len(), kept.truncated), (10_000, true));
    }

    #[test]
    fn what_a_command_reads_is_not_shown() {
        let request = ExecRequest {
            namespace: "msp",
            pod: "app-1",
            container: "app",
            command: &["node", "x.mjs"],
            stdin: b"hunter2",
            limit: Duration::from_secs(1),
        };
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
