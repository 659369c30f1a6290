//! Our two cookies, read and written. Plain HTTP is served, so neither is `Secure`.

use http::header::{self, HeaderMap, HeaderValue};

use crate::auth::{Cookie, TICKET_LIFE};

pub(super) const SESSION: &str = "alga_appliance_session";
const TICKET: &str = "alga_appliance_setup";

/// The values of every session cookie of a request.
pub(super) fn sessions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    named(headers, SESSION)
}

/// The value of the setup ticket, if there is exactly one.
pub(super) fn ticket(headers: &HeaderMap) -> Option<&str> {
    let mut tickets = named(headers, TICKET);
    tickets.next().filter(|_| tickets.next().is_none())
}

/// Another application on this address may have set cookies that are no text: only ours are read.
fn named<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='))
        .filter(move |(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

/// Signs a browser in.
pub(super) fn set_session(cookie: &Cookie) -> Option<HeaderValue> {
    render(SESSION, &cookie.value, cookie.max_age)
}

/// Signs a browser out.
pub(super) fn clear_session() -> Option<HeaderValue> {
    render(SESSION, "", 0)
}

/// Remembers that the token was given.
pub(super) fn set_ticket(value: &str) -> Option<HeaderValue> {
    render(
        TICKET,
        value,
        i64::try_from(TICKET_LIFE.as_secs()).unwrap_or_default(),
    )
}

/// Forgets it.
pub(super) fn clear_ticket() -> Option<HeaderValue> {
    render(TICKET, "", 0)
}

/// `None` only for a value that is no cookie value, and ours all are.
fn render(name: &str, value: &str, max_age: i64) -> Option<HeaderValue> {
    let text = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_of_a_name_is_found_whatever_stands_around_it() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=1; alga_appliance_session=one ;b".parse().unwrap());
        headers.append(
            "cookie",
            "alga_appliance_session=two=2;alga_appliance_setup=t"
                .parse()
                .unwrap(),
        );
        headers.append("cookie", "xalga_appliance_session=no".parse().unwrap());
        let beside = HeaderValue::from_bytes(b"psa=\xff\xfe; alga_appliance_session=three").unwrap();
        headers.append("cookie", beside);
        assert_eq!(sessions(&headers).collect::<Vec<_>>(), ["one", "two=2", "three"]);
        assert_eq!(ticket(&headers), Some("t"));
        headers.append("cookie", "alga_appliance_setup=u".parse().unwrap());
        assert_eq!(ticket(&headers), None);
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = Cookie {
            value: "v.s".to_owned(),
            max_age: 604_800,
        };
        assert_eq!(
            set_session(&cookie).unwrap(),
            "alga_appliance_session=v.s; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800"
        );
        assert_eq!(
            clear_session().unwrap(),
            "alga_appliance_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
    }
}
