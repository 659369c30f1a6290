//! The end of a log, within a limit of bytes however long the log is.

/// Keeps the newest bytes of what is pushed.
#[derive(Debug)]
pub struct Tail {
    limit: usize,
    /// At most twice the limit, so that bytes are moved rarely.
    held: Vec<u8>,
    cut: bool,
}

/// Lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tailed {
    /// The newest, oldest first; what is no UTF-8 is replaced.
    pub lines: Vec<String>,
    /// Whether older ones had to be left out.
    pub truncated: bool,
}

impl Tail {
    /// A tail of at most so many bytes.
    #[must_use]
    pub fn of(limit: usize) -> Self {
        Self {
            limit,
            held: Vec::new(),
            cut: false,
        }
    }

    /// Takes what comes next.
    pub fn push(&mut self, chunk: &[u8]) {
        let newest = &chunk[chunk.len().saturating_sub(self.limit)..];
        self.cut |= newest.len() < chunk.len();
        self.held.extend_from_slice(newest);
        if self.held.len() > self.limit * 2 {
            self.shorten();
        }
    }

    /// The lines, once there is no more. A line that lost its beginning goes too, unless it is all there is;
    /// the empty one after the last newline is none.
    #[must_use]
    pub fn ended(mut self) -> Tailed {
        self.shorten();
        let mut rest = self.held.as_slice();
        if self.cut {
            let next = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| &rest[at + 1..]);
            rest = next
                .filter(|next| !next.is_empty())
                .unwrap_or_else(|| whole_characters(rest));
        }
        let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
        let lines = match rest {
            [] if self.held.is_empty() => Vec::new(),
            rest => rest.split(|byte| *byte == b'\n').map(lossy).collect(),
        };
        Tailed {
            lines,
            truncated: self.cut,
        }
    }

    fn shorten(&mut self) {
        let surplus = self.held.len().saturating_sub(self.limit);
        self.cut |= surplus > 0;
        self.held.drain(..surplus);
    }
}

/// A character is four bytes at most: what is left of one at the beginning is not shown.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let torn = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xC0 == 0x80)
        .count();
    &bytes[torn..]
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tailed(limit: usize, chunks: &[&[u8]]) -> (Vec<String>, bool) {
        let mut tail = Tail::of(limit);
        for chunk in chunks {
            tail.push(chunk);
        }
        let Tailed { lines, truncated } = tail.ended();
        (lines, truncated)
    }

    #[test]
    fn the_newest_whole_lines_are_kept() {
        assert_eq!(tailed(100, &[b"a\nb\n"]), (vec!["a".into(), "b".into()], false));
        assert_eq!(
            tailed(100, &[b"a\n", b"", b"\n"]),
            (vec!["a".into(), String::new()], false)
        );
        assert_eq!(tailed(100, &[]), (vec![], false));
        assert_eq!(tailed(100, &[b"\n"]), (vec![String::new()], false));
        assert_eq!(tailed(4, &[b"old\n", b"a\nb\n"]), (vec!["b".into()], true));
        assert_eq!(tailed(5, &[b"old\na\nb"]), (vec!["a".into(), "b".into()], true));
    }

    #[test]
    fn a_line_longer_than_the_limit_keeps_its_end() {
        let line = vec![b'x'; 10 * 1024 * 1024];
        let (lines, truncated) = tailed(1024, &[&line, b"end"]);
        assert_eq!((lines.len(), lines[0].len(), truncated), (1, 1024, true));
        assert!(lines[0].ends_with("xend"));
        assert_eq!(tailed(4, &["éééé\n".as_bytes()]), (vec!["é".to_owned()], true));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_those_of_two_chunks_are_one_character() {
        assert_eq!(
            tailed(100, &[b"a\xff\nb"]),
            (vec!["a\u{fffd}".into(), "b".into()], false)
        );
        assert_eq!(tailed(100, &[b"\xc3", b"\xa9\n"]), (vec!["é".into()], false));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_end_and_within_the_limit(
            text in "[a-c\n]{0,200}", limit in 1_usize..50, cut in 1_usize..40,
        ) {
            let chunks: Vec<_> = text.as_bytes().chunks(cut).collect();
            let (lines, truncated) = tailed(limit, &chunks);
            let kept = lines.join("\n");
            prop_assert!(kept.len() <= limit);
            prop_assert!(text.strip_suffix('\n').unwrap_or(&text).ends_with(&kept));
            prop_assert_eq!(truncated, text.len() > limit);
        }
    }
}
