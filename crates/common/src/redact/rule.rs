//! Why something was taken out, and how often.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// Why something was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A value that this box knows to be secret.
    Literal,
    /// The value under a key whose name says so.
    Key,
    /// A value in a Secret.
    SecretObject,
    /// The credentials after `Bearer` or `Basic`.
    Scheme,
    /// The user and password of an address.
    Userinfo,
    /// A JSON web token.
    Jwt,
    /// A private key.
    PrivateKey,
    /// A token that some service makes in this form.
    Token,
    /// The setup token's form.
    SetupToken,
    /// A rule of the caller's, by the name it gave.
    Further(&'static str),
}

impl Rule {
    /// Its name in masks and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Key => "key",
            Self::SecretObject => "secret-object",
            Self::Scheme => "scheme",
            Self::Userinfo => "userinfo",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private-key",
            Self::Token => "token",
            Self::SetupToken => "setup-token",
            Self::Further(name) => name,
        }
    }

    /// What stands where something was.
    #[must_use]
    pub fn mask(self) -> String {
        format!("{}:{}]", super::MASK, self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How often something was taken out, by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Rule, usize>);

impl Counts {
    /// Counts one.
    pub fn note(&mut self, rule: Rule) {
        *self.0.entry(rule).or_default() += 1;
    }

    /// Adds those of another text.
    pub fn add(&mut self, other: &Self) {
        for (rule, count) in &other.0 {
            *self.0.entry(*rule).or_default() += count;
        }
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}
