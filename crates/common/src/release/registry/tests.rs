//! The pull against a server that does what no good registry does. What a good one does is tested against
//! a real registry elsewhere.

mod hostile;
mod network;
mod redirects;
mod tokens;

use std::time::{Duration, Instant};

use super::*;
use crate::process::chain;
use crate::testing::{Published, Reply, Request, WebServer};

/// Deadline of one request where it must not matter, on a busy machine either.
const PATIENT: Duration = Duration::from_secs(10);
/// Deadline of one request where it is what is tested.
const IMPATIENT: Duration = Duration::from_millis(300);

fn release() -> Published {
    Published::new(
        r#"{"version":"1.0.3","images":{"algaCore":"a"},"config":{"repository":"r","digest":"d"}}"#,
    )
}

/// A server, and the registry client for it.
async fn serving(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (WebServer, Registry) {
    let server = WebServer::start(script).await.unwrap();
    let registry = registry_at(&server.address().to_string(), PATIENT);
    (server, registry)
}

/// The same with a short deadline.
async fn serving_impatiently(
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (WebServer, Registry) {
    let server = WebServer::start(script).await.unwrap();
    let registry = registry_at(&server.address().to_string(), IMPATIENT);
    (server, registry)
}

fn registry_at(host: &str, timeout: Duration) -> Registry {
    Registry::open(RegistrySettings {
        timeout,
        ..RegistrySettings::new(
            host.parse().unwrap(),
            "nine-minds/alga-appliance-release".parse().unwrap(),
        )
    })
    .unwrap()
}

async fn stable(registry: &Registry) -> Result<Resolved, RegistryError> {
    registry.resolve(&"stable".parse().unwrap()).await
}

/// Operation and category of the failure to resolve `stable`.
async fn failure(registry: &Registry) -> (&'static str, &'static str) {
    let error = stable(registry).await.unwrap_err();
    assert!(!error.next_step().is_empty());
    (error.operation().as_str(), error.category().as_str())
}

fn targets(server: &WebServer) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect()
}

fn is_manifest(request: &Request) -> bool {
    request.target.contains("/manifests/")
}

fn is_blob(request: &Request) -> bool {
    request.target.contains("/blobs/")
}

#[tokio::test]
async fn a_release_is_pulled_verified_and_survives_being_stored() {
    let published = release();
    let (server, registry) = serving({
        let published = published.clone();
        move |request| published.reply(request)
    })
    .await;
    let resolved = stable(&registry).await.unwrap();
    assert_eq!(resolved.manifest_digest, Digest::of(&published.manifest));
    assert_eq!(resolved.config_digest, Digest::of(&published.config));
    assert_eq!(resolved.release.version, "1.0.3");
    assert_eq!(resolved.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(server.requests().len(), 2, "no token was asked for");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.header("accept-encoding") == Some("identity"))
    );

    let json = serde_json::to_string(&resolved.to_stored()).unwrap();
    let stored: StoredRelease = serde_json::from_str(&json).unwrap();
    assert_eq!(Resolved::from_stored(stored).unwrap(), resolved);

    let tampered = serde_json::from_str(&json.replace("1.0.3", "6.6.6")).unwrap();
    assert!(matches!(
        Resolved::from_stored(tampered),
        Err(StoredError::Changed { .. })
    ));
}

#[tokio::test]
async fn a_probe_wants_200_or_401() {
    for (status, works) in [(200, true), (401, true), (403, false), (404, false), (500, false)] {
        let (_server, registry) = serving(move |_| Reply::status(status)).await;
        assert_eq!(registry.probe().await.is_ok(), works, "{status}");
    }
}
