//! What is where on the installed host.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use appliance_common::release::reference::Digest;
use jiff::Timestamp;
use serde_json::json;

use crate::bundle::read_tree;
use crate::image::{Entry, What};
use crate::root;

/// Where the appliance's files are installed, without the slash before it.
pub(super) const HOME: &str = "opt/alga-appliance";

/// What k3s imports at each start (<https://docs.k3s.io/installation/airgap>).
const K3S_IMAGES: &str = "var/lib/rancher/k3s/agent/images";

/// The unit that the shipped product's server on the host had.
const RETIRED: &str = "alga-appliance.service";

/// Units that every boot starts.
const WANTED: [&str; 6] = [
    "alga-appliance-firewall.service",
    "alga-k3s-replacement.service",
    "alga-appliance-bootstrap.service",
    "alga-host-agent.service",
    "alga-appliance-console.service",
    "alga-appliance-banner.service",
];

/// Names by which operators call bootstrap.
const ALIASES: [&str; 2] = ["alga-control-plane-reapply", "alga-appliance-reset-admin"];

/// What goes in, read whole.
pub(super) struct Sources {
    pub(super) k3s: Vec<u8>,
    /// Name and bytes.
    pub(super) programs: Vec<(String, Vec<u8>)>,
    pub(super) images: Vec<(String, Vec<u8>)>,
    pub(super) k3s_images: Vec<(String, Vec<u8>)>,
    pub(super) build_timestamp: Timestamp,
}

