//! Ways out: registry, licence service, proxy, time.

use std::time::Duration;

#[cfg(test)]
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Source::{Present, Text};
use super::{Check, Group::Egress};
use crate::findings::FindingId as Id;
use crate::outbound::{Transport, is_bypassed};
use crate::preflight::facts::{Facts, Reply};
use crate::preflight::verdict::{Gap, Judged, bad, good, none_of, odd, skipped};

const ENVIRONMENT: &str = "etc/environment";
const APT_PROXY: &str = "etc/apt/apt.conf.d/90curtin-aptproxy";
const SYNCHRONIZED: &str = "run/systemd/timesync/synchronized";
const CHRONY: &str = "run/chrony";

/// Certificates and sign-ins tolerate this much.
const GOOD_SKEW: Duration = Duration::from_secs(30);
/// Beyond this, tokens of the registry and licences are refused.
const MAX_SKEW: Duration = Duration::from_mins(5);
/// What must not go through a proxy: pods, services, and the cluster's names.
const INSIDE: [&str; 3] = ["10.42.0.1", "10.43.0.1", "kubernetes.default.svc"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Egress, Id::EgressRegistry, "Registry", registry)
        .blocking()
        .why(
            "Every image and update comes from the registry.",
            "Allow HTTPS from this box to the registry, or set HTTPS_PROXY: curl -I https://REGISTRY/v2/",
        ),
    Check::new(Egress, Id::TlsGhcr, "Registry certificate", certificate)
        .blocking()
        .why(
            "A firewall that opens TLS shows a certificate of its own; images are then not provably ours.",
            "Exempt the registry from TLS inspection, or give the firewall's authority as ALGA_APPLIANCE_CA_BUNDLE.",
        ),
    Check::new(Egress, Id::CaptivePortal, "Sign-in page of the network", portal)
        .blocking()
        .why(
            "A page that asks for a sign-in or a consent answers in the registry's place.",
            "Sign this box in at the network, or have its address exempted.",
        ),
    Check::new(Egress, Id::ClockSync, "Clock", clock)
        .blocking()
        .why(
            "With a wrong clock certificates look expired and tokens are refused.",
            "timedatectl set-ntp true; behind a firewall name your own time server in /etc/systemd/timesyncd.conf.",
        )
        .automatic("Set the clock once from the time server and switch synchronisation on."),
    Check::new(Egress, Id::TimeService, "Time synchronisation", time_service)
        .reading(&[Present(SYNCHRONIZED), Present(CHRONY)])
        .why(
            "A clock that nobody sets runs away by minutes a year.",
            "timedatectl set-ntp true",
        )
        .automatic("Switch systemd-timesyncd on."),
    Check::new(Egress, Id::EgressLicenseService, "Licence service", license_service)
        .why(
            "Install codes are redeemed there; a manual licence does not need it.",
            "Allow HTTPS from this box to the licence service.",
        ),
    Check::new(Egress, Id::ProxySuspected, "Proxy of this network", proxy_suspected)
        .reading(&[Present(ENVIRONMENT), Text(ENVIRONMENT), Present(APT_PROXY)])
        .why(
            "The box was told of a proxy and the appliance was not, so its requests may be dropped.",
            "Set HTTPS_PROXY and NO_PROXY for the appliance too.",
        ),
    Check::new(Egress, Id::ProxyBypass, "Proxy exceptions", bypass)
        .why(
            "Requests inside the cluster must not go to the proxy, which does not know it.",
            "Add 10.42.0.0/16,10.43.0.0/16,.svc,.cluster.local to NO_PROXY.",
        ),
];

fn registry_reply(facts: &Facts) -> Result<&Reply, String> {
    facts.network.registry.as_ref().map_err(Clone::clone)
}

fn registry(facts: &Facts) -> Judged {
    let host = &facts.network.registry_host;
    match registry_reply(facts)? {
        Reply::Http {
            status: status @ (200 | 401),
            ..
        } => good(format!("{host} answers ({status})")),
        Reply::Http { status, .. } => bad(format!("{host} answers {status}, expected was 200 or 401")),
        Reply::Failed {
            transport: Transport::Timeout,
            ..
        } => bad(format!("{host} does not answer in time")),
        Reply::Failed { cause, .. } => bad(format!("{host} cannot be reached: {cause}")),
    }
}

