//! Addresses, routes and ports of the host.

use std::net::Ipv4Addr;

use super::Source::{Present, Text};
use super::{Check, Group::Network};
use crate::findings::FindingId as Id;
use crate::preflight::facts::{Facts, Route, own_addresses, routes};
use crate::preflight::verdict::{Judged, bad, good, none_of, odd};

const ROUTES: &str = "proc/net/route";
const ADDRESSES: &str = "proc/net/fib_trie";
const LISTENERS: [&str; 4] = ["proc/net/tcp", "proc/net/tcp6", "proc/net/udp", "proc/net/udp6"];
const LEASES: &str = "run/systemd/netif/leases";
const UFW: &str = "etc/ufw/ufw.conf";
const FIREWALLD: &str = "etc/systemd/system/multi-user.target.wants/firewalld.service";
const CLOUD_SETUP: [&str; 2] = [
    "etc/systemd/system/timers.target.wants/nm-cloud-setup.timer",
    "etc/systemd/system/network-online.target.wants/nm-cloud-setup.service",
];

/// k3s' defaults, which the appliance keeps.
const CLUSTER_NETWORKS: [(&str, Ipv4Addr, u32); 2] = [
    ("pods", Ipv4Addr::new(10, 42, 0, 0), 16),
    ("services", Ipv4Addr::new(10, 43, 0, 0), 16),
];
/// Interfaces that k3s itself makes.
const CLUSTER_INTERFACES: [&str; 5] = ["cni", "flannel", "veth", "kube-", "lo"];
/// API server, its load balancer, kubelet, proxy, controllers, the pod network, and this control plane.
const PORTS: [u16; 11] = [
    6443, 6444, 10248, 10249, 10250, 10256, 10257, 10258, 10259, 8472, 8080,
];
const MIN_MTU: u32 = 1280;
/// Of an Ethernet; the pod network takes 50 bytes of it.
const GOOD_MTU: u32 = 1500;
/// `TCP_LISTEN` and, for UDP, an unconnected socket, as `/proc/net` writes them.
const LISTENING: [&str; 2] = ["0A", "07"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Network, Id::NetworkCidrOverlap, "Cluster networks", overlap)
        .strict()
        .reading(&[Text(ROUTES)])
        .why(
            "The cluster uses 10.42.0.0/16 and 10.43.0.0/16 inside; a route of yours into them cannot be reached any \
             more, or hides the cluster.",
            "Give this box a network that does not overlap, or remove the route: ip route",
        ),
    Check::new(Network, Id::NetworkDefaultRoute, "Default route", default_route)
        .strict()
        .reading(&[Text(ROUTES)])
        .why(
            "Without a default route k3s finds no address for this box and does not become ready.",
            "Set a gateway in /etc/netplan, then: netplan apply",
        ),
    Check::new(Network, Id::NetworkAddress, "Network address", address)
        .strict()
        .reading(&[Text(ADDRESSES)])
        .why(
            "With only a link-local address nobody else reaches this box.",
            "Check cable, VLAN and DHCP server, or set a static address in /etc/netplan.",
        ),
    Check::new(Network, Id::NetworkAddressStability, "Lasting address", stability)
        .reading(&[Present(LEASES)])
        .why(
            "When a DHCP lease brings another address, users' bookmarks and certificates no longer fit.",
            "Reserve the address at the DHCP server, or set it static in /etc/netplan.",
        ),
    Check::new(Network, Id::NetworkMtu, "Packet size", mtu)
        .reading(&[Text(ROUTES)])
        .why(
            "Below 1500 bytes large answers may get stuck on the way, which looks like a hanging download.",
            "Set the MTU of the network, of a VPN or tunnel for example, in /etc/netplan.",
        ),
    Check::new(Network, Id::NetworkPorts, "Ports in use", ports)
        .strict()
        .before_cluster()
        .reading(&[Text(LISTENERS[0]), Text(LISTENERS[1]), Text(LISTENERS[2]), Text(LISTENERS[3])])
        .why(
            "k3s and the setup page need these ports; what holds one keeps them from starting.",
            "ss -tulpn shows who listens; stop it: systemctl disable --now NAME",
        ),
    Check::new(Network, Id::NetworkFirewall, "Firewall on this box", firewall)
        .reading(&[Present(UFW), Text(UFW), Present(FIREWALLD)])
        .why(
            "ufw and firewalld drop packets of the pod network unless 10.42.0.0/16 and 10.43.0.0/16 are allowed.",
            "ufw disable, or allow both networks and port 6443; with firewalld: systemctl disable --now firewalld",
        ),
    Check::new(Network, Id::NetworkCloudSetup, "nm-cloud-setup", cloud_setup)
        .blocking()
        .reading(&[Present(CLOUD_SETUP[0]), Present(CLOUD_SETUP[1])])
        .why(
            "nm-cloud-setup rewrites routes and cuts the pod network off; k3s refuses to start beside it.",
            "systemctl disable --now nm-cloud-setup.service nm-cloud-setup.timer, then reboot",
        ),
];

