//! The one connection to the cluster that all readers share.

use std::sync::Arc;

use appliance_common::cluster::{Cluster, ClusterError, ClusterSource};
use appliance_common::meter::Meter;
use tokio::sync::Mutex;

use crate::watched::Stamp;

/// Opens the cluster when it is first needed, and anew when its kubeconfig has changed. A failure is not
/// kept: the next reader tries again.
#[derive(Debug)]
pub(super) struct Connection {
    source: ClusterSource,
    open: Mutex<Option<(Option<Stamp>, Opened)>>,
}

#[derive(Clone)]
struct Opened(Cluster);

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Connection {
    pub(super) fn new(source: ClusterSource) -> Self {
        Self {
            source,
            open: Mutex::new(None),
        }
    }

    pub(super) async fn get(&self) -> Result<Cluster, ClusterError> {
        // Before the file is read: a change in between is seen by the next reader.
        let stamp = Stamp::of(self.source.kubeconfig()).ok().flatten();
        let mut open = self.open.lock().await;
        if let Some((seen, Opened(cluster))) = &*open
            && *seen == stamp
        {
            return Ok(cluster.clone());
        }
        *open = None;
        let cluster = self.source.open(Arc::new(Meter::default())).await?;
        *open = Some((stamp, Opened(cluster.clone())));
        Ok(cluster)
    }
}

#[cfg(test)]
mod tests {
    use appliance_common::state_file::replace;

    use super::*;

    fn kubeconfig(server: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
             users: [{{name: c, user: {{token: t}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n"
        )
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_a_new_kubeconfig_counts_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        let connection = Connection::new(ClusterSource::new(&path));
        assert!(matches!(
            connection.get().await,
            Err(ClusterError::NotConfigured { .. })
        ));
        replace(&path, kubeconfig("http://127.0.0.1:1").as_bytes(), 0o600).unwrap();
        connection.get().await.unwrap();
        let first = connection.open.lock().await.as_ref().unwrap().0;
        connection.get().await.unwrap();
        assert_eq!(connection.open.lock().await.as_ref().unwrap().0, first);
        replace(&path, b"not: [a kubeconfig", 0o600).unwrap();
        assert!(connection.get().await.is_err());
        replace(&path, kubeconfig("http://127.0.0.1:2").as_bytes(), 0o600).unwrap();
        connection.get().await.unwrap();
        assert_ne!(connection.open.lock().await.as_ref().unwrap().0, first);
    }
}
