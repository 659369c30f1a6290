//! Killed at any request, a reconciliation goes on where it was, and leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use appliance_common::clock::Clock;
use appliance_common::cluster::ClusterSource;
use appliance_common::meter::Meter;
use appliance_common::storage::Storage;

use crate::scene::Scene;

/// Requests after which it is killed; the last ones lie beyond the end of a whole run.
const KILLS: [u64; 12] = [1, 5, 9, 13, 16, 18, 20, 22, 25, 28, 31, 60];
const POLL: Duration = Duration::from_millis(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_after_any_request_is_finished_by_the_next() -> Result<()> {
    let scene = Scene::start().await?;
    for (round, kill) in KILLS.into_iter().enumerate() {
        killed_after(&scene, kill).await?;
        if round % 4 == 3 {
            scene.converge().await??;
            scene.no_residue().await?;
            scene.clear().await?;
            let _ = std::fs::remove_file(scene.record());
        }
    }
    Ok(())
}

/// A whole runtime of its own is dropped: no task of it lives on to clean up.
async fn killed_after(scene: &Scene, requests: u64) -> Result<()> {
    let (settings, kubeconfig) = (scene.settings.clone(), scene.cluster.kubeconfig());
    let meter = Arc::new(Meter::default());
    let counted = Arc::clone(&meter);
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let run = runtime.spawn(async move {
            let cluster = ClusterSource::new(kubeconfig).open(counted).await?;
            let storage = Storage::new(cluster, settings, Clock::system());
            storage.converge(&|_| {}).await.map_err(anyhow::Error::from)
        });
        while meter.requests() < requests && !run.is_finished() {
            std::thread::sleep(POLL);
        }
        runtime.shutdown_background();
        anyhow::Ok(())
    })
    .await?
}

#[tokio::test]
async fn a_run_that_is_cancelled_during_its_test_cleans_up_and_keeps_the_lock_meanwhile() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.images.helper = "alga.test/hangs:1".parse().unwrap();
    let storage = scene.storage().await?;
    let run = tokio::spawn(async move { storage.converge(&|_| {}).await });
    while scene.namespaces().get_opt("storage-smoke").await?.is_none() {
        tokio::time::sleep(POLL).await;
    }
    run.abort();
    let _ = run.await;
    scene.settings.images.helper = "busybox:1.36".parse().unwrap();
    // As long as it takes until the pod is gone.
    scene.settings.lock_attempts = 600;
    scene.converge().await??;
    scene.no_residue().await
}
