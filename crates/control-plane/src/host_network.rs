//! What the wizard is told of the network this process sees: with the host's network, the host's own.

use std::net::{IpAddr, Ipv4Addr};

use appliance_common::outbound::resolvers_in;
use nix::ifaddrs::getifaddrs;

/// Where the system's resolvers are listed; resolv.conf(5).
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// IPv4 addresses other machines can use, in the order of the interfaces.
#[must_use]
pub(crate) fn addresses() -> Vec<Ipv4Addr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()))
        .filter(|address| !address.is_loopback() && !address.is_link_local())
        .collect()
}

/// The system's DNS servers.
#[must_use]
pub(crate) fn resolvers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default();
    resolvers_in(&text).iter().map(std::net::SocketAddr::ip).collect()
}
