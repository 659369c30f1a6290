//! k3s's unit. Pure.

use std::path::Path;

/// The unit of a box that has none: as the shipped product wrote it, but started without a time limit, because a
/// slow disk is no failure (50 W10), and with the administrator's kubeconfig for root alone (W13).
pub(super) fn text(binary: &Path) -> String {
    format!(
        "[Unit]
Description=Lightweight Kubernetes
Documentation=https://docs.k3s.io
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
# Proxy of this network, which k3s hands on to containerd.
EnvironmentFile=-/etc/alga-appliance/network.env
ExecStart={} server --disable traefik --disable servicelb --disable local-storage --write-kubeconfig-mode 0600
KillMode=process
Delegate=yes
Restart=always
RestartSec=5s
TimeoutStartSec=0
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
",
        binary.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 11.
    #[test]
    fn a_new_unit_turns_off_three_things_and_has_no_time_limit() {
        let text = text(Path::new("/opt/alga-appliance/bin/k3s"));
        for part in [
            "ExecStart=/opt/alga-appliance/bin/k3s server --disable traefik --disable servicelb --disable local-storage",
            "TimeoutStartSec=0",
            "Type=notify",
            "KillMode=process",
            "WantedBy=multi-user.target",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("0644"));
        assert_eq!(appliance_common::host::k3s::without_local_storage(&text), None);
    }
}
