//! References to images and artifacts that name their registry.

use super::registry::{RegistryHost, Repository, is_registry, is_repository};
use super::text::checked_text;
use super::{Digest, Tag, is_digest, is_tag};

checked_text! {
    /// A registry and a repository in it, without a tag, such as `ghcr.io/nine-minds/alga-appliance-config`.
    ImageRepository, "image repository", "registry/repository without scheme, tag or digest",
    is_image_repository
}

fn is_image_repository(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(registry, repository)| is_registry(registry) && is_repository(repository))
}

impl ImageRepository {
    /// The registry it is in.
    #[must_use]
    pub fn registry(&self) -> RegistryHost {
        let end = self.0.find('/').unwrap_or(self.0.len());
        RegistryHost(self.0[..end].to_owned())
    }

    /// The same repository without the registry.
    #[must_use]
    pub fn path(&self) -> Repository {
        let start = self.0.find('/').map_or(0, |slash| slash + 1);
        Repository(self.0[start..].to_owned())
    }
}

checked_text! {
    /// What a chart takes as an image's tag: a tag, or a tag and the digest it stood for.
    ImageTag, "image tag", "a tag, or a tag and @sha256:… after it",
    is_image_tag
}

fn is_image_tag(text: &str) -> bool {
    match text.split_once('@') {
        Some((tag, digest)) => is_tag(tag) && is_digest(digest),
        None => is_tag(text),
    }
}

checked_text! {
    /// An image: its repository with a tag, a digest, or both.
    ImageRef, "image reference", "registry/repository with a tag, a digest, or both",
    is_image_ref
}

fn is_image_ref(text: &str) -> bool {
    let (repository, tag, digest) = split(text);
    is_image_repository(repository)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
        && (tag.is_some() || digest.is_some())
}

/// Repository, tag and digest. The colon of a tag comes after the last slash, that of a port before it.
fn split(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let path = named.rfind('/').unwrap_or(0);
    match named[path..].find(':') {
        Some(colon) => (&named[..path + colon], Some(&named[path + colon + 1..]), digest),
        None => (named, None, digest),
    }
}

impl ImageRef {
    /// The registry and repository, without tag and digest.
    #[must_use]
    pub fn repository(&self) -> ImageRepository {
        ImageRepository(split(self.as_str()).0.to_owned())
    }

    /// The tag, if the image has one.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        split(self.as_str()).1.map(|tag| Tag(tag.to_owned()))
    }

    /// The digest, if the image is pinned.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        split(self.as_str()).2.map(|digest| Digest(digest.to_owned()))
    }
}
