//! What a namespace, a pod and a container may be called (RFC 1123); checked before anything is asked.

/// Longest label.
const MAX_LABEL: usize = 63;
/// Longest name of labels and dots.
const MAX_NAME: usize = 253;

/// Text that is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not a name: {rule}")]
pub struct NameError {
    /// Whose name it was to be.
    pub what: &'static str,
    /// What such a name looks like.
    pub rule: &'static str,
}

/// The name of a namespace: one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceName(String);

/// The name of a pod: labels with dots between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodName(String);

/// The name of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerName(String);

/// Which namespaces a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Every,
    /// This one.
    One(NamespaceName),
}

impl NamespaceName {
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        named(text, is_label(text), NamespaceName).ok_or(NameError {
            what: "namespace",
            rule: "1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
        })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PodName {
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_name = text.len() <= MAX_NAME && text.split('.').all(is_label);
        named(text, is_name, PodName).ok_or(NameError {
            what: "pod",
            rule: "up to 253 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends of \
                   each part",
        })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ContainerName {
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let is_name = (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(known);
        named(text, is_name, ContainerName).ok_or(NameError {
            what: "container",
            rule: "1 to 63 letters, digits, underscores, dots and hyphens",
        })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scope {
    /// `all` and `_all` are every namespace.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "all" | "_all" => Ok(Self::Every),
            one => NamespaceName::parse(one).map(Self::One),
        }
    }

    /// The one namespace; `None` for all of them.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Every => None,
            Self::One(name) => Some(name.as_str()),
        }
    }
}

fn named<T>(text: &str, is_name: bool, make: fn(String) -> T) -> Option<T> {
    is_name.then(|| make(text.to_owned()))
}

fn is_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_LABEL).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_what_kubernetes_takes_and_nothing_else() {
        let long = "a".repeat(64);
        let bad = [
            "",
            "a;rm",
            "Msp",
            "-x",
            "x-",
            "a b",
            "a/b",
            "a\0",
            "é",
            "..",
            long.as_str(),
        ];
        for text in bad {
            assert!(NamespaceName::parse(text).is_err(), "{text}");
            assert!(PodName::parse(text).is_err(), "{text}");
        }
        for text in ["msp", "0", "a-b", &long[1..]] {
            assert_eq!(NamespaceName::parse(text).unwrap().as_str(), text);
            assert_eq!(PodName::parse(text).unwrap().as_str(), text);
        }
        assert!(NamespaceName::parse("a.b").is_err());
        assert!(PodName::parse("db-0.x").is_ok());
        assert!(PodName::parse("a..b").is_err());
        let name = |length| vec!["a".repeat(62); 5].join(".")[..length].to_owned();
        assert!(PodName::parse(&name(252)).is_err(), "it ends in a dot");
        assert!(PodName::parse(&name(253)).is_ok());
        assert!(PodName::parse(&name(254)).is_err(), "it is too long");
        assert!(PodName::parse(&"a".repeat(300)).is_err());
        for (text, good) in [
            ("sebastian", true),
            ("A_b.c-1", true),
            ("", false),
            ("a;b", false),
        ] {
            assert_eq!(ContainerName::parse(text).is_ok(), good, "{text}");
        }
        assert!(ContainerName::parse(&long).is_err());
    }

    #[test]
    fn every_namespace_has_two_spellings() {
        assert_eq!(Scope::parse("all").unwrap().namespace(), None);
        assert_eq!(Scope::parse("_all").unwrap().namespace(), None);
        assert_eq!(Scope::parse("msp").unwrap().namespace(), Some("msp"));
        assert!(Scope::parse("_al").is_err());
    }

    proptest! {
        #[test]
        fn a_name_can_be_put_into_a_path_as_it_is(text in ".{0,300}") {
            if let Ok(name) = PodName::parse(&text) {
                prop_assert!(!name.as_str().contains(['/', '?', '%', '#', ' ']));
                prop_assert!(name.as_str().split('.').all(|part| !part.is_empty()));
            }
        }
    }
}
