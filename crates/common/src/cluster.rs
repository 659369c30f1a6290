//! The Kubernetes API as the appliance uses it: one client, reads that say why they failed, waits on
//! named conditions, and one `apply` through which every write goes.

mod access;
mod awaited;
mod call;
mod connect;
mod error;
mod exec;
mod follow;
mod logs;
mod manifest;
mod pages;
mod raw;
mod read;
mod rollout;
mod said;
mod wait;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};

use crate::meter::Meter;

pub use access::Access;
pub use connect::{ClusterSource, InPod};
pub use error::{Attempt, ClusterError};
pub use exec::{ExecEnd, ExecOutput, ExecRequest};
pub(crate) use follow::Changes;
pub use follow::{Follow, Followed};
pub use logs::{ContainerRun, LogBytes, LogRequest, LogStream};
pub use manifest::{ManifestError, ManifestObject, manifest_objects};
pub use pages::{Listed, Unclear};
pub use raw::{Lines, RawError};
pub use rollout::rolled_out;
pub use said::Said;
pub use wait::{Judgement, Wait};
pub use write::{Created, Owner};

/// A connection to one API server. Cheap to clone; every call has a deadline and is metered.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    limit: Duration,
    meter: Arc<Meter>,
    /// Whether the server gives what there is in the same request as its changes, as far as is known.
    streams_lists: Arc<AtomicBool>,
}

impl Cluster {
    /// Wraps a client; `limit` is the deadline of one call, with all its retries.
    #[must_use]
    pub fn new(client: Client, limit: Duration, meter: Arc<Meter>) -> Self {
        Self {
            client,
            limit,
            meter,
            streams_lists: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Requests made and time spent waiting.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The kind's endpoint, below a namespace when there is one.
    fn api(&self, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}

#[cfg(test)]
mod tests;
