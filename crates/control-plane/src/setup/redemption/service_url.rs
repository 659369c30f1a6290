//! Where the licence service is, and where it may send us on to.

use std::str::FromStr;

use http::header::HeaderValue;
use url::{Host, Url};

/// Address of the licence service: https, or http on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// Why a text is not the address of a licence service. The text itself may hold a password and is not
/// repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceUrlError {
    /// No URL at all.
    #[error("it is not a URL such as https://license.nineminds.com")]
    NotAUrl,
    /// Codes and credentials would travel in clear.
    #[error("it must begin with https:// (http:// is allowed only for this machine itself)")]
    Unprotected,
    /// More than a place.
    #[error("it must hold no user name, password, query or fragment")]
    MoreThanAPlace,
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|_| ServiceUrlError::NotAUrl)?;
        if !is_protected(&url) {
            return Err(ServiceUrlError::Unprotected);
        }
        if has_user(&url) || url.query().is_some() || url.fragment().is_some() {
            return Err(ServiceUrlError::MoreThanAPlace);
        }
        Ok(Self(url))
    }
}

impl ServiceUrl {
    /// Where codes are redeemed.
    #[must_use]
    pub(super) fn register(&self) -> Url {
        let mut url = self.0.clone();
        let base = url.path();
        let path = format!("{}/register", base.strip_suffix('/').unwrap_or(base));
        url.set_path(&path);
        url
    }

    /// The host, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address, for the record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The target of a redirect, if the code may be sent there. The refusal never shows the target.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn follow(&self, current: &Url, location: &HeaderValue) -> Result<Url, &'static str> {
        let location = location.to_str().map_err(|_| "its target is not a URL")?;
        let target = current.join(location).map_err(|_| "its target is not a URL")?;
        if has_user(&target) {
            return Err("its target holds user information");
        }
        if !is_protected(&target) {
            return Err("its target is not https");
        }
        if is_local(&target) && !is_local(&self.0) {
            return Err("its target is this machine");
        }
        Ok(target)
    }
}

/// Whether what is sent there can be read by nobody else: https, or http that does not leave this machine.
pub(super) fn is_protected(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_local(url),
        _ => false,
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

pub(super) fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_https_or_on_this_machine() {
        for (text, register) in [
            (
                "https://license.nineminds.com",
                "https://license.nineminds.com/register",
            ),
            (
                "https://license.nineminds.com/",
                "https://license.nineminds.com/register",
            ),
            (" https://a.example/api/ ", "https://a.example/api/register"),
            ("https://a.example/api//", "https://a.example/api//register"),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000/register"),
            ("http://localhost:4000/", "http://localhost:4000/register"),
            ("http://[::1]:4000/", "http://[::1]:4000/register"),
        ] {
            let url: ServiceUrl = text.parse().unwrap();
            assert_eq!(url.register().as_str(), register, "{text}");
        }
        for (text, error) in [
            ("license.nineminds.com", ServiceUrlError::NotAUrl),
            ("", ServiceUrlError::NotAUrl),
            ("http://license.nineminds.com", ServiceUrlError::Unprotected),
            ("http://10.0.0.1", ServiceUrlError::Unprotected),
            ("ftp://localhost", ServiceUrlError::Unprotected),
            ("https://u:p@a.example", ServiceUrlError::MoreThanAPlace),
            ("https://a.example/?x=1", ServiceUrlError::MoreThanAPlace),
            ("https://a.example/#x", ServiceUrlError::MoreThanAPlace),
        ] {
            assert_eq!(text.parse::<ServiceUrl>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_redirect_leads_to_https_and_to_this_machine_only_from_it() {
        let follow = |service: &str, location: &str| {
            let service: ServiceUrl = service.parse().unwrap();
            let location = HeaderValue::from_str(location).unwrap();
            service.follow(&service.register(), &location).map(String::from)
        };
        let (far, near) = ("https://license.example", "http://127.0.0.1:4000");
        assert_eq!(
            follow(far, "/v2/register").unwrap(),
            "https://license.example/v2/register"
        );
        assert!(follow(far, "https://moved.example/register").is_ok());
        assert!(follow(near, "http://127.0.0.1:4001/register").is_ok());
        for (service, bad) in [
            (far, "http://license.example/register"),
            (far, "https://u@license.example/register"),
            (far, "https://127.0.0.1/register"),
            (far, "http://localhost/register"),
            (near, "http://10.0.0.1/register"),
            (near, "data:,x"),
            (near, "http://"),
        ] {
            assert!(follow(service, bad).is_err(), "{service} {bad}");
        }
    }
}
