//! Registries and the repositories in them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::checked_text;

checked_text! {
    /// Path of a repository inside a registry, such as `nine-minds/alga-appliance-release`.
    Repository, "repository", "lower-case path components joined by slashes, at most 255 characters",
    is_repository
}

pub(super) fn is_repository(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_component)
}

/// Runs of letters and digits, joined by one dot, one or two underscores, or any number of dashes.
fn is_component(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_in_words = bytes.first().is_some_and(word) && bytes.last().is_some_and(word);
    ends_in_words
        && bytes
            .split(word)
            .all(|joint| matches!(joint, b"" | b"." | b"_" | b"__") || joint.iter().all(|byte| *byte == b'-'))
}

checked_text! {
    /// A registry, `host` or `host:port`, such as `ghcr.io`, `10.0.0.5:5000` or `[::1]:5000`.
    RegistryHost, "registry", "host or host:port in lower case, the host with a dot or a port unless localhost",
    is_registry
}

pub(super) fn is_registry(text: &str) -> bool {
    let (host, port) = split_port(text);
    let qualified = text.contains(['.', ':']) || text == "localhost";
    qualified && port.is_none_or(is_port) && is_host(host)
}

/// Splits at the colon of the port, which is never one inside the brackets of an IPv6 address.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_brackets = text.rfind(']').map_or(0, |at| at + 1);
    match text.get(after_brackets..).and_then(|rest| rest.find(':')) {
        Some(colon) => (
            &text[..after_brackets + colon],
            Some(&text[after_brackets + colon + 1..]),
        ),
        None => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok();
    }
    // URL parsers read a last label that looks like a number as an IPv4 address in some odd notation
    // (https://url.spec.whatwg.org/#ends-in-a-number-checker); only the plain one is accepted.
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| word(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl RegistryHost {
    /// The host without the port; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        split_port(self.as_str()).0
    }

    /// Whether this is a registry of this machine: the only kind that may be reached over plain HTTP.
    ///
    /// ```
    /// use appliance_common::release::reference::RegistryHost;
    /// let loopback = |text: &str| text.parse::<RegistryHost>().unwrap().is_loopback();
    /// assert!(loopback("localhost:5000") && loopback("[::1]:5000"));
    /// assert!(!loopback("localhost.example.com"));
    /// ```
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self.host(), "127.0.0.1" | "localhost" | "[::1]")
    }
}
