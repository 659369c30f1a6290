//! Text line by line, and what reaches over lines: private keys, block scalars, lists under a sensitive key, and the
//! values of Secrets in YAML.

use std::borrow::Cow;

use super::keys::is_sensitive;
use super::rule::{Counts, Rule};
use super::spans;

/// What the lines that come belong to.
enum Inside {
    Nothing,
    PrivateKey,
    /// A block scalar or a list under a sensitive key, as long as lines are deeper than it.
    Value {
        indent: usize,
        is_list: bool,
    },
    /// An array of JSON under a sensitive key.
    Array,
}

/// A line that is longer is cut, best where a word ends.
const MAX_LINE: usize = 256 * 1024;
/// Where a cut is looked for.
const CUT_WITHIN: usize = 4 * 1024;
/// A document is held back until it says of what kind it is, up to this many bytes.
const MAX_HELD: usize = 1024 * 1024;

/// Where shown text and counts go.
pub(super) struct Sink<'a> {
    pub(super) text: &'a mut String,
    pub(super) counts: &'a mut Counts,
}

impl Sink<'_> {
    fn mask(&mut self, rule: Rule) {
        self.text.push_str(&rule.mask());
        self.counts.note(rule);
    }
}

/// Lines as they come. Lines stay lines; control characters, which a console would obey, become spaces.
pub(super) struct Lines {
    /// The line that is not whole yet.
    open: String,
    inside: Inside,
    document: Document,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            open: String::new(),
            inside: Inside::Nothing,
            document: Document::default(),
        }
    }
}

impl Lines {
    /// Takes more text.
    pub(super) fn push(&mut self, text: &str, out: &mut Sink<'_>) {
        let mut rest = text;
        while let Some(end) = rest.find('\n') {
            self.extend(&rest[..end], out);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.open);
            self.line(line.strip_suffix('\r').unwrap_or(&line), "\n", out);
            // Its memory serves the next line.
            self.open = line;
            self.open.clear();
        }
        self.extend(rest, out);
    }

    /// What is left.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) {
        let line = std::mem::take(&mut self.open);
        if !line.is_empty() {
            self.line(&line, "", out);
        }
        self.settle(out);
    }

    fn extend(&mut self, part: &str, out: &mut Sink<'_>) {
        self.open.push_str(part);
        while self.open.len() > MAX_LINE {
            let end = self.open.floor_char_boundary(MAX_LINE);
            let from = self.open.floor_char_boundary(end - CUT_WITHIN);
            let word = self.open[from..end].rfind([' ', '\t', ',', ';']);
            let cut = word.map_or(end, |at| from + at + 1);
            let line: String = self.open.drain(..cut).collect();
            self.line(&line, "", out);
        }
    }

    fn line(&mut self, line: &str, end: &'static str, out: &mut Sink<'_>) {
        if self.document.ends_before(line) {
            self.settle(out);
        }
        let place = self.document.see(line);
        if place == Place::Known && self.document.held.is_empty() {
            return self.show(line, end, false, out);
        }
        if place == Place::SecretValue && self.document.held.is_empty() && self.document.is_secret {
            return self.show(line, end, true, out);
        }
        let is_value = place != Place::Known;
        self.document.hold(line, end, is_value);
        if self.document.is_secret || self.document.held_bytes > MAX_HELD {
            // One that is too long to wait for is taken for a Secret.
            self.document.is_secret = true;
            self.settle_as(true, out);
        }
    }

    fn settle(&mut self, out: &mut Sink<'_>) {
        let is_secret = self.document.is_secret;
        self.settle_as(is_secret, out);
        self.document = Document::default();
    }

    fn settle_as(&mut self, is_secret: bool, out: &mut Sink<'_>) {
        let held = std::mem::take(&mut self.document.held);
        self.document.held_bytes = 0;
        for Held { line, end, is_value } in held {
            self.show(&line, end, is_value && is_secret, out);
        }
    }

    fn show(&mut self, line: &str, end: &str, is_secret: bool, out: &mut Sink<'_>) {
        let line = printable(line);
        let taken = if is_secret {
            Some(of_secret(&line))
        } else {
            self.inside.take(&line)
        };
        if let Some((kept, rule)) = taken {
            out.text.push_str(&kept);
            out.mask(rule);
        } else {
            push(out, &line);
            self.inside.open(&line);
        }
        out.text.push_str(end);
    }
}

