//! Mirrors and authorities for containerd, as k3s reads them at its start (50 W43). Pure.
//!
//! <https://docs.k3s.io/installation/private-registry>

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

/// What says that a file is ours; an operator's own has not got it, and is left alone.
pub(super) const MARK: &str =
    "# Written by alga-appliance-bootstrap; remove this line to keep changes of your own.\n";

/// A registry, and where its images are got instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirror {
    registry: String,
    endpoint: Url,
}

/// A mirror that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mirror is said as REGISTRY=URL, such as ghcr.io=https://registry.example.org")]
pub(crate) struct NoMirror;

impl FromStr for Mirror {
    type Err = NoMirror;

    fn from_str(text: &str) -> Result<Self, NoMirror> {
        let (registry, endpoint) = text.split_once('=').ok_or(NoMirror)?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        if registry.is_empty() || !registry.chars().all(is_host) {
            return Err(NoMirror);
        }
        let endpoint: Url = endpoint.parse().map_err(|_| NoMirror)?;
        let is_plain = endpoint.username().is_empty() && endpoint.password().is_none();
        let is_web = ["http", "https"].contains(&endpoint.scheme()) && endpoint.has_host();
        if !is_web || !is_plain || endpoint.query().is_some() {
            return Err(NoMirror);
        }
        Ok(Self {
            registry: registry.to_owned(),
            endpoint,
        })
    }
}

#[derive(Serialize)]
struct Registries<'a> {
    mirrors: BTreeMap<&'a str, Endpoints<'a>>,
    configs: BTreeMap<String, Config<'a>>,
}

#[derive(Serialize)]
struct Endpoints<'a> {
    endpoint: Vec<&'a str>,
}

#[derive(Serialize)]
struct Config<'a> {
    tls: Tls<'a>,
}

#[derive(Serialize)]
struct Tls<'a> {
    ca_file: &'a Path,
}

/// The file; `None` where there is nothing to say in it.
pub(super) fn text(mirrors: &[Mirror], ca_bundle: Option<&Path>) -> Option<String> {
    if mirrors.is_empty() && ca_bundle.is_none() {
        return None;
    }
    let mut named: BTreeMap<&str, Endpoints<'_>> = BTreeMap::new();
    for mirror in mirrors {
        let endpoints = named
            .entry(&mirror.registry)
            .or_insert_with(|| Endpoints { endpoint: Vec::new() });
        endpoints
            .endpoint
            .push(mirror.endpoint.as_str().trim_end_matches('/'));
    }
    let hosts = mirrors.iter().filter_map(|mirror| {
        let host = mirror.endpoint.host_str()?;
        Some(
            mirror
                .endpoint
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        )
    });
    // A proxy that looks into TLS vouches for every registry.
    let every = [
        "ghcr.io".to_owned(),
        "docker.io".to_owned(),
        "registry-1.docker.io".to_owned(),
    ];
    let configs = ca_bundle.into_iter().flat_map(|ca_file| {
        let all = every.iter().cloned().chain(hosts.clone());
        all.map(move |host| (host, Config { tls: Tls { ca_file } }))
    });
    let registries = Registries {
        configs: configs.collect(),
        mirrors: named,
    };
    let yaml = serde_saphyr::to_string(&registries).ok()?;
    Some(format!("{MARK}{yaml}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_and_authorities_are_written_as_k3s_reads_them() {
        let mirrors: Vec<Mirror> = [
            "ghcr.io=https://registry.example.org:5000/",
            "docker.io=http://127.0.0.1:5000",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        let text = text(&mirrors, Some(Path::new("/etc/alga-appliance/ca.pem"))).unwrap();
        assert!(text.starts_with(MARK));
        let document: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(
            document["mirrors"]["ghcr.io"]["endpoint"][0],
            "https://registry.example.org:5000"
        );
        assert_eq!(
            document["mirrors"]["docker.io"]["endpoint"][0],
            "http://127.0.0.1:5000"
        );
        let ca = "/etc/alga-appliance/ca.pem";
        assert_eq!(
            document["configs"]["registry.example.org:5000"]["tls"]["ca_file"],
            ca
        );
        assert_eq!(document["configs"]["ghcr.io"]["tls"]["ca_file"], ca);
        assert_eq!(super::text(&[], None), None);
    }

    #[test]
    fn a_mirror_is_a_registry_and_an_address_without_secrets() {
        for bad in [
            "",
            "ghcr.io",
            "=https://x.example",
            "ghcr.io=registry.example.org",
            "ghcr.io=ftp://x.example",
            "ghcr.io=https://user:secret@x.example",
            "gh cr=https://x.example",
            "ghcr.io=https://x.example/?a=b",
        ] {
            assert_eq!(bad.parse::<Mirror>(), Err(NoMirror), "{bad}");
        }
    }
}
