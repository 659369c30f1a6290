//! Names, certificates and proxies.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const NAME: &str = "registry.test";

/// What the DNS server of a test knows about [`NAME`]; it knows no other name.
#[derive(Clone, Copy, Default)]
struct Zone {
    a: &'static [Ipv4Addr],
    aaaa: &'static [Ipv6Addr],
}

const HERE: Zone = Zone {
    a: &[Ipv4Addr::LOCALHOST],
    aaaa: &[],
};

/// Starts a DNS server; the channel tells the types that were asked for.
async fn dns(zone: Zone) -> (DnsPolicy, UnboundedReceiver<u8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let bound = socket.local_addr().unwrap();
    let (asked, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut packet = [0; 512];
        while let Ok((_, peer)) = socket.recv_from(&mut packet).await {
            // The receiver is gone when a test does not care.
            let _ = asked.send(question(&packet).1);
            socket.send_to(&dns_answer(zone, &packet), peer).await.unwrap();
        }
    });
    (DnsPolicy::Custom(vec![bound]), told)
}

/// The question's bytes and its type (RFC 1035 §4.1: after twelve bytes of header come the labels up to a
/// zero, the type and the class).
fn question(packet: &[u8]) -> (&[u8], u8) {
    let end = 12 + packet[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    (&packet[12..end], packet[end - 3])
}

fn dns_answer(zone: Zone, packet: &[u8]) -> Vec<u8> {
    let (question, kind) = question(packet);
    let known = question
        .to_ascii_lowercase()
        .starts_with(b"\x08registry\x04test\0");
    let data: Vec<Vec<u8>> = match kind {
        1 if known => zone.a.iter().map(|ip| ip.octets().to_vec()).collect(),
        28 if known => zone.aaaa.iter().map(|ip| ip.octets().to_vec()).collect(),
        _ => Vec::new(),
    };
    let (no_such_name, count) = (if known { 0 } else { 3 }, u8::try_from(data.len()).unwrap());
    let mut reply = vec![
        packet[0],
        packet[1],
        0x81,
        0x80 | no_such_name,
        0,
        1,
        0,
        count,
        0,
        0,
        0,
        0,
    ];
    reply.extend_from_slice(question);
    for address in data {
        let length = u8::try_from(address.len()).unwrap();
        reply.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length]);
        reply.extend_from_slice(&address);
    }
    reply
}

/// A TLS configuration for a name, and its certificate in PEM.
fn certificate(name: &str) -> (Arc<ServerConfig>, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), made.cert.pem())
}

fn settings(host: &str) -> RegistrySettings {
    RegistrySettings {
        timeout: PATIENT,
        ..RegistrySettings::new(
            host.parse().unwrap(),
            "nine-minds/alga-appliance-release".parse().unwrap(),
        )
    }
}

