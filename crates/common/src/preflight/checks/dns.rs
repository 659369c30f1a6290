//! Name resolution.

use std::net::{IpAddr, SocketAddr};

use super::Source::{Present, Text};
use super::{Check, Group::Dns};
use crate::findings::FindingId as Id;
use crate::outbound::resolvers_in;
use crate::preflight::facts::{Answer, Facts, Reading};
use crate::preflight::network::NOT_NEEDED;
use crate::preflight::verdict::{Gap, Judged, bad, good, none_of, odd, skipped};

const RESOLV_CONF: &str = "etc/resolv.conf";
/// What k3s gives to pods instead, where `/etc/resolv.conf` names only this machine.
const UPSTREAMS: &str = "run/systemd/resolve/resolv.conf";
/// What the resolver library of most images reads; resolv.conf(5).
const MAX_SERVERS: usize = 3;
const MAX_DOMAINS: usize = 6;
const DNS_PORT: u16 = 53;

pub(super) const CHECKS: &[Check] = &[
    Check::new(Dns, Id::DnsServers, "DNS servers", servers)
        .blocking()
        .why(
            "Without a DNS server no name is found, neither the registry nor the licence service.",
            "Type the address of your DNS server under “Advanced”, or set it in /etc/netplan.",
        ),
    Check::new(Dns, Id::DnsServerAnswers, "DNS server", answers)
        .blocking()
        .why(
            "A server that does not answer makes every lookup wait, and some fail.",
            "Correct the address under “Advanced”, or allow UDP and TCP port 53 from this box to the server.",
        ),
    Check::new(Dns, Id::DnsGhcr, "Registry name", registry)
        .blocking()
        .why(
            "The application comes from the registry; its name must resolve.",
            "Ask the DNS server: dig @SERVER REGISTRY. If it filters names, allow the registry's.",
        ),
    Check::new(Dns, Id::DnsWildcard, "Invented names", wildcard)
        .why(
            "A server that answers for every name leads the cluster's own lookups astray, or to a block page.",
            "Switch the wildcard record or the “search help” of the DNS server off.",
        ),
    Check::new(Dns, Id::DnsSearchDomains, "Search domains", search_domains)
        .reading(&[Text(RESOLV_CONF)])
        .why(
            "Each search domain multiplies the lookups of every pod; older libraries read six.",
            "Shorten the list in /etc/netplan or at the DHCP server.",
        ),
    Check::new(Dns, Id::DnsLoopbackStub, "Local DNS stub", stub)
        .reading(&[Text(RESOLV_CONF), Present(UPSTREAMS), Text(UPSTREAMS)])
        .why(
            "Pods cannot ask a stub on 127.0.0.53; without its list of real servers k3s lets them ask 8.8.8.8.",
            "systemctl enable --now systemd-resolved, or write real servers to /etc/resolv.conf.",
        ),
    Check::new(Dns, Id::DnsServerLimit, "Number of DNS servers", limit)
        .reading(&[Text(RESOLV_CONF)])
        .why("Pods use the first three; the kubelet warns about each further one.", "Name at most three servers."),
];

fn shown(server: &SocketAddr) -> String {
    match server.port() {
        DNS_PORT => server.ip().to_string(),
        _ => server.to_string(),
    }
}

fn named(facts: &Facts) -> Result<&[(SocketAddr, Reading<Answer>)], String> {
    facts.network.servers.as_deref().map_err(Clone::clone)
}

/// The servers with their answers, where they are asked at all.
fn asked(facts: &Facts) -> Result<&[(SocketAddr, Reading<Answer>)], Gap> {
    if facts.network.resolves {
        Ok(named(facts)?)
    } else {
        Err(Gap::Skipped(NOT_NEEDED.to_owned()))
    }
}

