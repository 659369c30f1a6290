//! The names of releases, registries and images as checked types.
//!
//! Each type has one maker, its `FromStr` (serde goes through it), which accepts the grammar of 10 §2 and
//! nothing else: a value is refused, never mended, so no unchecked text reaches a URL or the cluster.
//!
//! There is no other way to one:
//!
//! ```compile_fail
//! appliance_common::release::reference::Tag("../../other/manifests/x".to_owned());
//! ```

mod image;
mod naming;
mod registry;
mod text;

pub use image::{ImageRef, ImageRepository, ImageTag};
pub use naming::{ProfileName, Version};
pub use registry::{RegistryHost, Repository};
pub use text::GrammarError;

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use text::checked_text;

/// A channel: a tag that moves from release to release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Releases for everybody.
    #[default]
    Stable,
    /// Builds of the day.
    Nightly,
}

impl Channel {
    /// The tag of the channel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Nightly => "nightly",
        }
    }
}

impl FromStr for Channel {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        match text {
            "stable" => Ok(Self::Stable),
            "nightly" => Ok(Self::Nightly),
            _ => Err(GrammarError::new("channel", text, "stable or nightly")),
        }
    }
}

checked_text! {
    /// An OCI tag: a channel, a version, a build.
    Tag, "tag", "1 to 128 letters, digits, dots, underscores and dashes, not starting with a dot or dash",
    is_tag
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

checked_text! {
    /// A SHA-256 content digest, `sha256:` and 64 lower-case hex digits.
    Digest, "digest", "sha256: and 64 lower-case hex digits",
    is_digest
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

impl Digest {
    /// The digest of `bytes`.
    ///
    /// ```
    /// use appliance_common::release::reference::Digest;
    /// let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    /// assert_eq!(Digest::of(b"").as_str(), empty);
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(digest(&SHA256, bytes))))
    }
}

/// Which release is meant: what follows `/manifests/` in a registry URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// Whatever a channel points at.
    Channel(Channel),
    /// A version.
    Tag(Tag),
    /// Exactly one content.
    Digest(Digest),
}

impl Reference {
    /// What an operator's channel and release pin ask for together: the pin if there is one, else the
    /// channel, else `stable`. Both are trimmed, and both are checked.
    ///
    /// # Errors
    /// [`GrammarError`]; the text for a channel contains `Invalid channel`.
    pub fn from_inputs(channel: &str, release_ref: &str) -> Result<Self, GrammarError> {
        let channel = match channel.trim() {
            "" => Channel::default(),
            text => text.parse()?,
        };
        match release_ref.trim() {
            "" => Ok(Self::Channel(channel)),
            text => text.parse(),
        }
    }
}

impl FromStr for Reference {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        if let Ok(channel) = text.parse() {
            return Ok(Self::Channel(channel));
        }
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        text.parse().map(Self::Tag).map_err(|_: GrammarError| {
            GrammarError::new(
                "release reference",
                text,
                "a channel, a tag (such as 1.0.3), or sha256: and 64 lower-case hex digits",
            )
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => channel.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text::serde_as_text!(Channel);
text::serde_as_text!(Reference);

#[cfg(test)]
mod tests;
