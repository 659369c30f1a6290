//! What the host's programs both keep right of k3s: that its own provisioner stays off.

/// k3s's unit.
pub const UNIT_FILE: &str = "/etc/systemd/system/k3s.service";

/// The drop-in of k3s's configuration that turns its provisioner off, and what is in it.
///
/// <https://docs.k3s.io/installation/configuration#configuration-file>
pub const STORAGE_DROP_IN: &str = "/etc/rancher/k3s/config.yaml.d/20-alga-local-storage.yaml";

/// Content of [`STORAGE_DROP_IN`].
pub const STORAGE_DROP_IN_TEXT: &str = "disable+:\n  - local-storage\n";

/// A manifest of k3s's own is not deployed again while a file of its name with `.skip` is there.
///
/// <https://docs.k3s.io/installation/packaged-components#using-skip-files>
pub const SKIP_FILE: &str = "/var/lib/rancher/k3s/server/manifests/local-storage.yaml.skip";

/// A unit of the shipped product that does not turn off k3s's own provisioner yet, with that put right; `None` when
/// there is nothing to put right. A flag overrides the list in the configuration, hence both (50 §6.2).
#[must_use]
pub fn without_local_storage(live: &str) -> Option<String> {
    const NEIGHBOUR: &str = "--disable servicelb";
    const OURS: &str = "--disable local-storage";

    let lacks = live.contains(NEIGHBOUR) && !live.contains(OURS);
    lacks.then(|| live.replacen(NEIGHBOUR, &format!("{NEIGHBOUR} {OURS}"), 1))
}

/// The version in what `k3s --version` says, whose first line is `k3s version v1.36.3+k3s1 (0123abcd)`.
#[must_use]
pub fn said_version(text: &str) -> Option<&str> {
    text.lines().next()?.split_whitespace().nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50, case 12.
    #[test]
    fn a_unit_of_the_shipped_product_is_mended_once() {
        let shipped =
            "ExecStart=/x/k3s server --disable traefik --disable servicelb --write-kubeconfig-mode 0644\n";
        let mended = without_local_storage(shipped).unwrap();
        assert!(
            mended.contains("--disable servicelb --disable local-storage --write"),
            "{mended}"
        );
        assert_eq!(without_local_storage(&mended), None);
        assert_eq!(
            without_local_storage("ExecStart=/usr/local/bin/k3s server\n"),
            None
        );
    }
}
