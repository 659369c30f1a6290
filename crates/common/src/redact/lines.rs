//! Text line by line, and what reaches over lines: private keys, block scalars, lists under a sensitive key, and the
//! values of Secrets in YAML.

use std::collections::BTreeSet;

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

/// The text without secrets. Lines stay lines; control characters, which a console would obey, become spaces.
pub(super) fn masked(text: &str, counts: &mut Counts) -> String {
    let secret_values = secret_values(text);
    let mut inside = Inside::Nothing;
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let line = printable(line);
        let taken = secret_values
            .contains(&at)
            .then(|| of_secret(&line))
            .or_else(|| inside.take(&line));
        if let Some((kept, rule)) = taken {
            out.push_str(&kept);
            out.push_str(&rule.mask());
            counts.note(rule);
        } else {
            push(&mut out, &line, counts);
            inside.open(&line);
        }
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn push(out: &mut String, line: &str, counts: &mut Counts) {
    let mut from = 0;
    for (range, rule) in spans::of(line) {
        out.push_str(&line[from..range.start]);
        out.push_str(&rule.mask());
        counts.note(rule);
        from = range.end;
    }
    out.push_str(&line[from..]);
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

fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}

/// A line of a Secret's data: its key stays.
fn of_secret(line: &str) -> (String, Rule) {
    let kept = match line.split_once(':') {
        Some((key, _)) => format!("{key}: "),
        None => line[..indent(line)].to_owned(),
    };
    (kept, Rule::SecretObject)
}

/// Lines with the values of Secrets in YAML, whichever of `kind` and `data` comes first (50 W7): the lines of the
/// two maps that hold them, in documents that say they are one.
fn secret_values(text: &str) -> BTreeSet<usize> {
    let (mut found, mut held, mut is_secret) = (BTreeSet::new(), Vec::new(), false);
    let mut map: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim_start_matches([' ', '-']);
        let indent = line.len() - bare.len();
        if line.starts_with("---") || (bare.starts_with("apiVersion:") && indent <= map.unwrap_or(usize::MAX))
        {
            let values = std::mem::take(&mut held);
            found.extend(is_secret.then_some(values).into_iter().flatten());
            (is_secret, map) = (false, None);
        }
        let kind = bare.trim_end();
        is_secret |= kind == "kind: Secret" || kind == "kind: \"Secret\"" || kind == "kind: 'Secret'";
        match map {
            Some(outer) if indent > outer && !bare.is_empty() => held.push(at),
            _ if matches!(bare.trim_end(), "data:" | "stringData:") => map = Some(indent),
            Some(_) if bare.is_empty() => {}
            _ => map = None,
        }
    }
    found.extend(is_secret.then_some(held).into_iter().flatten());
    found
}
