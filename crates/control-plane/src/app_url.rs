//! The application's address: the one place that decides what an operator may type for it.

use std::fmt;
use std::net::Ipv4Addr;

use url::{Host, Url};

/// Longest address that is read.
const MAX_CHARS: usize = 2048;

/// Why a text is no address for the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppUrlError {
    /// Nothing was typed.
    #[error("is required, for example https://psa.example.com")]
    Empty,
    /// Longer than any address needs to be.
    #[error("must be at most {MAX_CHARS} characters long")]
    TooLong,
    /// `javascript:`, `ftp://` and the like.
    #[error("must start with http:// or https://")]
    Scheme,
    /// A user name or password before the host.
    #[error("must not contain a user name or password")]
    UserInfo,
    /// Something after the host and port.
    #[error("must end after the host name and port: no path, query or fragment")]
    NotAnOrigin,
    /// What is left is no host name, IP address or port.
    #[error("must name a host or IP address (IPv6 in brackets), with an optional port")]
    Host,
}

/// An `http` or `https` origin in its one canonical form: lower-case, no default port, no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUrl {
    url: String,
    host: String,
}

impl AppUrl {
    /// Reads what an operator typed; a bare host gets `https://`.
    ///
    /// ```
    /// use appliance_control_plane::setup::inputs::AppUrl;
    ///
    /// let url = AppUrl::parse(" PSA.example.com/ ").unwrap();
    /// assert_eq!((url.as_str(), url.host()), ("https://psa.example.com", "psa.example.com"));
    /// ```
    ///
    /// # Errors
    /// [`AppUrlError`] for anything that is not exactly a scheme, a host and perhaps a port.
    pub fn parse(typed: &str) -> Result<Self, AppUrlError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(AppUrlError::Empty);
        }
        if typed.chars().count() > MAX_CHARS {
            return Err(AppUrlError::TooLong);
        }
        let (scheme, rest) = split_scheme(typed)?;
        let authority = authority(rest)?;
        // `Url` repairs a lot (slashes, tabs, short IPv4 forms); the checks around it leave nothing to repair.
        let url = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| AppUrlError::Host)?;
        let host = match url.host().ok_or(AppUrlError::Host)? {
            Host::Domain(name) if is_host_name(name) => name.to_owned(),
            Host::Ipv4(address) if typed_ipv4(authority) == Some(address) => address.to_string(),
            Host::Ipv6(address) => format!("[{address}]"),
            Host::Domain(_) | Host::Ipv4(_) => return Err(AppUrlError::Host),
        };
        let url = match url.port() {
            Some(0) => return Err(AppUrlError::Host),
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self { url, host })
    }

    /// The whole origin, for example `http://192.168.1.50:3000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The host alone: no port, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for AppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn split_scheme(typed: &str) -> Result<(&'static str, &str), AppUrlError> {
    for (scheme, prefix) in [("http", "http://"), ("https", "https://")] {
        if typed
            .get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        {
            return Ok((scheme, &typed[prefix.len()..]));
        }
    }
    // `host:3000` and `fe80::1` are bare hosts; `javascript:alert(1)` names a scheme.
    let names_scheme = typed.split_once(':').is_some_and(|(head, tail)| {
        let word = !head.is_empty() && head.chars().all(|c| c.is_ascii_alphabetic());
        word && !tail.starts_with(|c: char| c == ':' || c.is_ascii_digit())
    });
    if names_scheme || typed.contains("://") {
        return Err(AppUrlError::Scheme);
    }
    Ok(("https", typed))
}

fn authority(rest: &str) -> Result<&str, AppUrlError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '\\', '?', '#']) {
        return Err(AppUrlError::NotAnOrigin);
    }
    if rest.contains('@') {
        return Err(AppUrlError::UserInfo);
    }
    if rest.is_empty() || rest.contains(|c: char| c == '%' || c.is_whitespace() || c.is_control()) {
        return Err(AppUrlError::Host);
    }
    Ok(rest)
}

fn typed_ipv4(authority: &str) -> Option<Ipv4Addr> {
    authority.split(':').next()?.parse().ok()
}

/// Letters, digits, `-` and `_` in labels of at most 63: narrower than what `Url` lets through.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_in_canonical_form() {
        for (typed, url, host) in [
            ("psa.example.com", "https://psa.example.com", "psa.example.com"),
            (
                "psa.example.com:8443/",
                "https://psa.example.com:8443",
                "psa.example.com",
            ),
            ("localhost:3000", "https://localhost:3000", "localhost"),
            (
                "http://192.168.1.50:3000",
                "http://192.168.1.50:3000",
                "192.168.1.50",
            ),
            (
                "  HTTPS://PSA.Example.COM/ ",
                "https://psa.example.com",
                "psa.example.com",
            ),
            ("https://h:443", "https://h", "h"),
            ("http://h:443", "http://h:443", "h"),
            ("http://[FD00::0001]:3000/", "http://[fd00::1]:3000", "[fd00::1]"),
            ("[fd00::1]", "https://[fd00::1]", "[fd00::1]"),
            (
                "https://münchen.example",
                "https://xn--mnchen-3ya.example",
                "xn--mnchen-3ya.example",
            ),
        ] {
            let parsed = AppUrl::parse(typed).unwrap();
            assert_eq!((parsed.as_str(), parsed.host()), (url, host), "{typed}");
            assert_eq!(AppUrl::parse(url).unwrap(), parsed, "canonical form is stable");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        use AppUrlError::{Empty, Host, NotAnOrigin, Scheme, TooLong, UserInfo};
        let long = format!("https://{}", "a".repeat(MAX_CHARS));
        for (typed, error) in [
            ("", Empty),
            (" \t ", Empty),
            (long.as_str(), TooLong),
            ("javascript:alert(1)", Scheme),
            ("ftp://host", Scheme),
            ("http:/host", Scheme),
            ("http:host", Scheme),
            ("data:text/html,x", Scheme),
            ("http://u:p@h/", UserInfo),
            ("http://@h", UserInfo),
            ("http://h/x?y", NotAnOrigin),
            ("http://h/x", NotAnOrigin),
            ("http://h?", NotAnOrigin),
            ("http://h#", NotAnOrigin),
            ("http://h//", NotAnOrigin),
            ("https:///h", NotAnOrigin),
            ("http://h\\x", NotAnOrigin),
            ("http://", Host),
            ("foo bar", Host),
            ("http://a\nb", Host),
            ("http://a\tb", Host),
            ("http://a\0b", Host),
            ("http://a%41b", Host),
            ("http://a\"b", Host),
            ("http://{{h}}", Host),
            ("http://a'b", Host),
            ("http://$(id)", Host),
            ("http://-a.example", Host),
            ("http://a..b", Host),
            ("http://h:0", Host),
            ("http://h:65536", Host),
            ("http://h:port", Host),
            ("http://192.168.1", Host),
            ("http://0x7f.1", Host),
            ("http://010.0.0.1", Host),
            ("http://300.1.1.1", Host),
            ("http://fd00::1", Host),
            ("http://[fd00::1", Host),
            ("::1", Host),
            ("fe::1", Host),
            ("localhost:port", Scheme),
        ] {
            assert_eq!(AppUrl::parse(typed), Err(error), "{typed:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_the_result_is_plain(typed in "(https?://)?[ -~\\PC\\n\"#{}:/@]{0,30}") {
            if let Ok(url) = AppUrl::parse(&typed) {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c);
                proptest::prop_assert!(url.as_str().chars().all(plain), "{url}");
                proptest::prop_assert_eq!(AppUrl::parse(url.as_str()), Ok(url));
            }
        }
    }
}
