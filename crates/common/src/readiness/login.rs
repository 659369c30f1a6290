//! Whether the application's address lets users in (40 §4.3).

use std::time::Duration;

use super::due::Due;
use super::observed::{LoginOutcome, Observed};
use super::told::Told;
use super::verdict::Signal;
use super::words::shortened;

/// How long an answer counts.
pub(super) const VALID: Duration = Duration::from_mins(5);

/// Paths of the sign-in, also where it is on another host.
const SIGN_IN: [&str; 3] = ["/login", "/auth/", "/msp/dashboard"];

/// What the newest answer tells; the reason names the address.
pub(super) fn probe(seen: &Observed, due: &mut Due) -> Told {
    let Some(probe) = &seen.login else {
        return Told::unknown("The application's address was not asked yet");
    };
    let url = probe.url.as_str();
    let wanted = seen.install.login_url.as_deref();
    if wanted.is_some_and(|wanted| authority(wanted) != authority(url)) {
        return Told::unknown(format!(
            "The answer of {url} is of an address that was changed since"
        ));
    }
    if due.is_over(Some(probe.at), VALID) {
        return Told::unknown(format!("{url} was last asked too long ago"));
    }
    match &probe.outcome {
        LoginOutcome::Silent(cause) => Told::not(format!("{url} does not answer: {}", shortened(cause))),
        LoginOutcome::Answered { status, location } => match answer(url, *status, location.as_deref()) {
            Ok(()) => Told::ready(),
            Err(why) => Told::not(format!("{url} {why}")),
        },
    }
}

/// The same for the wire: why an answer does not count.
pub(super) fn counted(told: &Told) -> Result<(), String> {
    match (told.signal, told.reasons.first()) {
        (Signal::Ready, _) => Ok(()),
        (Signal::NotReady | Signal::Unknown, reason) => Err(reason.cloned().unwrap_or_default()),
    }
}

fn answer(url: &str, status: u16, location: Option<&str>) -> Result<(), String> {
    match (status, location) {
        (200..=299, _) => Ok(()),
        (300..=399, Some(location)) if leads_to_sign_in(url, location) => Ok(()),
        (300..=399, Some(location)) => Err(format!("sends visitors away, to {}", shortened(location))),
        (300..=399, None) => Err(format!(
            "answers with status {status} and does not say where to go"
        )),
        _ => Err(format!("answers with status {status}")),
    }
}

fn leads_to_sign_in(url: &str, location: &str) -> bool {
    host(location).is_none_or(|there| host(url).is_some_and(|here| here.eq_ignore_ascii_case(there)))
        || SIGN_IN.iter().any(|path| path_of(location).contains(path))
}

/// `host:port` of an absolute address or of one that starts with `//`; `None` for a path.
fn authority(url: &str) -> Option<&str> {
    let url = url.trim();
    let (before, rest) = url.split_once("//")?;
    if !before.is_empty() && !is_scheme(before) {
        return None;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..end];
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

fn is_scheme(text: &str) -> bool {
    text.strip_suffix(':')
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn host(url: &str) -> Option<&str> {
    let authority = authority(url)?;
    // The colons of an IPv6 address stand in brackets.
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
        Some(_) | None => Some(authority),
    }
}

fn path_of(location: &str) -> &str {
    let path = match authority(location) {
        Some(authority) => location.split_once(authority).map_or("", |(_, path)| path),
        None => location,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_when_it_is_the_application_or_leads_to_its_sign_in() {
        let url = "https://psa.example:3000";
        for (status, location, counts) in [
            (200, None, true),
            (204, None, true),
            (302, Some("/msp/dashboard"), true),
            (302, Some("msp"), true),
            (307, Some("https://psa.example/anything"), true),
            (302, Some("http://PSA.example:8443/x"), true),
            (302, Some("//psa.example/x"), true),
            (302, Some("https://sso.example/auth/realms"), true),
            (302, Some("https://sso.example/login?back=1"), true),
            (302, Some("https://evil.example/"), false),
            (302, Some("https://evil.example/?to=/login"), false),
            (302, Some("https://psa.example@evil.example/"), false),
            (302, Some("//evil.example"), false),
            (302, None, false),
            (404, None, false),
            (502, Some("/login"), false),
            (101, None, false),
        ] {
            assert_eq!(
                answer(url, status, location).is_ok(),
                counts,
                "{status} {location:?}"
            );
        }
        assert!(answer("http://[fd00::1]:3000/", 302, Some("http://[fd00::1]/x")).is_ok());
        assert!(answer("http://[fd00::1]", 302, Some("http://[fd00::2]/x")).is_err());
    }
}
