//! Which certificates are trusted: Mozilla's roots, built in, and the operator's own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::OutboundError;

/// Largest CA bundle that is read.
const MAX_BUNDLE: u64 = 4 * 1024 * 1024;

pub(super) fn client_config(ca_bundle: Option<&Path>) -> Result<ClientConfig, OutboundError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = ca_bundle {
        add_bundle(&mut roots, path).map_err(|source| OutboundError::CaBundle {
            path: path.to_owned(),
            source,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| OutboundError::Client {
            source: source.into(),
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Accepts whatever certificate the other side shows.
pub(super) fn unverified_config() -> Result<ClientConfig, OutboundError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| OutboundError::Client {
            source: source.into(),
        })?;
    let anybody = Arc::new(Anybody(provider));
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_no_client_auth())
}

/// Believes everybody who has the key of the certificate that they show.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn add_bundle(roots: &mut RootCertStore, path: &Path) -> io::Result<()> {
    let mut pem = Vec::new();
    File::open(path)?.take(MAX_BUNDLE + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_BUNDLE {
        return Err(io::Error::other(format!("more than {MAX_BUNDLE} bytes")));
    }
    let known = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.map_err(io::Error::other)?)
            .map_err(io::Error::other)?;
    }
    if roots.len() == known {
        return Err(io::Error::other("no certificate in it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn opened(contents: &[u8]) -> Result<ClientConfig, OutboundError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(contents).unwrap();
        client_config(Some(file.path()))
    }

    #[test]
    fn a_bundle_that_is_not_certificates_is_refused_by_name() {
        for bad in [
            b"".as_slice(),
            b"hello",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\n!\n",
        ] {
            assert!(matches!(opened(bad), Err(OutboundError::CaBundle { .. })));
        }
        let error = client_config(Some(Path::new("/nowhere/ca.pem")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
    }
}