fn bundle(pem: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn a_private_registry_is_found_by_the_custom_resolver_and_trusted_by_the_bundle() {
    let (config, pem) = certificate(NAME);
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let settings = RegistrySettings {
        dns: dns(HERE).await.0,
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(&format!("{NAME}:{}", server.address().port()))
    };
    let registry = Registry::open(settings.clone()).unwrap();
    assert_eq!(
        registry.lookup().await.unwrap(),
        [IpAddr::V4(Ipv4Addr::LOCALHOST)]
    );
    registry.probe().await.unwrap();
    assert_eq!(stable(&registry).await.unwrap().release.version, "1.0.3");

    let registry = Registry::open(RegistrySettings {
        ca_bundle: None,
        ..settings
    })
    .unwrap();
    assert_eq!(failure(&registry).await, ("manifest", "tls"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_enough() {
    let (config, pem) = certificate("other.test");
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let registry = Registry::open(RegistrySettings {
        dns: dns(HERE).await.0,
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(&format!("{NAME}:{}", server.address().port()))
    })
    .unwrap();
    assert_eq!(failure(&registry).await, ("manifest", "tls"));
}

#[tokio::test]
async fn a_name_that_no_resolver_knows_is_a_dns_failure_that_names_them() {
    let (policy, _) = dns(HERE).await;
    let server = policy.servers()[0].to_string();
    let registry = Registry::open(RegistrySettings {
        dns: policy,
        ..settings("unknown.test")
    })
    .unwrap();
    let error = registry.lookup().await.unwrap_err();
    assert_eq!(
        (error.operation().as_str(), error.category().as_str()),
        ("dns", "dns")
    );
    let text = chain(&error);
    assert!(
        text.contains("unknown.test has no address") && text.contains(&server),
        "{text}"
    );
    assert_eq!(failure(&registry).await, ("manifest", "dns"));
}

#[tokio::test(start_paused = true)]
async fn resolvers_that_do_not_answer_are_named_before_the_deadline() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = silent.local_addr().unwrap();
    let registry = Registry::open(RegistrySettings {
        dns: DnsPolicy::Custom(vec![server]),
        timeout: DEFAULT_TIMEOUT,
        ..settings(NAME)
    })
    .unwrap();
    let started = tokio::time::Instant::now();
    let error = registry.lookup().await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("no answer from {server}")),
        "{error}"
    );
    assert!(started.elapsed() < DEFAULT_TIMEOUT, "{:?}", started.elapsed());
}

#[tokio::test]
async fn six_is_asked_for_only_if_there_is_no_four() {
    const SIX: &[Ipv6Addr] = &[Ipv6Addr::LOCALHOST];
    for (zone, found, types) in [
        (
            Zone { aaaa: SIX, ..HERE },
            IpAddr::from(Ipv4Addr::LOCALHOST),
            vec![1],
        ),
        (
            Zone { a: &[], aaaa: SIX },
            Ipv6Addr::LOCALHOST.into(),
            vec![1, 28],
        ),
    ] {
        let (policy, mut asked) = dns(zone).await;
        let registry = Registry::open(RegistrySettings {
            dns: policy,
            ..settings(NAME)
        })
        .unwrap();
        assert_eq!(registry.lookup().await.unwrap(), [found]);
        let seen: Vec<u8> = std::iter::from_fn(|| asked.try_recv().ok()).collect();
        assert_eq!(seen, types);
    }
}

#[tokio::test]
async fn every_address_of_the_registry_is_tried() {
    // Nothing listens on the first address: the server is bound to 127.0.0.1 only.
    const BOTH: &[Ipv4Addr] = &[Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST];
    let (config, pem) = certificate(NAME);
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let zone = Zone { a: BOTH, aaaa: &[] };
    let registry = Registry::open(RegistrySettings {
        dns: dns(zone).await.0,
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(&format!("{NAME}:{}", server.address().port()))
    })
    .unwrap();
    assert!(stable(&registry).await.is_ok());
}

#[tokio::test]
async fn a_registry_of_this_machine_may_speak_tls_too() {
    let (config, pem) = certificate("localhost");
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let settings = RegistrySettings {
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(&format!("localhost:{}", server.address().port()))
    };
    let registry = Registry::open(settings.clone()).unwrap();
    assert!(stable(&registry).await.is_ok());
    assert_eq!(server.requests().len(), 2);

    let registry = Registry::open(RegistrySettings {
        ca_bundle: None,
        ..settings
    })
    .unwrap();
    assert_eq!(failure(&registry).await, ("manifest", "tls"));
}

#[tokio::test]
async fn a_closed_port_is_a_connect_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        failure(&registry_at(&address.to_string(), PATIENT)).await,
        ("manifest", "connect")
    );
}

#[tokio::test]
async fn a_literal_address_needs_no_resolver() {
    let literal = |host: &str| {
        Registry::open(RegistrySettings {
            dns: DnsPolicy::Custom(Vec::new()),
            ..settings(host)
        })
    };
    let found = literal("10.0.0.5:5000").unwrap().lookup().await.unwrap();
    assert_eq!(found, ["10.0.0.5".parse::<IpAddr>().unwrap()]);
    let found = literal("[fd00::5]").unwrap().lookup().await.unwrap();
    assert_eq!(found, ["fd00::5".parse::<IpAddr>().unwrap()]);
}

/// A proxy that knows one way, to `target`, and tells what it was asked for.
async fn proxy(target: SocketAddr) -> (SocketAddr, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = listener.local_addr().unwrap();
    let (asked, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut client = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                client.read_line(&mut head).await.unwrap();
            }
            asked.send(head).unwrap();
            client.write_all(b"HTTP/1.1 200 Go\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (bound, told)
}

#[tokio::test]
async fn a_registry_that_only_the_proxy_can_reach_is_reached_through_it() {
    let (config, pem) = certificate(NAME);
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let (proxy, mut asked) = proxy(server.address()).await;
    let trusted = bundle(&pem);
    let registry = Registry::open(RegistrySettings {
        dns: DnsPolicy::Custom(Vec::new()),
        proxy: ProxySettings {
            https_proxy: Some(format!("http://user:pass@{proxy}")),
            no_proxy: Some("elsewhere.test".into()),
        },
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(NAME)
    })
    .unwrap();
    assert!(
        registry.lookup().await.unwrap().is_empty(),
        "the proxy resolves the name"
    );
    assert_eq!(stable(&registry).await.unwrap().release.version, "1.0.3");
    let head = asked.recv().await.unwrap();
    assert!(
        head.starts_with("CONNECT registry.test:443 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("proxy-authorization: basic"),
        "{head}"
    );
}
