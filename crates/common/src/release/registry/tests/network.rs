//! Names, certificates and proxies.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const NAME: &str = "registry.test";

/// A DNS server that knows one name: every A question is answered with `address`, others with nothing.
async fn dns(address: Ipv4Addr) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let bound = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 512];
        while let Ok((_, peer)) = socket.recv_from(&mut packet).await {
            // RFC 1035 §4.1: twelve bytes of header, the labels up to a zero, type and class.
            let labels = packet[12..].iter().position(|byte| *byte == 0).unwrap();
            let end = 12 + labels + 5;
            let asks_for_a = packet[end - 4..end - 2] == [0, 1];
            let mut reply = vec![
                packet[0],
                packet[1],
                0x81,
                0x80,
                0,
                1,
                0,
                u8::from(asks_for_a),
                0,
                0,
                0,
                0,
            ];
            reply.extend_from_slice(&packet[12..end]);
            if asks_for_a {
                reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                reply.extend_from_slice(&address.octets());
            }
            socket.send_to(&reply, peer).await.unwrap();
        }
    });
    bound
}

/// A TLS configuration for [`NAME`], and its certificate in PEM.
fn certificate() -> (Arc<ServerConfig>, String) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
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
        timeout: Duration::from_secs(2),
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
    let (config, pem) = certificate();
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let settings = RegistrySettings {
        dns: DnsPolicy::Custom(vec![dns(Ipv4Addr::LOCALHOST).await]),
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
    let (config, pem) = certificate();
    let server = WebServer::start_tls(config, |request| release().reply(request))
        .await
        .unwrap();
    let trusted = bundle(&pem);
    let registry = Registry::open(RegistrySettings {
        dns: DnsPolicy::Custom(vec![dns(Ipv4Addr::LOCALHOST).await]),
        ca_bundle: Some(trusted.path().to_owned()),
        ..settings(&format!("other.test:{}", server.address().port()))
    })
    .unwrap();
    assert_eq!(failure(&registry).await, ("manifest", "tls"));
}

#[tokio::test]
async fn a_name_that_no_resolver_knows_is_a_dns_failure_that_names_them() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = silent.local_addr().unwrap();
    drop(silent);
    let registry = Registry::open(RegistrySettings {
        dns: DnsPolicy::Custom(vec![server]),
        timeout: Duration::from_secs(8),
        ..settings("registry.test")
    })
    .unwrap();
    let error = registry.lookup().await.unwrap_err();
    assert_eq!(
        (error.operation().as_str(), error.category().as_str()),
        ("dns", "dns")
    );
    let text = chain(&error);
    assert!(
        text.contains("registry.test") && text.contains(&server.to_string()),
        "{text}"
    );
    assert_eq!(failure(&registry).await, ("manifest", "dns"));
}

#[tokio::test]
async fn a_closed_port_is_a_connect_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        failure(&registry_at(&address.to_string())).await,
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
async fn proxy(target: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = listener.local_addr().unwrap();
    let (asked, told) = tokio::sync::mpsc::unbounded_channel();
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
    let (config, pem) = certificate();
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
