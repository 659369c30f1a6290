//! Following objects as they change, for callers that keep their own picture of them.

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

use super::Cluster;

/// Changes as they come; an error is a disturbance that passes or is told again.
pub(crate) type Changes = BoxStream<'static, Result<Event<DynamicObject>, watcher::Error>>;

impl Cluster {
    /// The objects of a kind that a field selector names, in every namespace: first all there are, then
    /// each change. After a disturbance it begins anew.
    pub(crate) fn follow(&self, resource: &ApiResource, fields: &str) -> Changes {
        // A list, then a watch.
        self.meter.count_request();
        self.meter.count_request();
        let config = watcher::Config::default().fields(fields);
        watcher(self.api(resource, None), config)
            .default_backoff()
            .boxed()
    }
}
