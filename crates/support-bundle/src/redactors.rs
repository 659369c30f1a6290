//! What a caller wants taken out beside the secrets: rules of a file, and addresses and names as tokens that are the
//! same within one bundle and say nothing outside of it (60 §1.10).

use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use appliance_common::random;
use appliance_common::redact::{Counts, Further, Rule};
use regex::{Captures, Regex, RegexBuilder};
use ring::hmac;
use serde::Deserialize;

/// Largest file of rules.
const MAX_FILE: u64 = 256 * 1024;
/// Most rules in it.
const MAX_RULES: usize = 200;
/// Largest compiled rule, in bytes; matching is linear in the text whatever it is (the `regex` crate).
const MAX_COMPILED: usize = 1024 * 1024;
/// Shorter names are words of any text.
const MIN_NAME: usize = 4;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Entry>,
}

/// One rule; exactly one of the three says what is taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// In masks and in the report.
    name: String,
    /// A regular expression over one line; of one with a group `mask`, only that part is taken.
    regex: Option<String>,
    /// This text.
    literal: Option<String>,
    /// The value that follows this key in `key: value` and `key=value`.
    key: Option<String>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedactorsError {
    /// The file.
    #[error("reading the rules {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its text.
    #[error("{} has no list of rules as --redactors wants it: {why}", path.display())]
    Shape {
        /// Which.
        path: PathBuf,
        /// Where and why.
        why: String,
    },
    /// One rule.
    #[error("rule {name:?} of {}: {why}", path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// The rule.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Rules for text that has none of the known secrets any more.
#[derive(Debug, Default)]
pub struct Redactors {
    rules: Vec<(Rule, Regex)>,
    tokens: Option<Tokens>,
}

impl Redactors {
    /// Those of a file; without one, none.
    ///
    /// # Errors
    /// [`RedactorsError`]; a rule that cannot be used is not left out without a word.
    pub fn of(path: Option<&Path>) -> Result<Self, RedactorsError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let mut text = String::new();
        fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
            .map_err(|source| RedactorsError::Read {
                path: path.to_owned(),
                source,
            })?;
        let file: File = serde_saphyr::from_str(&text).map_err(|error| RedactorsError::Shape {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let wrong = |name: &str, why: String| RedactorsError::Rule {
            path: path.to_owned(),
            name: name.to_owned(),
            why,
        };
        if file.rules.len() > MAX_RULES {
            return Err(wrong("", format!("there are more than {MAX_RULES}")));
        }
        let read = |entry: &Entry| rule(entry).map_err(|why| wrong(&entry.name, why));
        Ok(Self {
            rules: file.rules.iter().map(read).collect::<Result<_, _>>()?,
            tokens: None,
        })
    }

    /// Addresses, e-mail addresses and these names become tokens as well.
    pub fn anonymize(&mut self, names: Vec<String>) {
        self.tokens = Tokens::new(names);
    }

    /// As a redactor takes them.
    pub(crate) fn into_further(self) -> Option<Box<dyn Further>> {
        let is_empty = self.rules.is_empty() && self.tokens.is_none();
        (!is_empty).then(|| Box::new(self) as Box<dyn Further>)
    }
}

impl Further for Redactors {
    fn line(&self, line: &str, out: &mut String, counts: &mut Counts) {
        let mut shown = std::borrow::Cow::Borrowed(line);
        for (rule, regex) in &self.rules {
            if regex.is_match(&shown) {
                shown = masked(&shown, regex, *rule, counts).into();
            }
        }
        match &self.tokens {
            None => out.push_str(&shown),
            Some(tokens) => out.push_str(&tokens.put(&shown, counts)),
        }
    }
}

fn rule(entry: &Entry) -> Result<(Rule, Regex), String> {
    let is_name = !entry.name.is_empty()
        && entry.name.len() <= 64
        && entry
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name {
        return Err("a name has at most 64 small letters, digits and hyphens".to_owned());
    }
    let pattern = match (&entry.regex, &entry.literal, &entry.key) {
        (Some(regex), None, None) => regex.clone(),
        (None, Some(literal), None) => regex::escape(literal),
        (None, None, Some(key)) => {
            let key = regex::escape(key);
            format!(
                r#"(?i){key}["']?\s*[:=]\s*(?:"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<mask>[^\s"',;]+))"#
            )
        }
        _ => return Err("it has not exactly one of regex, literal and key".to_owned()),
    };
    let regex = RegexBuilder::new(&pattern).size_limit(MAX_COMPILED).build();
    let regex = regex.map_err(|error| error.to_string())?;
    if regex.is_match("") {
        return Err("it is in every text, also in an empty one".to_owned());
    }
    // As long as the program; a run reads its rules once.
    Ok((
        Rule::Further(Box::leak(entry.name.clone().into_boxed_str())),
        regex,
    ))
}

/// Only what a group names, or else the whole.
fn masked(line: &str, regex: &Regex, rule: Rule, counts: &mut Counts) -> String {
    let replaced = regex.replace_all(line, |found: &Captures<'_>| {
        counts.note(rule);
        let whole = found.get_match();
        let part = ["mask", "quoted", "single"]
            .iter()
            .find_map(|group| found.name(group))
            .unwrap_or(whole);
        let (before, after) = (&line[whole.start()..part.start()], &line[part.end()..whole.end()]);
        format!("{before}{}{after}", rule.mask())
    });
    replaced.into_owned()
}

/// Tokens in place of what says whose box this is.
#[derive(Debug)]
struct Tokens {
    /// Of this bundle alone: without it nobody can try which address a token was.
    key: hmac::Key,
    email: Regex,
    v4: Regex,
    v6: Regex,
    names: Option<Regex>,
}

impl Tokens {
    fn new(mut names: Vec<String>) -> Option<Self> {
        names.retain(|name| name.len() >= MIN_NAME && name != "localhost");
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let any: Vec<_> = names.iter().map(|name| regex::escape(name)).collect();
        let names = (!any.is_empty()).then(|| Regex::new(&format!(r"(?i)\b(?:{})\b", any.join("|"))));
        Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()),
            email: Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}").ok()?,
            v4: Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b").ok()?,
            v6: Regex::new(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\d{1,3}\.){3}\d{1,3})?").ok()?,
            names: names.and_then(Result::ok),
        })
    }

    fn put(&self, line: &str, counts: &mut Counts) -> String {
        let mut shown = self.each(("email", &self.email), line, counts, |_| true);
        if let Some(names) = &self.names {
            shown = self.each(("host", names), &shown, counts, |_| true);
        }
        let is_v6 = |text: &str| {
            let address = text.parse::<Ipv6Addr>();
            address.is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
        };
        let is_v4 = |text: &str| {
            let address = text.parse::<Ipv4Addr>();
            address.is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
        };
        let shown = self.each(("ip", &self.v6), &shown, counts, is_v6);
        self.each(("ip", &self.v4), &shown, counts, is_v4)
    }

    fn each(
        &self,
        (kind, regex): (&'static str, &Regex),
        line: &str,
        counts: &mut Counts,
        is_one: impl Fn(&str) -> bool,
    ) -> String {
        let replaced = regex.replace_all(line, |found: &Captures<'_>| {
            let text = &found[0];
            let whole = found.get_match();
            let is_word = |one: char| one.is_alphanumeric() || one == '_';
            let is_part =
                line[..whole.start()].ends_with(is_word) || line[whole.end()..].starts_with(is_word);
            if is_part || !is_one(text) {
                return text.to_owned();
            }
            counts.note(Rule::Further(kind));
            let tag = hmac::sign(&self.key, text.to_ascii_lowercase().as_bytes());
            format!("{kind}-{}", hex::encode(&tag.as_ref()[..4]))
        });
        replaced.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use appliance_common::redact::Redactor;

    use super::*;

    fn written(text: &str) -> Result<Redactors, RedactorsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules.yaml");
        appliance_common::state_file::replace(&path, text.as_bytes(), 0o600).unwrap();
        Redactors::of(Some(&path))
    }

    const RULES: &str = "rules:\n- name: customer\n  regex: 'CN-[0-9]{4}'\n- name: project\n  literal: Blue(bird\n\
        - name: note\n  key: internal note\n- name: part\n  regex: 'tenant=(?P<mask>\\w+) '\n";

    #[test]
    fn rules_of_a_file_take_what_they_say_after_the_secrets_and_are_counted_by_their_names() {
        let redactor =
            Redactor::new([("k", b"hunter2x".as_slice())]).then(written(RULES).unwrap().into_further());
        let text = "CN-1234 of Blue(bird hunter2x\n\"internal note\": \"two words\", x\ninternal note=y;z\n\
            tenant=acme kept CN-12\n";
        let shown = redactor.text(text);
        let wanted = "[REDACTED:customer] of [REDACTED:project] [REDACTED:literal]\n\
            \"internal note\": \"[REDACTED:note]\", x\ninternal note=[REDACTED:note];z\n\
            tenant=[REDACTED:part] kept CN-12\n";
        assert_eq!(shown.as_str(), wanted);
        let counts = serde_json::to_value(shown.counts()).unwrap();
        assert_eq!(
            counts,
            serde_json::json!({"literal": 1, "customer": 1, "project": 1, "note": 2, "part": 1})
        );
    }

    #[test]
    fn where_pieces_end_changes_nothing() {
        let mut rules = written(RULES).unwrap();
        rules.anonymize(vec!["box-7.example".to_owned()]);
        let redactor = Redactor::new([("k", b"hunter2x".as_slice())]).then(rules.into_further());
        let text = "CN-1234 on BOX-7.example at 10.1.2.3\n\nlast hunter2x from a.b@c.example CN-9999";
        let whole = redactor.text(text).into_string();
        for size in 1..text.len() {
            let (mut stream, mut out) = (redactor.stream(), String::new());
            for piece in text.as_bytes().chunks(size) {
                stream.push(piece, &mut out);
            }
            stream.finish(&mut out);
            assert_eq!(out, whole, "pieces of {size}");
        }
        assert!(
            whole.contains("host-") && whole.contains("ip-") && whole.contains("email-"),
            "{whole}"
        );
    }

    #[test]
    fn what_says_whose_box_it_is_becomes_a_token_that_is_the_same_every_time() {
        let mut rules = Redactors::default();
        rules.anonymize(vec!["node-a".to_owned(), "x".to_owned()]);
        let redactor = Redactor::new([]).then(rules.into_further());
        let text = "from 10.1.2.3:443 to fd00::1:2, again 10.1.2.3 by Ann@Site.example on node-a\n\
            kept: 127.0.0.1 ::1 0.0.0.0 12:34:56 1.36.3 999.1.1.1 aa:bb:cc:dd:ee:ff x std::fs node-ab\n";
        let shown = redactor.text(text).into_string();
        let (first, second) = shown.split_once('\n').unwrap();
        assert_eq!(second, format!("{}\n", text.lines().nth(1).unwrap()));
        for gone in ["10.1.2.3", "fd00", "Ann", "Site", "node-a"] {
            assert!(!first.contains(gone), "{first}");
        }
        let token = first.split_whitespace().nth(1).unwrap().trim_end_matches(":443");
        assert_eq!(first.matches(token).count(), 2, "{first}");
        let mut others = Redactors::default();
        others.anonymize(Vec::new());
        let other = Redactor::new([])
            .then(others.into_further())
            .text("10.1.2.3")
            .into_string();
        assert_ne!(other, token);
    }

    #[test]
    fn rules_that_cannot_be_used_are_named() {
        for (text, words) in [
            ("rules:\n- name: a\n  regex: '('\n", "unclosed group"),
            ("rules:\n- name: a\n", "exactly one of"),
            ("rules:\n- name: a\n  regex: x\n  key: y\n", "exactly one of"),
            ("rules:\n- name: A B\n  literal: x\n", "small letters"),
            ("rules:\n- name: a\n  regex: 'x*'\n", "in every text"),
            ("rules:\n- name: a\n  regexp: x\n", "regexp"),
            ("- name: a\n", "no list of rules"),
        ] {
            let error = written(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let error = Redactors::of(Some(Path::new("/nowhere/rules.yaml"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/rules.yaml"));
    }
}
