//! What all checked texts share: the error, and the one maker.

use std::fmt::Write;

/// Longest part of a refused value that an error repeats.
const SHOWN: usize = 80;

/// A text that does not have the form it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid {what} {shown}: expected {expected}")]
pub struct GrammarError {
    what: &'static str,
    shown: String,
    expected: &'static str,
}

impl GrammarError {
    pub(super) fn new(what: &'static str, value: &str, expected: &'static str) -> Self {
        // Quoted and escaped: the value may hold anything, and the message ends up on a page.
        let mut shown = format!("{:?}", value.chars().take(SHOWN).collect::<String>());
        if value.chars().nth(SHOWN).is_some() {
            let _ = write!(shown, "…");
        }
        Self {
            what,
            shown,
            expected,
        }
    }
}

/// A newtype over `String` whose only maker is `FromStr` with the predicate given.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(in $crate::release::reference) String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::release::reference::GrammarError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if $valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::release::reference::GrammarError::new($what, text, $expected))
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::release::reference::text::serde_as_text!($name);
    };
}

/// Serde through `Display` and `FromStr`, so that a document cannot hold what the grammar refuses.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {checked_text, serde_as_text};
