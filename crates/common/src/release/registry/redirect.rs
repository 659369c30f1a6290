//! Which targets are followed.

use reqwest::header::HeaderValue;
use url::{Host, Url};

use crate::release::reference::RegistryHost;

/// Most redirects of one request.
pub(super) const MAX_HOPS: usize = 5;

/// The target of a redirect, if it may be followed. The refusal never shows the target's query.
pub(super) fn next(
    current: &Url,
    location: &HeaderValue,
    registry: &RegistryHost,
) -> Result<Url, &'static str> {
    let location = location.to_str().map_err(|_| "its target is not a URL")?;
    let target = current.join(location).map_err(|_| "its target is not a URL")?;
    check(&target, registry)?;
    Ok(target)
}

/// Whether a URL that the registry names may be asked at all.
pub(super) fn check(target: &Url, registry: &RegistryHost) -> Result<(), &'static str> {
    if !target.username().is_empty() || target.password().is_some() {
        return Err("its target holds user information");
    }
    let Some(host) = target.host() else {
        return Err("its target names no host");
    };
    match target.scheme() {
        "https" => {}
        "http" if registry.is_loopback() && is_loopback_name(&host) => {}
        _ => return Err("its target is not https"),
    }
    let own = Host::parse(registry.host());
    if is_internal(&host) && !own.is_ok_and(|own| is_internal(&own)) {
        return Err("its target is an address of this machine or link");
    }
    Ok(())
}

/// The hosts that may be spoken to without TLS, by a registry that is one of them.
fn is_loopback_name(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.octets() == [127, 0, 0, 1],
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Loopback, link-local and unspecified addresses: what a stranger must not make us ask.
fn is_internal<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref().trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        Host::Ipv6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_internal(&Host::<S>::Ipv4(mapped)),
            None => ip.is_loopback() || ip.is_unspecified() || ip.is_unicast_link_local(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(registry: &str, location: &str) -> Result<String, &'static str> {
        let current = Url::parse("https://ghcr.io/v2/a/blobs/x").unwrap();
        next(
            &current,
            &HeaderValue::from_str(location).unwrap(),
            &registry.parse().unwrap(),
        )
        .map(Into::into)
    }

    #[test]
    fn targets_are_https_to_other_machines() {
        assert_eq!(
            followed("ghcr.io", "https://cdn.example/x?sig=1").unwrap(),
            "https://cdn.example/x?sig=1"
        );
        assert_eq!(followed("ghcr.io", "../y").unwrap(), "https://ghcr.io/v2/a/y");
        assert_eq!(
            followed("ghcr.io", "//cdn.example/y").unwrap(),
            "https://cdn.example/y"
        );
        for bad in [
            "http://cdn.example/x",
            "ftp://cdn.example/",
            "data:,x",
            "https://user@cdn.example/",
            "https://:pw@cdn.example/",
            "https://127.0.0.1/",
            "https://127.9.9.9/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://x.localhost/",
            "https://",
        ] {
            assert!(followed("ghcr.io", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_registry_of_this_machine_may_stay_on_it_in_clear() {
        for good in [
            "http://127.0.0.1:1/x",
            "http://localhost:2/x",
            "http://[::1]:3/x",
            "https://127.0.0.1/",
        ] {
            assert!(followed("127.0.0.1:5000", good).is_ok(), "{good}");
        }
        assert!(followed("169.254.7.7:5000", "https://169.254.7.7:5001/").is_ok());
        for bad in ["http://cdn.example/", "http://127.0.0.2/", "http://10.0.0.1/"] {
            assert!(followed("127.0.0.1:5000", bad).is_err(), "{bad}");
        }
    }
}
