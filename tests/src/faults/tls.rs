//! Both ends of TLS for a proxy before the API server: a pair of our own in front, its CA behind.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a proxy shows its clients, and what they must trust.
pub(crate) struct Front {
    /// The end that clients meet. It offers no HTTP/2, so every request is seen one by one.
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate, which is its own authority.
    pub(super) ca_pem: String,
}

/// A fresh pair for loopback.
pub(crate) fn front() -> Result<Front> {
    let key = KeyPair::generate().context("making the proxy's key")?;
    let params = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])
        .context("naming the proxy")?;
    let certificate = params
        .self_signed(&key)
        .context("signing the proxy's certificate")?;
    let key_der = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key_der)
        .context("preparing the proxy's TLS")?;
    Ok(Front {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca_pem: certificate.pem(),
    })
}

/// A way to a server on loopback that `ca_pem` vouches for.
pub(super) fn back(ca_pem: &[u8]) -> Result<(TlsConnector, ServerName<'static>)> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem).context("reading the cluster's CA")?)
        .context("trusting the cluster's CA")?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