/// All files and links, in the order of their paths.
pub(super) fn entries(sources: &Sources) -> Result<Vec<Entry>> {
    let mut entries = programs(sources);
    entries.extend(links());
    for (from, to, mode) in [
        (
            "deploy/control-plane",
            format!("{HOME}/control-plane/manifests"),
            0o644,
        ),
        ("systemd/units", "etc/systemd/system".to_owned(), 0o644),
        ("systemd/sysusers.d", "etc/sysusers.d".to_owned(), 0o644),
        ("systemd/tmpfiles.d", "etc/tmpfiles.d".to_owned(), 0o644),
    ] {
        for (path, text) in read_tree(root(), &[from])? {
            let name = path.rsplit('/').next().context("a file without a name")?;
            entries.push(Entry::new(
                &format!("{to}/{name}"),
                mode,
                What::File(text.into_bytes()),
            ));
        }
    }
    let firewall = root().join("systemd/firewall/alga-appliance.nft");
    let firewall = std::fs::read(&firewall).with_context(|| format!("reading {}", firewall.display()))?;
    entries.push(Entry::new(
        "etc/alga-appliance/firewall.nft",
        0o644,
        What::File(firewall),
    ));
    let images = sources.images.iter().map(|(name, bytes)| {
        let path = format!("{HOME}/control-plane/images/{name}");
        Entry::new(&path, 0o644, What::File(bytes.clone()))
    });
    entries.extend(images);
    let k3s_images = sources
        .k3s_images
        .iter()
        .map(|(name, bytes)| Entry::new(&format!("{K3S_IMAGES}/{name}"), 0o644, What::File(bytes.clone())));
    entries.extend(k3s_images);
    let storage = root().join("crates/common/src/storage/local-path.yaml");
    let storage = std::fs::read(&storage).with_context(|| format!("reading {}", storage.display()))?;
    entries.push(Entry::new(
        &format!("{HOME}/manifests/local-path-storage.yaml"),
        0o644,
        What::File(storage),
    ));
    entries.push(Entry::new(
        &format!("{HOME}/control-plane/bundle.json"),
        0o644,
        bundle(sources)?,
    ));
    let built = serde_json::to_vec(&json!({"buildTimestamp": sources.build_timestamp}))?;
    entries.push(Entry::new(
        "etc/alga-appliance/build-info.json",
        0o644,
        What::File(built),
    ));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn programs(sources: &Sources) -> Vec<Entry> {
    let program = |name: &str, bytes: &[u8]| {
        Entry::new(&format!("{HOME}/bin/{name}"), 0o755, What::File(bytes.to_vec()))
    };
    let mut entries = vec![program("k3s", &sources.k3s)];
    entries.extend(sources.programs.iter().map(|(name, bytes)| program(name, bytes)));
    entries
}

fn links() -> Vec<Entry> {
    let link = |path: String, to: String| Entry::new(&path, 0o777, What::Link(to));
    let mut links = Vec::new();
    for alias in ALIASES {
        links.push(link(
            format!("{HOME}/bin/{alias}"),
            "alga-appliance-bootstrap".to_owned(),
        ));
        links.push(link(
            format!("usr/local/bin/{alias}"),
            format!("/{HOME}/bin/{alias}"),
        ));
    }
    for command in ["alga-appliance-bootstrap", "kubectl-queue"] {
        links.push(link(
            format!("usr/local/bin/{command}"),
            format!("/{HOME}/bin/{command}"),
        ));
    }
    // k3s is kubectl by that name.
    links.push(link(
        "usr/local/bin/kubectl".to_owned(),
        format!("/{HOME}/bin/k3s"),
    ));
    for unit in WANTED {
        let path = format!("etc/systemd/system/multi-user.target.wants/{unit}");
        links.push(link(path, format!("../{unit}")));
    }
    links.push(link(
        format!("etc/systemd/system/{RETIRED}"),
        "/dev/null".to_owned(),
    ));
    links
}

/// Its keys are read by tools of the shipped product.
fn bundle(sources: &Sources) -> Result<What> {
    let at = |path: &str| format!("/{HOME}/{path}");
    let document = json!({
        "bundleVersion": 1,
        "origin": "baked-iso",
        "manifestPath": at("control-plane/manifests"),
        "imagePath": at("control-plane/images"),
        "localPathStorageManifest": at("manifests/local-path-storage.yaml"),
        "fallbackCommand": at("bin/alga-control-plane-reapply"),
        "bootstrapScript": at("bin/alga-appliance-bootstrap"),
        "k3sBinaryPath": at("bin/k3s"),
        "imageArchiveCount": sources.images.len(),
        // Ours: what each of them must be.
        "k3sDigest": Digest::of(&sources.k3s),
        "imageDigests": digests(&sources.images),
        "k3sImageDigests": digests(&sources.k3s_images),
    });
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(What::File(bytes))
}

fn digests(archives: &[(String, Vec<u8>)]) -> BTreeMap<&str, Digest> {
    let digests = archives
        .iter()
        .map(|(name, bytes)| (name.as_str(), Digest::of(bytes)));
    digests.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources {
            k3s: vec![1],
            programs: vec![("alga-host-agent".to_owned(), vec![2])],
            images: vec![("alga-appliance-control-plane.tar".to_owned(), vec![3])],
            k3s_images: vec![("k3s-airgap-images.tar".to_owned(), vec![4])],
            build_timestamp: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_unit_that_is_wanted_is_there_and_every_link_leads_somewhere() {
        let entries = entries(&sources()).unwrap();
        let has = |path: &str| entries.iter().any(|entry| entry.path == path);
        for unit in WANTED {
            assert!(has(&format!("etc/systemd/system/{unit}")), "{unit}");
        }
        for path in [
            "opt/alga-appliance/control-plane/manifests/workload.yaml",
            "opt/alga-appliance/manifests/local-path-storage.yaml",
            "etc/sysusers.d/alga-appliance.conf",
            "var/lib/rancher/k3s/agent/images/k3s-airgap-images.tar",
        ] {
            assert!(has(path), "{path}");
        }
        assert!(!has(
            "etc/systemd/system/multi-user.target.wants/alga-appliance.service"
        ));
        let mut paths: Vec<_> = entries.iter().map(|entry| entry.path.clone()).collect();
        let count = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), count, "something is there twice");
    }

    #[test]
    fn the_bundle_has_the_keys_that_others_read() {
        let What::File(bytes) = bundle(&sources()).unwrap() else {
            panic!("no file");
        };
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document["imageArchiveCount"], 1);
        assert_eq!(
            document["bootstrapScript"],
            "/opt/alga-appliance/bin/alga-appliance-bootstrap"
        );
        assert_eq!(document["k3sDigest"], Digest::of(&[1]).as_str());
        assert_eq!(
            document["imageDigests"]["alga-appliance-control-plane.tar"],
            Digest::of(&[3]).as_str()
        );
        assert_eq!(document.as_object().unwrap().len(), 12);
    }
}