fn servers(facts: &Facts) -> Judged {
    match named(facts)? {
        // The system's empty list says nothing about this network then.
        [] if !facts.network.resolves => skipped(NOT_NEEDED),
        [] => bad("none is configured"),
        some => good(
            some.iter()
                .map(|(server, _)| shown(server))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

fn answers(facts: &Facts) -> Judged {
    let mut silent = Vec::new();
    let mut heard = Vec::new();
    let asked = asked(facts)?;
    for (server, answer) in asked {
        match answer.as_ref().map_err(Clone::clone)? {
            Answer::Silence => silent.push(shown(server)),
            _ => heard.push(shown(server)),
        }
    }
    let (servers, verb) = if silent.len() == 1 {
        ("server", "does")
    } else {
        ("servers", "do")
    };
    let sentence = format!(
        "DNS {servers} {} {verb} not answer for the registry",
        silent.join(", ")
    );
    match (silent.is_empty(), heard.is_empty()) {
        (true, true) => skipped("there is no DNS server to ask"),
        (true, false) => good(format!("{} answers", heard.join(", "))),
        (false, true) => bad(sentence),
        (false, false) => odd(sentence),
    }
}

fn registry(facts: &Facts) -> Judged {
    let host = &facts.network.registry_host;
    let asked = asked(facts)?;
    if asked.is_empty() {
        return skipped("there is no DNS server to ask");
    }
    let mut refusals = Vec::new();
    for (server, answer) in asked {
        match answer {
            Ok(Answer::Addresses(found)) => {
                let found: Vec<_> = found.iter().map(IpAddr::to_string).collect();
                return good(format!("{host} is {}", found.join(", ")));
            }
            Ok(Answer::NoAddress(_)) => refusals.push(shown(server)),
            Ok(Answer::Silence) => {}
            Err(reason) => return Err(reason.clone().into()),
        }
    }
    if refusals.is_empty() {
        bad(format!("no server answers for {host}"))
    } else {
        bad(format!("{host} has no address, says {}", refusals.join(", ")))
    }
}

fn wildcard(facts: &Facts) -> Judged {
    if !facts.network.resolves {
        return skipped(NOT_NEEDED);
    }
    match facts.network.nonsense.as_ref().map_err(Clone::clone)? {
        Answer::NoAddress(_) => good("have no address"),
        Answer::Addresses(found) => {
            let found: Vec<_> = found.iter().map(IpAddr::to_string).collect();
            bad(format!("a name that cannot exist leads to {}", found.join(", ")))
        }
        Answer::Silence => Err("no server answered".to_owned().into()),
    }
}

fn search_domains(facts: &Facts) -> Judged {
    let lines = facts.host.text(RESOLV_CONF)?.lines();
    // The last line counts; resolv.conf(5).
    let domains: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("search "))
        .next_back()
        .map(|list| list.split_whitespace().collect())
        .unwrap_or_default();
    let measured = if domains.is_empty() {
        "none".to_owned()
    } else {
        domains.join(", ")
    };
    if domains.len() > MAX_DOMAINS {
        bad(format!("{}: {measured}", domains.len()))
    } else {
        good(measured)
    }
}

fn stub(facts: &Facts) -> Judged {
    let is_real = |server: &SocketAddr| !server.ip().is_loopback();
    if resolvers_in(facts.host.text(RESOLV_CONF)?).iter().any(is_real) {
        return good("/etc/resolv.conf names real servers");
    }
    let upstream =
        facts.host.has(UPSTREAMS)? && resolvers_in(facts.host.text(UPSTREAMS)?).iter().any(is_real);
    if upstream {
        good("a stub, and systemd-resolved names the servers behind it")
    } else {
        bad("/etc/resolv.conf names no server that pods could ask")
    }
}

fn limit(facts: &Facts) -> Judged {
    let count = facts
        .host
        .text(RESOLV_CONF)?
        .lines()
        .filter(|line| line.trim_start().starts_with("nameserver"))
        .count();
    let found = if count > MAX_SERVERS {
        vec![count.to_string()]
    } else {
        Vec::new()
    };
    none_of(&found, &count.to_string(), "more than three")
}
