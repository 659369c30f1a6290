//! Lines out of bytes as they come, with a bound on what is held of a line that has no end.

use super::tail::lossy;

/// Longest line; a longer one comes in pieces.
const MAX_LINE: usize = 64 * 1024;

/// Holds the line that has not ended.
#[derive(Debug, Default)]
pub struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// The lines that `chunk` ends. What is no UTF-8 is replaced.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.hold(&rest[..end], &mut lines);
            lines.push(lossy(&std::mem::take(&mut self.open)));
            rest = &rest[end + 1..];
        }
        self.hold(rest, &mut lines);
        lines
    }

    /// What is left at the end.
    #[must_use]
    pub fn ended(&mut self) -> Option<String> {
        let open = std::mem::take(&mut self.open);
        (!open.is_empty()).then(|| lossy(&open))
    }

    fn hold(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        self.open.extend_from_slice(bytes);
        while self.open.len() > MAX_LINE {
            let rest = self.open.split_off(whole(&self.open[..MAX_LINE]));
            lines.push(lossy(&std::mem::replace(&mut self.open, rest)));
        }
    }
}

/// How many bytes of `text` are whole characters.
fn whole(text: &[u8]) -> usize {
    match std::str::from_utf8(&text[text.len().saturating_sub(3)..]) {
        Err(error) if error.error_len().is_none() => text.len() - 3 + error.valid_up_to(),
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_when_it_ends() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\nb"), ["a"]);
        assert_eq!(lines.push(b"c\n\nd\xff"), ["bc", ""]);
        assert_eq!(lines.ended().as_deref(), Some("d\u{fffd}"));
        assert_eq!(lines.ended(), None);
    }

    #[test]
    fn a_line_without_an_end_comes_in_pieces_of_whole_characters() {
        let mut lines = Lines::default();
        let text = "é".repeat(MAX_LINE);
        let mut shown = Vec::new();
        for chunk in text.as_bytes().chunks(1001) {
            shown.extend(lines.push(chunk));
            assert!(lines.open.len() <= MAX_LINE);
        }
        shown.extend(lines.ended());
        assert!(shown.len() >= 2);
        assert!(shown.iter().all(|piece| piece.len() <= MAX_LINE));
        assert_eq!(shown.concat(), text);
    }
}