fn is_clusters(interface: &str) -> bool {
    CLUSTER_INTERFACES
        .iter()
        .any(|prefix| interface.starts_with(prefix))
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0)
}

fn overlaps(route: &Route, network: Ipv4Addr, bits: u32) -> bool {
    let both = mask(bits.min(route.bits));
    u32::from(route.network) & both == u32::from(network) & both
}

fn overlap(facts: &Facts) -> Judged {
    let routes = routes(facts.host.text(ROUTES)?);
    let mut found = Vec::new();
    for route in routes
        .iter()
        .filter(|route| route.bits > 0 && !is_clusters(&route.interface))
    {
        for (name, network, bits) in CLUSTER_NETWORKS {
            if overlaps(route, network, bits) {
                let Route {
                    network: theirs,
                    bits: width,
                    interface,
                } = route;
                found.push(format!(
                    "{theirs}/{width} at {interface} ({name}: {network}/{bits})"
                ));
            }
        }
    }
    none_of(
        &found,
        "no route overlaps 10.42.0.0/16 or 10.43.0.0/16",
        "overlapping routes",
    )
}

fn default_route(facts: &Facts) -> Judged {
    let routes = routes(facts.host.text(ROUTES)?);
    let mut ways: Vec<_> = routes
        .iter()
        .filter(|route| route.bits == 0)
        .map(|r| r.interface.as_str())
        .collect();
    ways.sort_unstable();
    ways.dedup();
    match ways.as_slice() {
        [] => bad("there is none"),
        [one] => good(format!("by {one}")),
        several => odd(format!("by {}: k3s takes the first", several.join(" and "))),
    }
}

fn address(facts: &Facts) -> Judged {
    let mut all = own_addresses(facts.host.text(ADDRESSES)?);
    all.retain(|address| {
        !CLUSTER_NETWORKS
            .iter()
            .any(|(_, network, bits)| u32::from(*address) & mask(*bits) == u32::from(*network))
    });
    let shown = |list: Vec<&Ipv4Addr>| {
        list.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let usable: Vec<_> = all.iter().filter(|address| !address.is_link_local()).collect();
    match (usable.is_empty(), all.is_empty()) {
        (false, _) => good(shown(usable)),
        (true, false) => bad(format!("only link-local: {}", shown(all.iter().collect()))),
        (true, true) => bad("none"),
    }
}

fn stability(facts: &Facts) -> Judged {
    if facts.host.has(LEASES)? {
        odd("leased by DHCP")
    } else {
        good("no DHCP lease")
    }
}

fn mtu(facts: &Facts) -> Judged {
    let routes = routes(facts.host.text(ROUTES)?);
    let interfaces = facts.host.interfaces.as_ref().map_err(Clone::clone)?;
    let way = routes.iter().find(|route| route.bits == 0);
    let way = way.ok_or_else(|| "there is no default route".to_owned())?;
    let mtu = interfaces.get(&way.interface);
    let mtu = mtu.ok_or_else(|| format!("{} has no MTU", way.interface))?;
    let measured = format!("{mtu} bytes at {}", way.interface);
    match *mtu {
        ..MIN_MTU => bad(measured),
        MIN_MTU..GOOD_MTU => odd(measured),
        _ => good(measured),
    }
}

/// Ports that somebody listens on, of one file below `/proc/net`.
fn listening(text: &str) -> impl Iterator<Item = u16> {
    text.lines().skip(1).filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().take(4).collect();
        let (local, state) = (words.get(1)?, words.get(3)?);
        let (_, port) = local.rsplit_once(':')?;
        LISTENING
            .contains(state)
            .then(|| u16::from_str_radix(port, 16).ok())?
    })
}

fn ports(facts: &Facts) -> Judged {
    let mut used = Vec::new();
    for path in LISTENERS {
        // A kernel without IPv6 has no such list, and then nobody listens there.
        match facts.host.text(path) {
            Ok(text) => used.extend(listening(text)),
            Err(_) if path.ends_with('6') => {}
            Err(reason) => return Err(reason.into()),
        }
    }
    used.sort_unstable();
    used.dedup();
    let taken: Vec<_> = used
        .iter()
        .filter(|port| PORTS.contains(port))
        .map(ToString::to_string)
        .collect();
    none_of(&taken, "all that are needed are free", "in use")
}

fn firewall(facts: &Facts) -> Judged {
    let ufw = facts.host.has(UFW)?
        && facts
            .host
            .text(UFW)?
            .lines()
            .any(|line| line.trim() == "ENABLED=yes");
    match (ufw, facts.host.has(FIREWALLD)?) {
        (true, _) => bad("ufw is on"),
        (_, true) => bad("firewalld is on"),
        _ => good("none is on"),
    }
}

fn cloud_setup(facts: &Facts) -> Judged {
    for path in CLOUD_SETUP {
        if facts.host.has(path)? {
            return bad("enabled");
        }
    }
    good("not enabled")
}
