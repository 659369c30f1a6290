//! Whether this machine has a default route, without which k3s does not start (50 W1).
//!
//! k3s takes the node's address from it, and ends with `no default routes found` where there is none
//! (<https://docs.k3s.io/installation/airgap>, "Default Network Route").

use std::fs;

use appliance_common::preflight::facts::routes;

use crate::settings::Places;

/// What the person at the console is told.
pub(crate) const MISSING: &str = "this machine has no default route, and k3s does not start without one: connect a network whose DHCP names a \
     gateway, or set an address with a gateway (netplan, /etc/netplan). k3s then comes by itself; no internet is needed";

/// `false` only where the kernel's tables were read and have none.
pub(crate) fn may_be_there(places: &Places) -> bool {
    let table = |path: &str| fs::read_to_string(places.below_root(path)).ok();
    let (v4, v6) = (table("/proc/net/route"), table("/proc/net/ipv6_route"));
    if v4.is_none() && v6.is_none() {
        return true;
    }
    v4.is_some_and(|table| has_v4(&table)) || v6.is_some_and(|table| has_v6(&table))
}

fn has_v4(table: &str) -> bool {
    routes(table)
        .iter()
        .any(|route| route.bits == 0 && route.network.is_unspecified())
}

/// `destination prefix source prefix next-hop metric … interface`; the kernel's own on `lo` says that there is none
/// (net/ipv6/route.c).
fn has_v6(table: &str) -> bool {
    table.lines().any(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [destination, prefix, ..] = words.as_slice() else {
            return false;
        };
        destination.bytes().all(|byte| byte == b'0') && *prefix == "00" && words.last() != Some(&"lo")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn only_a_route_to_everywhere_is_a_default_route() {
        let local = "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let default = "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert!(!has_v4(HEAD));
        assert!(!has_v4(&format!("{HEAD}{local}")));
        assert!(has_v4(&format!("{HEAD}{local}{default}")));

        let zeros = "0".repeat(32);
        let line = |prefix: &str, interface: &str| {
            format!(
                "{zeros} {prefix} {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200 {interface:>8}\n"
            )
        };
        assert!(!has_v6(""));
        assert!(!has_v6(&line("00", "lo")), "the kernel's own is none");
        assert!(!has_v6(&line("40", "eth0")));
        assert!(has_v6(&format!("{}{}", line("00", "lo"), line("00", "eth0"))));
    }
}
