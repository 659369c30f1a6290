//! What a container wrote.

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
}
