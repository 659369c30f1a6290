//! How full the disk under the application's volumes is, as the host agent tells.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::local::Records;
use super::picture::Feed;

/// How often the agent is asked: a disk fills in minutes.
const EVERY: Duration = Duration::from_secs(30);

/// Asks now and then, until the task is dropped.
pub(super) async fn keep(records: Arc<dyn Records>, feed: Feed) {
    loop {
        let disk = records.data_disk().await;
        feed.send(move |picture| picture.show_disk(disk)).await;
        sleep(EVERY).await;
    }
}