fn certificate(facts: &Facts) -> Judged {
    match registry_reply(facts)? {
        Reply::Http { .. } => good("trusted"),
        Reply::Failed {
            untrusted: true,
            cause,
            ..
        } => bad(format!(
            "issued by somebody this appliance does not trust: {cause}"
        )),
        Reply::Failed {
            transport: Transport::Tls,
            cause,
            ..
        } => bad(cause.clone()),
        Reply::Failed { cause, .. } => Err(Gap::Unknown(format!("the registry was not reached: {cause}"))),
    }
}

fn portal(facts: &Facts) -> Judged {
    match registry_reply(facts)? {
        Reply::Http { status: 511, .. } => bad("the network wants a sign-in (511)"),
        Reply::Http {
            status: status @ 300..=399,
            ..
        } => bad(format!("the registry's address leads somewhere else ({status})")),
        Reply::Http { content_type, .. } if content_type.starts_with("text/html") => {
            bad("a web page answers in the registry's place")
        }
        Reply::Http { .. } => good("none in the way"),
        Reply::Failed { cause, .. } => Err(Gap::Unknown(format!("the registry was not reached: {cause}"))),
    }
}

fn clock(facts: &Facts) -> Judged {
    let license = facts
        .network
        .license_service
        .as_ref()
        .and_then(|reply| reply.as_ref().ok());
    let stamp = |reply: Option<&Reply>| match reply {
        Some(Reply::Http { date, .. }) => date.clone(),
        _ => None,
    };
    let found = stamp(facts.network.registry.as_ref().ok()).or_else(|| stamp(license));
    let (date, arrived) = found.ok_or_else(|| "no server told the time".to_owned())?;
    let told = rfc2822::parse(&date).map_err(|error| format!("the registry's time {date:?}: {error}"))?;
    let skew = told.timestamp().duration_since(arrived);
    let (distance, direction) = (
        skew.unsigned_abs(),
        if skew.is_positive() { "behind" } else { "ahead of" },
    );
    let measured = format!("{} {direction} the registry's", in_words(distance));
    match distance {
        far if far > MAX_SKEW => bad(measured),
        near if near > GOOD_SKEW => odd(measured),
        _ => good("right, within 30 seconds"),
    }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86400),
    }
}

fn time_service(facts: &Facts) -> Judged {
    if facts.host.has(SYNCHRONIZED)? || facts.host.has(CHRONY)? {
        good("on")
    } else {
        bad("neither systemd-timesyncd nor chrony has set this clock")
    }
}

fn license_service(facts: &Facts) -> Judged {
    match &facts.network.license_service {
        None => skipped("no licence service is configured"),
        Some(reply) => match reply.as_ref().map_err(Clone::clone)? {
            Reply::Http { status: 500.., .. } => bad("has a failure of its own"),
            Reply::Http { .. } => good("answers"),
            Reply::Failed { cause, .. } => bad(format!("cannot be reached: {cause}")),
        },
    }
}

fn proxy_suspected(facts: &Facts) -> Judged {
    if facts.network.proxy.in_use {
        return good("the appliance uses a proxy");
    }
    let names_proxy = |text: &str| text.to_ascii_lowercase().contains("https_proxy=");
    let told = facts.host.has(ENVIRONMENT)? && names_proxy(facts.host.text(ENVIRONMENT)?);
    match (told, facts.host.has(APT_PROXY)?) {
        (true, _) => bad("/etc/environment names one"),
        (_, true) => bad("packages were installed through one"),
        _ => good("none is known"),
    }
}

fn bypass(facts: &Facts) -> Judged {
    let proxy = &facts.network.proxy;
    if !proxy.in_use {
        return skipped("no proxy is in use");
    }
    let missing: Vec<_> = INSIDE
        .iter()
        .filter(|host| !is_bypassed(&proxy.bypass, host))
        .map(ToString::to_string)
        .collect();
    none_of(&missing, "the cluster's networks are exempt", "not exempt")
}

/// The time in the form of a `Date` header, for tests.
#[cfg(test)]
pub(in crate::preflight) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
