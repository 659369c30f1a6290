//! The harness itself: its servers start, serve and go.

use std::path::Path;
use std::time::{Duration, Instant};

use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;

fn tools() -> Tools {
    Tools::ensure(&|progress| eprintln!("{progress}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_is_up_in_seconds_and_gone_with_its_handle() {
    let tools = tools();
    let started = Instant::now();
    let cluster = TestCluster::start(&tools, Parts::Api).await.unwrap();
    eprintln!("up after {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(30));
    let version = cluster.client().await.unwrap().apiserver_version().await.unwrap();
    assert_eq!(version.platform, "linux/amd64");
    let (pids, dir) = (cluster.process_ids(), cluster.dir().to_owned());
    drop(cluster);
    assert_eq!(pids.len(), 2);
    assert!(
        pids.iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    );
    assert!(!dir.exists());
}
