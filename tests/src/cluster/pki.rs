//! Keys and certificates of one cluster, made anew for each.

use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::files;

/// File names inside the cluster's directory.
pub(super) const CA: &str = "ca.crt";
pub(super) const CERTIFICATE: &str = "server.crt";
pub(super) const KEY: &str = "server.key";
pub(super) const SERVICE_ACCOUNT_KEY: &str = "service-account.key";
pub(super) const SERVICE_ACCOUNT_PUBLIC_KEY: &str = "service-account.pub";

/// Writes a CA, a server pair for loopback signed by it, and the pair for service account tokens.
///
/// Gives the CA's certificate as PEM.
pub(super) fn write(dir: &Path) -> Result<String> {
    let ca_key = KeyPair::generate().context("making the CA key")?;
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "alga-test-ca");
    let ca_pem = ca.self_signed(&ca_key).context("signing the CA")?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate().context("making the server key")?;
    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let server = CertificateParams::new(names).context("naming the server")?;
    let server_pem = server
        .signed_by(&key, &issuer)
        .context("signing the server certificate")?
        .pem();
    let accounts = KeyPair::generate().context("making the service account key")?;

    files::write(&dir.join(CA), ca_pem.as_bytes())?;
    files::write(&dir.join(CERTIFICATE), server_pem.as_bytes())?;
    files::write(&dir.join(KEY), key.serialize_pem().as_bytes())?;
    files::write(
        &dir.join(SERVICE_ACCOUNT_KEY),
        accounts.serialize_pem().as_bytes(),
    )?;
    files::write(
        &dir.join(SERVICE_ACCOUNT_PUBLIC_KEY),
        accounts.public_key_pem().as_bytes(),
    )?;
    Ok(ca_pem)
}