fn push(out: &mut Sink<'_>, line: &str) {
    let mut from = 0;
    for (range, rule) in spans::of(line) {
        out.text.push_str(&line[from..range.start]);
        out.mask(rule);
        from = range.end;
    }
    out.text.push_str(&line[from..]);
}

impl Inside {
    /// Whether a line belongs to what began before it: what of it stays, and why the rest goes.
    fn take(&mut self, line: &str) -> Option<(String, Rule)> {
        let indent = indent(line);
        match self {
            Self::Nothing => None,
            Self::PrivateKey => {
                if line.contains("-----END") {
                    *self = Self::Nothing;
                }
                Some((String::new(), Rule::PrivateKey))
            }
            Self::Array => {
                if line.trim_start().starts_with(']') {
                    *self = Self::Nothing;
                    return None;
                }
                Some((line[..indent].to_owned(), Rule::Key))
            }
            Self::Value {
                indent: outer,
                is_list,
            } => {
                let text = line.trim_start();
                let belongs = if *is_list {
                    text.starts_with("- ") && indent >= *outer && !text.contains(": ")
                } else {
                    text.is_empty() || indent > *outer
                };
                if !belongs {
                    *self = Self::Nothing;
                    return None;
                }
                let dash = if *is_list { "- " } else { "" };
                (!text.is_empty()).then(|| (format!("{}{dash}", &line[..indent]), Rule::Key))
            }
        }
    }

    /// Sees whether a line begins something.
    fn open(&mut self, line: &str) {
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") && !line.contains("-----END") {
            *self = Self::PrivateKey;
            return;
        }
        let bare = line.trim_start().trim_start_matches("- ");
        let Some((key, value)) = bare.split_once(':') else {
            return;
        };
        let key = key.trim().trim_matches(['"', '\'']);
        if !is_sensitive(key) {
            return;
        }
        let indent = line.len() - bare.len();
        match value.trim() {
            "|" | ">" | "|-" | ">-" | "|+" | ">+" => {
                *self = Self::Value {
                    indent,
                    is_list: false,
                }
            }
            "" => {
                *self = Self::Value {
                    indent,
                    is_list: true,
                }
            }
            "[" => *self = Self::Array,
            _ => {}
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn printable(line: &str) -> Cow<'_, str> {
    let is_bad = |c: char| c.is_control() && c != '\t';
    if line.contains(is_bad) {
        Cow::Owned(line.replace(is_bad, " "))
    } else {
        Cow::Borrowed(line)
    }
}

/// A line of a Secret's data: its key stays.
fn of_secret(line: &str) -> (String, Rule) {
    let kept = match line.split_once(':') {
        Some((key, _)) => format!("{key}: "),
        None => line[..indent(line)].to_owned(),
    };
    (kept, Rule::SecretObject)
}

/// Where in a document of YAML a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It holds no value of a Secret, whatever the document is.
    Known,
    /// It does, if the document is a Secret.
    SecretValue,
}

struct Held {
    line: String,
    end: &'static str,
    is_value: bool,
}

/// A document of YAML, and the values that are secret if it turns out to be a Secret, whichever of `kind` and `data`
/// comes first (50 W7).
#[derive(Default)]
struct Document {
    is_secret: bool,
    /// Indent of the map that holds values, while it goes on.
    map: Option<usize>,
    held: Vec<Held>,
    held_bytes: usize,
}

impl Document {
    /// Whether another document begins with this line.
    fn ends_before(&self, line: &str) -> bool {
        let (bare, indent) = bare(line);
        line.starts_with("---")
            || (bare.starts_with("apiVersion:") && indent <= self.map.unwrap_or(usize::MAX))
    }

    fn see(&mut self, line: &str) -> Place {
        let (bare, indent) = bare(line);
        let kind = bare.trim_end();
        self.is_secret |= kind == "kind: Secret" || kind == "kind: \"Secret\"" || kind == "kind: 'Secret'";
        match self.map {
            Some(outer) if indent > outer && !bare.is_empty() => return Place::SecretValue,
            _ if matches!(kind, "data:" | "stringData:") => self.map = Some(indent),
            Some(_) if bare.is_empty() => {}
            _ => self.map = None,
        }
        Place::Known
    }

    fn hold(&mut self, line: &str, end: &'static str, is_value: bool) {
        self.held_bytes += line.len() + 1;
        self.held.push(Held {
            line: line.to_owned(),
            end,
            is_value,
        });
    }
}

/// A line without what stands before its key, and how much that is.
fn bare(line: &str) -> (&str, usize) {
    let bare = line.trim_start_matches([' ', '-']);
    (bare, line.len() - bare.len())
}
