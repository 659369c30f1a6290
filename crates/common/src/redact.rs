//! Takes secrets out of what is shown or kept: the values this box knows, however they are written, and whatever
//! looks like one. It would rather take too much.
//!
//! Text goes through line by line (`lines.rs` knows what reaches over lines). What was taken is replaced by `[REDACTED:rule]` and counted by rule; a value is never counted, logged or kept.

mod document;
mod keys;
mod lines;
mod literals;
mod rule;
mod spans;
mod stream;

pub use rule::{Counts, Rule};

pub use stream::Stream;

use literals::Literals;

/// What stands where a secret was, up to the name of the rule.
const MASK: &str = "[REDACTED";

/// The secret values of this box, and what looks like one; never shown.
///
/// ```
/// use appliance_common::redact::Redactor;
///
/// let redactor = Redactor::new([("DB_PASSWORD", b"hunter2x".as_slice())]);
/// assert_eq!(redactor.text("trying hunter2x").as_str(), "trying [REDACTED:literal]");
/// ```
pub struct Redactor {
    literals: Literals,
    further: Option<Box<dyn Further>>,
}

/// Rules of the caller's, for text that has none of the known secrets any more.
pub trait Further: Send + Sync {
    /// Appends what of one line may be shown, with its end if it has one. A line has no end when it is the last, or
    /// when it was too long to be held as a whole.
    fn line(&self, line: &str, out: &mut String, counts: &mut Counts);
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Knows these values by the keys they have; harmless ones (names, addresses, switches) are left out.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self {
            literals: Literals::new(secrets),
            further: None,
        }
    }

    /// Goes on with these rules where its own end.
    #[must_use]
    pub fn then(mut self, further: Option<Box<dyn Further>>) -> Self {
        self.further = further;
        self
    }

    /// Text of any kind: a log, a file, what a program printed.
    #[must_use]
    pub fn text(&self, text: &str) -> Redacted {
        let mut stream = self.stream();
        let mut out = String::with_capacity(text.len());
        stream.push(text.as_bytes(), &mut out);
        stream.finish(&mut out);
        Redacted {
            text: out,
            counts: stream.into_counts(),
        }
    }

    /// Text of any length, piece by piece; where the pieces end changes nothing.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(&self.literals, self.further.as_deref())
    }

    /// A document: values of Secrets and of sensitive keys whatever their type, what is left out of every object, and
    /// each text as [`Redactor::text`]. It stays a document of the same shape.
    pub fn document(&self, document: &mut serde_json::Value) -> Counts {
        let mut counts = Counts::default();
        document::mask(self, document, &mut counts);
        counts
    }

    /// A document without its secrets, indented.
    #[must_use]
    pub fn json(&self, mut document: serde_json::Value) -> Redacted {
        let counts = self.document(&mut document);
        // A value has no keys that are no texts, so that writing it does not fail.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        Redacted { text, counts }
    }

    /// A document without its secrets, on one line, with the line's end.
    #[must_use]
    pub fn json_line(&self, mut document: serde_json::Value) -> Redacted {
        let counts = self.document(&mut document);
        Redacted {
            text: format!("{document}\n"),
            counts,
        }
    }

    /// Whether one of the known values is in these bytes, in any form in which it may be written.
    #[must_use]
    pub fn knows_of(&self, bytes: &[u8]) -> bool {
        self.literals.are_in(bytes)
    }

    /// Bytes by which two pieces must overlap so that [`Redactor::knows_of`] misses nothing between them.
    #[must_use]
    pub fn overlap(&self) -> usize {
        self.literals.longest()
    }
}

/// Text without secrets. Only a [`Redactor`] makes one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    text: String,
    counts: Counts,
}

impl Redacted {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds another text behind it.
    pub fn join(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.counts.add(&other.counts);
    }

    /// The text, kept.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// How much was taken out, by which rule.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

#[cfg(test)]
mod tests;
