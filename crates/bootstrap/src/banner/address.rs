//! By which addresses other machines reach this one (50 W36).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// Interfaces that lead to pods and containers only.
const INSIDE: [&str; 9] = [
    "cni", "flannel", "veth", "docker", "podman", "cali", "kube-", "br-", "virbr",
];

/// An address beyond this network, of which nothing is asked: documentation addresses (RFC 5737, RFC 3849).
const BEYOND: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
];

/// All of them, the likeliest first.
pub(super) fn usable() -> Vec<IpAddr> {
    let found = getifaddrs().into_iter().flatten().filter_map(|interface| {
        let address = interface.address?;
        let of_v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let of_v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        let is_up = interface.flags.contains(InterfaceFlags::IFF_UP);
        Some((interface.interface_name, of_v4.or_else(of_v6)?)).filter(|_| is_up)
    });
    ordered(&BEYOND.map(source_for), &found.collect::<Vec<_>>())
}

/// The address that the kernel would send from: connecting a datagram socket chooses it and sends nothing.
fn source_for(beyond: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = match beyond {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(beyond).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Of the default routes first, then the other usable ones in the order of the interfaces, IPv4 before IPv6.
fn ordered(of_routes: &[Option<IpAddr>], found: &[(String, IpAddr)]) -> Vec<IpAddr> {
    let is_inside = |name: &str| INSIDE.iter().any(|prefix| name.starts_with(prefix));
    let outside = found
        .iter()
        .filter(|(name, _)| !is_inside(name))
        .map(|(_, address)| *address);
    let outside: Vec<_> = outside.filter(is_usable).collect();
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = outside.iter().partition(|address| address.is_ipv4());
    let of_routes = of_routes
        .iter()
        .flatten()
        .filter(|address| outside.contains(address));
    let mut all = Vec::new();
    for address in of_routes.copied().chain(v4).chain(v6) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

fn is_usable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
    }
}

/// Where the wizard is at an address.
pub(super) fn url(address: IpAddr, port: u16) -> String {
    format!("http://{}/", SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &[(&str, &str)]) -> Vec<(String, IpAddr)> {
        list.iter()
            .map(|(name, at)| ((*name).to_owned(), at.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_address_of_the_default_route_is_first_and_bridges_of_pods_are_none() {
        let interfaces = found(&[
            ("lo", "127.0.0.1"),
            ("cni0", "10.42.0.1"),
            ("flannel.1", "10.42.0.0"),
            ("eno2", "172.16.0.9"),
            ("eno1", "192.168.1.50"),
            ("eno1", "fe80::1"),
            ("eno1", "fd00::50"),
            ("veth12", "169.254.1.1"),
        ]);
        let route = Some("192.168.1.50".parse().unwrap());
        let shown: Vec<_> = ordered(&[route, None], &interfaces)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, ["192.168.1.50", "172.16.0.9", "fd00::50"]);
        assert!(
            ordered(
                &[None, None],
                &found(&[("lo", "127.0.0.1"), ("cni0", "10.42.0.1")])
            )
            .is_empty()
        );
        // A route that leads into the pods' network is not where operators are.
        assert!(
            ordered(
                &[Some("10.42.0.1".parse().unwrap())],
                &found(&[("cni0", "10.42.0.1")])
            )
            .is_empty()
        );
    }

    #[test]
    fn an_address_of_ipv6_is_in_brackets() {
        assert_eq!(url("fd00::50".parse().unwrap(), 8080), "http://[fd00::50]:8080/");
        assert_eq!(
            url("192.168.1.50".parse().unwrap(), 8080),
            "http://192.168.1.50:8080/"
        );
    }
}
