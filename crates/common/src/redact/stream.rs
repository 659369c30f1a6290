//! Text of any length, piece by piece.

use super::Further;
use super::lines::{Lines, Sink};
use super::literals::{Literals, Unsearched};
use super::rule::Counts;

/// A text that is read once, in pieces; memory does not grow with it.
pub struct Stream<'a> {
    literals: &'a Literals,
    further: Option<&'a dyn Further>,
    /// What is shown, and has not gone through the caller's rules because its line is not whole.
    shown: String,
    /// The beginning of a character.
    bytes: Vec<u8>,
    unsearched: Unsearched,
    lines: Lines,
    counts: Counts,
}

impl std::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl<'a> Stream<'a> {
    pub(super) fn new(literals: &'a Literals, further: Option<&'a dyn Further>) -> Self {
        Self {
            literals,
            further,
            shown: String::new(),
            bytes: Vec::new(),
            unsearched: Unsearched::default(),
            lines: Lines::default(),
            counts: Counts::default(),
        }
    }

    /// Takes more bytes, and appends to `out` what is known to hold no secret by now. Bytes that are no UTF-8 become
    /// the replacement character.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        if self.bytes.is_empty()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return self.pass(Some(text), out);
        }
        self.bytes.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.bytes);
        let mut text = String::with_capacity(held.len());
        let mut chunks = held.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            let may_go_on = chunks.peek().is_none() && is_beginning(invalid);
            if may_go_on {
                self.bytes = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push('\u{fffd}');
            }
        }
        self.pass(Some(&text), out);
    }

    /// Ends the text and appends the rest.
    pub fn finish(&mut self, out: &mut String) {
        if !std::mem::take(&mut self.bytes).is_empty() {
            self.pass(Some("\u{fffd}"), out);
        }
        self.pass(None, out);
        let Some(further) = self.further else {
            return self.lines.finish(&mut Sink {
                text: out,
                counts: &mut self.counts,
            });
        };
        let mut shown = std::mem::take(&mut self.shown);
        self.lines.finish(&mut Sink {
            text: &mut shown,
            counts: &mut self.counts,
        });
        for line in shown.split_inclusive('\n') {
            further.line(line, out, &mut self.counts);
        }
    }

    /// How much was taken out so far, by which rule.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn into_counts(self) -> Counts {
        self.counts
    }

    fn pass(&mut self, text: Option<&str>, out: &mut String) {
        let Some(further) = self.further else {
            return self.known(text, out);
        };
        let mut shown = std::mem::take(&mut self.shown);
        self.known(text, &mut shown);
        // Lines as they are, whatever the pieces were; the last one may go on.
        let whole = shown.rfind('\n').map_or(0, |end| end + 1);
        for line in shown[..whole].split_inclusive('\n') {
            further.line(line, out, &mut self.counts);
        }
        shown.drain(..whole);
        self.shown = shown;
    }

    /// Takes out what is known, and what looks like a secret.
    fn known(&mut self, text: Option<&str>, out: &mut String) {
        let lines = &mut self.lines;
        self.literals
            .search(&mut self.unsearched, text, &mut self.counts, |text, counts| {
                lines.push(text, &mut Sink { text: out, counts });
            });
    }
}

/// Whether more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
