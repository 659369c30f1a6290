//! The edge to the network, against servers of our own.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::PrivateKeyDer;
use tokio::time::Instant;
use tokio_rustls::rustls::ServerConfig;
use url::Url;

use super::*;
use crate::clock::Clock;
use crate::outbound::{DnsPolicy, OutboundSettings};
use crate::preflight::network::{Targets, ask};
use crate::preflight::{Scope, run};
use crate::testing::{Reply as Scripted, WebServer};

const SOON: Duration = Duration::from_secs(5);

fn clock() -> Clock {
    Clock::from_fn(now)
}

fn targets(url: &str) -> Targets {
    Targets {
        registry: Url::parse(url).unwrap(),
        license_service: None,
        outbound: OutboundSettings::default(),
        request_limit: crate::preflight::LIMIT,
    }
}

async fn report(targets: &Targets) -> Report {
    let network = ask(targets, &clock(), Instant::now() + SOON).await;
    let facts = Facts {
        stage: Stage::InCluster,
        host: HostFacts::unseen("not looked at"),
        network,
        at: now(),
    };
    Report::of(&facts, &[])
}

#[tokio::test]
async fn each_server_is_asked_once_and_its_date_is_compared() {
    let date = crate::preflight::checks::http_date("2026-03-04T04:00:00Z".parse().unwrap());
    let registry = WebServer::start(move |_| Scripted::ok("{}").header("Date", date.clone()))
        .await
        .unwrap();
    let license = WebServer::start(|_| Scripted::status(404)).await.unwrap();
    let targets = Targets {
        license_service: Some(Url::parse(&format!("http://{}/", license.address())).unwrap()),
        ..targets(&format!("http://{}/v2/", registry.address()))
    };
    let report = report(&targets).await;
    assert_eq!(
        report.check(FindingId::EgressRegistry).unwrap().outcome,
        Outcome::Pass
    );
    assert_eq!(
        report.check(FindingId::EgressLicenseService).unwrap().outcome,
        Outcome::Pass
    );
    let clock = report.check(FindingId::ClockSync).unwrap();
    assert_eq!(
        (clock.outcome, clock.measured.as_str()),
        (Outcome::Fail, "66 minutes ahead of the registry's")
    );
    assert_eq!((registry.requests().len(), license.requests().len()), (1, 1));
}

#[tokio::test]
async fn of_a_registry_that_is_an_address_no_dns_server_is_asked() {
    let asked = UdpSocket::bind("127.0.0.1:0").unwrap();
    asked.set_nonblocking(true).unwrap();
    let registry = WebServer::start(|_| Scripted::ok("{}")).await.unwrap();
    let mut targets = targets(&format!("http://{}/v2/", registry.address()));
    targets.outbound.dns = DnsPolicy::Custom(vec![asked.local_addr().unwrap()]);
    let report = report(&targets).await;
    for id in [
        FindingId::DnsServerAnswers,
        FindingId::DnsGhcr,
        FindingId::DnsWildcard,
    ] {
        let check = report.check(id).unwrap();
        assert_eq!(check.outcome, Outcome::Skipped, "{check:?}");
    }
    let heard = asked.recv(&mut [0; 512]).unwrap_err();
    assert_eq!(heard.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_page_in_the_registrys_place_is_a_captive_portal() {
    let portal = WebServer::start(|_| Scripted::redirect("http://login.example/"))
        .await
        .unwrap();
    let report = report(&targets(&format!("http://{}/v2/", portal.address()))).await;
    assert_eq!(
        report.check(FindingId::CaptivePortal).unwrap().outcome,
        Outcome::Fail
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_interception() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let server = WebServer::start_tls(Arc::new(config), |_| Scripted::ok("{}"))
        .await
        .unwrap();
    let report = report(&targets(&format!("https://{}/v2/", server.address()))).await;
    let tls = report.check(FindingId::TlsGhcr).unwrap();
    assert_eq!(tls.outcome, Outcome::Fail, "{tls:?}");
    assert!(tls.measured.contains("does not trust"), "{tls:?}");
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_is_named() {
    // It takes the questions and says nothing.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut targets = targets("https://registry.example.test/v2/");
    targets.outbound.dns = DnsPolicy::Custom(vec![address]);
    let report = report(&targets).await;
    let dns = report.check(FindingId::DnsServerAnswers).unwrap();
    assert_eq!(dns.outcome, Outcome::Fail, "{dns:?}");
    assert_eq!(
        dns.sentence(),
        format!("DNS server {address} does not answer for the registry")
    );
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_unknown_and_the_rest_is_judged() {
    let root = healthy();
    let registry = WebServer::start(|_| Scripted::silence()).await.unwrap();
    let scope = Scope {
        host_root: root.path().to_owned(),
        state_dir: root.path().to_owned(),
        stage: Stage::InCluster,
        network: Some(targets(&format!("http://{}/v2/", registry.address()))),
        times_writes: true,
        told: None,
        waived: Vec::new(),
    };
    let began = std::time::Instant::now();
    let report = run(&scope, &clock()).await;
    assert!(began.elapsed() < crate::preflight::LIMIT, "{:?}", began.elapsed());
    let registry = report.check(FindingId::EgressRegistry).unwrap();
    assert_eq!(
        (registry.outcome, registry.measured.as_str()),
        (Outcome::Unknown, "not finished within 10 s")
    );
    assert_eq!(
        report.check(FindingId::HostnameValid).unwrap().outcome,
        Outcome::Pass
    );
}

#[tokio::test]
async fn all_servers_are_asked_at_the_same_time() {
    use std::sync::Barrier;
    // Each answers only once the other has been asked too.
    let both = Arc::new(Barrier::new(2));
    let start = |both: Arc<Barrier>| {
        WebServer::start(move |_| {
            let both = Arc::clone(&both);
            tokio::task::block_in_place(|| both.wait());
            Scripted::ok("{}")
        })
    };
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let registry = start(Arc::clone(&both)).await.unwrap();
            let license = start(both).await.unwrap();
            let targets = Targets {
                license_service: Some(Url::parse(&format!("http://{}/", license.address())).unwrap()),
                ..targets(&format!("http://{}/v2/", registry.address()))
            };
            report(&targets).await
        })
    });
    let report = asked.join().unwrap();
    assert_eq!(
        report.check(FindingId::EgressRegistry).unwrap().outcome,
        Outcome::Pass
    );
    assert_eq!(
        report.check(FindingId::EgressLicenseService).unwrap().outcome,
        Outcome::Pass
    );
}
