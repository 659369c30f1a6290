//! What a container wrote.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use futures::AsyncBufRead;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::{Attempt, Cluster, ClusterError};

/// Which part of a container's log is read; the newest.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container.
    pub container: &'a str,
    /// Newest lines, at most.
    pub lines: u32,
    /// Bytes, at most; of more the end is not sent.
    pub bytes: u32,
}

impl Cluster {
    /// The newest lines of a container's log.
    ///
    /// # Errors
    /// See [`ClusterError`]; a container that has not started is [`ClusterError::Refused`].
    pub async fn logs(&self, request: &LogRequest<'_>) -> Result<String, ClusterError> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), request.namespace);
        let attempt = Attempt {
            verb: "reading the log of",
            kind: "Pod".to_owned(),
            namespace: Some(request.namespace.to_owned()),
            name: request.pod.to_owned(),
        };
        let params = LogParams {
            container: Some(request.container.to_owned()),
            tail_lines: Some(i64::from(request.lines)),
            limit_bytes: Some(i64::from(request.bytes)),
            ..LogParams::default()
        };
        self.call(&attempt, || pods.logs(request.pod, &params)).await
    }

    /// A container's log as it comes, byte for byte; only the beginning of the answer has a deadline.
    ///
    /// # Errors
    /// See [`ClusterError`]; [`ClusterError::Missing`] when there is no such pod, [`ClusterError::Refused`]
    /// when there is no such log.
    pub async fn stream_log(&self, request: &LogStream<'_>) -> Result<LogBytes, ClusterError> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), request.namespace);
        let attempt = Attempt {
            verb: "reading the log of",
            kind: "Pod".to_owned(),
            namespace: Some(request.namespace.to_owned()),
            name: request.pod.to_owned(),
        };
        let params = LogParams {
            container: request.container.map(str::to_owned),
            tail_lines: Some(i64::from(request.lines)),
            previous: request.run == ContainerRun::Previous,
            follow: request.follow,
            ..LogParams::default()
        };
        self.call(&attempt, || async {
            let bytes = pods.log_stream(request.pod, &params).await?;
            Ok(LogBytes(Box::pin(bytes)))
        })
        .await
    }
}

/// Which run of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerRun {
    /// The one that is under way, or was last.
    Current,
    /// The one before it.
    Previous,
}

/// Which log is streamed, from where.
#[derive(Debug, Clone, Copy)]
pub struct LogStream<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container; a pod that has one needs no name of it.
    pub container: Option<&'a str>,
    /// Newest lines to begin with.
    pub lines: u32,
    /// Of which run.
    pub run: ContainerRun,
    /// Whether what is written from now on comes too.
    pub follow: bool,
}

/// A log under way; dropping it ends the request.
pub struct LogBytes(Pin<Box<dyn AsyncBufRead + Send>>);

impl LogBytes {
    /// What came next; `None` at the end. A call that is dropped has taken nothing.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        poll_fn(|cx| {
            let chunk = ready!(self.0.as_mut().poll_fill_buf(cx))?.to_vec();
            self.0.as_mut().consume(chunk.len());
            Poll::Ready(Ok(Some(chunk).filter(|chunk| !chunk.is_empty())))
        })
        .await
    }
}

impl fmt::Debug for LogBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogBytes")
    }
}
