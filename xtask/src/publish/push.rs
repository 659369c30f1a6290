//! The registry's side of publishing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use appliance_common::release::reference::{Digest, RegistryHost};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use reqwest::header::HeaderValue;
use tokio::time::timeout;

use super::artifact::Artifact;

/// Longest time one artifact may take.
const PUSH_LIMIT: Duration = Duration::from_mins(2);

/// Longest silence of the registry.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// A client of one registry.
pub(super) struct Pusher {
    client: Client,
    registry: RegistryHost,
    auth: RegistryAuth,
}

impl Pusher {
    pub(super) fn new(registry: &RegistryHost, auth: RegistryAuth) -> Self {
        // An error says that a provider is installed already: the same one, the tree has no other.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let transport = if registry.is_loopback() {
            ClientConfig {
                protocol: ClientProtocol::Http,
                // Without a proxy of its own the client would take the environment's.
                http_proxy: Some(format!("http://{registry}")),
                no_proxy: Some("*".to_owned()),
                ..ClientConfig::default()
            }
        } else {
            ClientConfig::default()
        };
        let client = Client::new(ClientConfig {
            read_timeout: Some(SILENCE_LIMIT),
            connect_timeout: Some(SILENCE_LIMIT),
            user_agent: "alga-appliance-publish",
            ..transport
        });
        Self {
            client,
            registry: registry.clone(),
            auth,
        }
    }

    /// What the registry holds under a tag, if anything.
    pub(super) async fn digest_of(&self, repository: &str, tag: &str) -> Result<Option<Digest>> {
        let reference = self.reference(repository, tag);
        let asked = self.client.fetch_manifest_digest(&reference, &self.auth);
        match timeout(SILENCE_LIMIT, asked).await {
            Ok(Ok(digest)) => Ok(Some(digest.parse()?)),
            Ok(Err(error)) if is_absent(&error) => Ok(None),
            Ok(Err(error)) => Err(anyhow!(error).context(format!("asking for {reference}"))),
            Err(_) => bail!("{reference} was not answered for within {SILENCE_LIMIT:?}"),
        }
    }

    /// Whether the artifact is there already. What is published under a version never changes, so
    /// other bytes under its tag are an error.
    pub(super) async fn holds(&self, artifact: &Artifact) -> Result<bool> {
        match self.digest_of(&artifact.repository, &artifact.tag).await? {
            Some(found) if found == artifact.digest => Ok(true),
            Some(found) => bail!(
                "{}/{}:{} is published already as {found}, and would become {}: raise its version",
                self.registry,
                artifact.repository,
                artifact.tag,
                artifact.digest
            ),
            None => Ok(false),
        }
    }

    /// Pushes the blobs, then the manifest under the artifact's own tag.
    pub(super) async fn push(&self, artifact: &Artifact) -> Result<()> {
        let reference = self.reference(&artifact.repository, &artifact.tag);
        self.client
            .store_auth_if_needed(reference.resolve_registry(), &self.auth)
            .await;
        for blob in &artifact.blobs {
            let pushed = self
                .client
                .push_blob(&reference, blob.bytes.clone(), &blob.descriptor.digest);
            timeout(PUSH_LIMIT, pushed)
                .await
                .with_context(|| format!("pushing {reference} took longer than {PUSH_LIMIT:?}"))?
                .with_context(|| format!("pushing {} of {reference}", blob.descriptor.digest))?;
        }
        self.tag(artifact, &artifact.tag).await
    }

    /// Lets `tag` name the artifact, whose blobs are there.
    pub(super) async fn tag(&self, artifact: &Artifact, tag: &str) -> Result<()> {
        let reference = self.reference(&artifact.repository, tag);
        let media_type = HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE);
        let pushed = self
            .client
            .push_manifest_raw(&reference, artifact.manifest.clone(), media_type);
        timeout(PUSH_LIMIT, pushed)
            .await
            .with_context(|| format!("tagging {reference} took longer than {PUSH_LIMIT:?}"))?
            .with_context(|| format!("pushing the manifest of {reference}"))?;
        Ok(())
    }

    fn reference(&self, repository: &str, tag: &str) -> Reference {
        Reference::with_tag(self.registry.to_string(), repository.to_owned(), tag.to_owned())
    }
}

fn is_absent(error: &OciDistributionError) -> bool {
    let absent = [OciErrorCode::ManifestUnknown, OciErrorCode::NameUnknown];
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| absent.contains(&error.code))
        }
        _ => false,
    }
}

/// The account to push with: none, or `user` and the password in `password_file`.
pub(super) fn account(user: Option<&str>, password_file: Option<&Path>) -> Result<RegistryAuth> {
    let (Some(user), Some(file)) = (user, password_file) else {
        return Ok(RegistryAuth::Anonymous);
    };
    let password =
        fs::read_to_string(file).with_context(|| format!("reading the password in {}", file.display()))?;
    Ok(RegistryAuth::Basic(
        user.to_owned(),
        password.trim_end().to_owned(),
    ))
}
