//! A command as it may be shown: values that look like secrets are masked, what is long is cut. Pure.
//!
//! Secrets do not belong into arguments in the first place; this is the net below, for operators' scripts.

use std::ffi::{OsStr, OsString};

/// What stands in place of a secret, as in bundles (60 §1).
const MASK: &str = "[REDACTED]";

/// Longest argument, and longest command, that is shown whole; in characters.
const LONGEST_ARGUMENT: usize = 200;
const LONGEST_COMMAND: usize = 2000;

/// A flag or key with one of these in its name has a secret for its value.
const SECRET_NAMES: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "bearer",
    "apikey",
    "licensekey",
    "clientkey",
    "claimcode",
    "installcode",
];

/// The program and its arguments in one line.
pub(crate) fn command(program: &OsStr, args: &[OsString]) -> String {
    let mut shown = vec![quoted(&cut(&program.to_string_lossy(), LONGEST_ARGUMENT))];
    let mut value_of_secret = false;
    for arg in args {
        let arg = arg.to_string_lossy();
        let masked = if value_of_secret && !arg.starts_with('-') {
            MASK.to_owned()
        } else {
            masked(&arg)
        };
        value_of_secret = arg.starts_with('-') && !arg.contains('=') && is_secret_name(&arg);
        shown.push(quoted(&cut(&masked, LONGEST_ARGUMENT)));
    }
    cut(&shown.join(" "), LONGEST_COMMAND)
}

/// One argument without what looks like a secret in it.
fn masked(arg: &str) -> String {
    if let Some((name, value)) = arg.split_once(['=', ':'])
        && is_secret_name(name)
        && !value.starts_with("//")
        && !value.is_empty()
    {
        return format!("{}{MASK}", &arg[..=name.len()]);
    }
    let words = arg.split_inclusive(char::is_whitespace);
    let mut after_scheme = false;
    let mut text = String::new();
    for word in words {
        let bare = word.trim_end();
        let white = &word[bare.len()..];
        let secret = after_scheme || is_signed_text(bare);
        after_scheme = matches!(bare.to_ascii_lowercase().as_str(), "bearer" | "basic");
        text.push_str(&if secret {
            MASK.to_owned()
        } else {
            without_user(bare)
        });
        text.push_str(white);
    }
    text
}

fn is_secret_name(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain = letters.collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| plain.contains(secret))
}

/// Header and payload of a JSON Web Token begin with `{"`, which is `eyJ` in base64url.
fn is_signed_text(word: &str) -> bool {
    word.starts_with("eyJ") && word.matches('.').count() == 2
}

/// A URL without the name and password before its host.
fn without_user(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => word.to_owned(),
    }
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// In quotes where it would otherwise not be seen as one argument.
fn quoted(arg: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '\'' | '"' | '\\');
    if !arg.is_empty() && arg.chars().all(plain) {
        return arg.to_owned();
    }
    format!("'{}'", arg.escape_debug().to_string().replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &[&str]) -> String {
        let args: Vec<_> = line[1..].iter().map(OsString::from).collect();
        command(OsStr::new(line[0]), &args)
    }

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary";
        for (line, wanted) in [
            (
                vec!["kubectl", "--token=canary", "get"],
                "kubectl --token=[REDACTED] get",
            ),
            (
                vec!["kubectl", "--token", "canary", "get"],
                "kubectl --token [REDACTED] get",
            ),
            (vec!["x", "LICENSE_KEY=canary"], "x LICENSE_KEY=[REDACTED]"),
            (
                vec!["x", "-H", "Authorization: Bearer canary"],
                "x -H Authorization:[REDACTED]",
            ),
            (
                vec!["x", "-H", "X-Auth: Bearer canary"],
                "x -H 'X-Auth: Bearer [REDACTED]'",
            ),
            (
                vec!["curl", "https://u:canary@h/p"],
                "curl https://[REDACTED]@h/p",
            ),
            (vec!["x", jwt], "x [REDACTED]"),
            (vec!["x", "--claim-code", "canary"], "x --claim-code [REDACTED]"),
        ] {
            assert_eq!(shown(&line), wanted);
        }
    }

    #[test]
    fn what_only_resembles_a_secret_is_shown() {
        for line in [
            vec!["kubectl", "get", "secrets", "-n", "msp"],
            vec![
                "kubectl",
                "--kubeconfig",
                "/etc/rancher/k3s/k3s.yaml",
                "get",
                "nodes",
            ],
            vec!["x", "--with-token", "--force"],
            vec!["ctr", "images", "import", "/opt/images/a.tar"],
            vec!["curl", "https://h:8080/a@b"],
        ] {
            assert_eq!(shown(&line), line.join(" "));
        }
    }

    #[test]
    fn arguments_stay_apart_and_on_one_line() {
        assert_eq!(
            shown(&["sh", "-c", "echo \"a\"\n", ""]),
            r#"sh -c 'echo "a"\n' ''"#
        );
    }

    #[test]
    fn a_long_argument_is_cut_and_its_size_told() {
        let long = "é".repeat(100_000);
        let line = shown(&["x", &long]);
        assert!(line.len() < 600 && line.contains("… (200000 bytes)"), "{line}");
        let many = vec!["argument"; 1000];
        assert!(shown(&many).chars().count() < LONGEST_COMMAND + 40);
    }
}
