//! What is kept of a stream: its beginning or its end, never more than the cap, byte for byte.

use std::collections::VecDeque;
use std::fmt;

/// Which part is kept of a stream that is longer than its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// The first bytes: documents, listings.
    #[default]
    Head,
    /// The newest bytes: logs.
    Tail,
}

/// Takes a stream in as it comes; holds at most the cap.
#[derive(Debug)]
pub(crate) struct Keeper {
    keep: Keep,
    cap: usize,
    kept: VecDeque<u8>,
    seen: u64,
}

impl Keeper {
    pub(crate) fn new(keep: Keep, cap: usize) -> Self {
        Self {
            keep,
            cap,
            kept: VecDeque::new(),
            seen: 0,
        }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let bytes = match self.keep {
            Keep::Head => &bytes[..bytes.len().min(self.cap - self.kept.len())],
            Keep::Tail => &bytes[bytes.len().saturating_sub(self.cap)..],
        };
        let older = (self.kept.len() + bytes.len()).saturating_sub(self.cap);
        self.kept.drain(..older);
        self.grow(bytes.len());
        self.kept.extend(bytes);
    }

    /// Makes room for `more` bytes; doubles, but never beyond the cap.
    fn grow(&mut self, more: usize) {
        let needed = self.kept.len() + more;
        if needed > self.kept.capacity() {
            let room = needed.saturating_mul(2).min(self.cap);
            self.kept.reserve_exact(room - self.kept.len());
        }
    }

    /// What is kept so far.
    pub(crate) fn kept(&mut self) -> &[u8] {
        self.kept.make_contiguous()
    }

    pub(crate) fn done(self) -> Output {
        Output {
            keep: self.keep,
            kept: self.kept.into(),
            seen: self.seen,
        }
    }
}

/// What a child wrote to one of its streams, as far as it was kept. `Debug` shows sizes only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Output {
    keep: Keep,
    kept: Vec<u8>,
    seen: u64,
}

impl Output {
    /// The bytes that were kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// How many bytes there were in all.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether some of them were dropped.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.seen > self.kept.len() as u64
    }

    /// The bytes as text, decoded once. A character that the cap has cut is left out; what is no UTF-8 becomes
    /// replacement characters.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = match (self.truncated(), self.keep) {
            (false, _) => &self.kept,
            (true, Keep::Head) => without_cut_end(&self.kept),
            (true, Keep::Tail) => without_cut_start(&self.kept),
        };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} of {} bytes)", self.kept.len(), self.seen)
    }
}

/// Longest character of UTF-8, less its first byte.
const MAX_REST: usize = 3;

fn is_rest(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// How long the character is that begins with `first`.
fn width(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let rests = bytes
        .iter()
        .take(MAX_REST)
        .take_while(|byte| is_rest(**byte))
        .count();
    &bytes[rests..]
}

fn without_cut_end(bytes: &[u8]) -> &[u8] {
    let last = bytes.iter().rev().take(MAX_REST);
    let rests = last.take_while(|byte| is_rest(**byte)).count();
    match bytes.len().checked_sub(rests + 1) {
        Some(first) if width(bytes[first]) > rests + 1 => &bytes[..first],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests;
