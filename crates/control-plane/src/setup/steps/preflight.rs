//! Preflight: this box, DNS, registry, release. Reads only; what it resolves is what is installed.

use std::net::SocketAddr;

use appliance_common::findings::FindingId;
use appliance_common::outbound::{DnsPolicy, LookupError};
use appliance_common::preflight::{Group, Outcome as Finding, Report};
use appliance_common::release::reference::Reference;
use appliance_common::release::registry::{Failure as RegistryFailure, RegistryError, Resolved};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Outcome, Step, registry_failure};
use crate::setup::checkup;
use crate::setup::chosen::Chosen;
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::plan::StepId;

/// Where DNS servers listen; RFC 1035, 4.2.
const DNS_PORT: u16 = 53;

pub(super) struct Preflight;

impl Step for Preflight {
    fn id(&self) -> StepId {
        StepId::Preflight
    }

    fn blame(&self) -> Blame {
        Blame::ReachGhcr
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move { Ok(cx.chosen().await.is_ok()) }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        check(cx).boxed()
    }
}

async fn check(cx: &StepContext) -> Result<Outcome, Failure> {
    let host = &cx.settings.registry.host;
    cx.say(format!(
        "checking this box, and reading release {} from {host}",
        cx.inputs.reference()
    ));
    let waived = &cx.inputs.waived_checks;
    let (found, release) = tokio::join!(
        cx.meter.waiting(checkup::check(
            &cx.settings,
            cx.inputs.dns.policy(),
            waived,
            &cx.clock
        )),
        cx.meter.waiting_for(host.as_str(), resolve(cx)),
    );
    stop_at(&found, Group::is_of_host)?;
    let (resolved, chosen) = release.map_err(|failure| explained(failure, &found))?;
    // What of the network the release did not need, the clock for example.
    stop_at(&found, |group| !group.is_of_host())?;
    let mut outcome = report(cx, &chosen.reference, chosen.release.version.as_str(), &found);
    if let Some(declared) = resolved
        .release
        .declared_channel
        .filter(|declared| declared != cx.inputs.channel.as_str())
    {
        tracing::warn!(declared, "the release says that it belongs to another channel");
        outcome.summary += ", although its manifest names another channel";
    }
    cx.keep(chosen);
    Ok(outcome)
}

/// The release, resolved once, stored for the rest of the run.
async fn resolve(cx: &StepContext) -> Result<(Resolved, Chosen), Failure> {
    let lookup = cx.registry.lookup().await;
    lookup.map_err(|error| registry_failure(dns_blame(&error), &error))?;
    let resolved = cx.registry.resolve(&cx.inputs.reference()).await;
    let resolved = resolved.map_err(|error| registry_failure(Blame::ResolveReleaseManifest, &error))?;
    let chosen = Chosen::store(cx, &resolved)?;
    let answers = cx.registry.probe().await;
    answers.map_err(|error| registry_failure(Blame::ReachGhcr, &error))?;
    Ok((resolved, chosen))
}

/// The worst finding that stops an install, with the number of the others.
fn stop_at(found: &Report, concerns: impl Fn(Group) -> bool) -> Result<(), Failure> {
    let blockers: Vec<_> = found.blockers().filter(|check| concerns(check.group)).collect();
    let Some(worst) = blockers.first() else {
        return Ok(());
    };
    let others = match blockers.len() - 1 {
        0 => String::new(),
        1 => " (and 1 other finding)".to_owned(),
        more => format!(" (and {more} other findings)"),
    };
    let all: Vec<_> = blockers.iter().map(|check| check.sentence()).collect();
    let failure = Failure::new(
        Blame::CheckHost,
        "check-host",
        worst.sentence() + &others,
        format!("{} {}", worst.why, all.join("; ")),
        format!(
            "{} Then try again; nothing has been changed yet.",
            ended(worst.fix)
        ),
    );
    Err(failure.with_code(worst.id.as_str()))
}

fn ended(sentence: &str) -> String {
    if sentence.ends_with('.') {
        sentence.to_owned()
    } else {
        format!("{sentence}.")
    }
}

/// What went wrong on the way to the registry, in the words of the check that found why.
fn explained(failure: Failure, found: &Report) -> Failure {
    let causes: &[FindingId] = match failure.step {
        Blame::ResolveRegistryHost => &[FindingId::DnsServerAnswers],
        Blame::ResolveReleaseManifest | Blame::ReachGhcr => &[FindingId::TlsGhcr, FindingId::CaptivePortal],
        _ => &[],
    };
    let failed = |id: &FindingId| found.check(*id).filter(|check| check.outcome == Finding::Fail);
    match causes.iter().find_map(failed) {
        Some(check) if check.id == FindingId::DnsServerAnswers => Failure {
            message: check.sentence(),
            suspected_cause: format!("{}: {}", failure.message, failure.suspected_cause),
            ..failure
        },
        Some(check) => Failure {
            suspected_cause: format!("{}. {}", check.sentence(), failure.suspected_cause),
            suggested_next_step: check.fix.to_owned(),
            ..failure
        },
        None => failure,
    }
}

fn report(cx: &StepContext, reference: &Reference, version: &str, found: &Report) -> Outcome {
    let host = cx.settings.registry.host.as_str();
    let servers = cx.inputs.dns.policy().servers();
    let resolvers: Vec<String> = servers.iter().map(resolver).collect();
    let facts = json!({
        "dns": {"mode": cx.inputs.dns.mode(), "resolvers": resolvers},
        "release": {"registryHost": host, "reference": reference.to_string(), "version": version},
        "ghcr": {"endpoint": cx.registry.endpoint()},
        "egress": {"proxyVariablesDetected": cx.settings.proxy_variables},
        "checkedAt": found.checked_at,
        "checks": checkup::brief(found),
    });
    let odd = match found.count(Finding::Warn) + found.checks.iter().filter(|check| check.waived).count() {
        0 => String::new(),
        1 => "; 1 finding is worth a look".to_owned(),
        more => format!("; {more} findings are worth a look"),
    };
    let scope = match cx.inputs.dns.policy() {
        DnsPolicy::System => "",
        DnsPolicy::Custom(_) => {
            "; the DNS servers you named are asked by the appliance, not by the host or its pods"
        }
    };
    let summary = format!("{host} answers; release {version} can be installed{scope}{odd}");
    Outcome::new(summary).with_fact("preflight", facts)
}

/// A DNS server as people write it: with its port only where that is not the usual one.
fn resolver(server: &SocketAddr) -> String {
    if server.port() == DNS_PORT {
        server.ip().to_string()
    } else {
        server.to_string()
    }
}

/// A box without any resolver is another matter than a name that has no address.
fn dns_blame(error: &RegistryError) -> Blame {
    match error.failure() {
        RegistryFailure::Lookup(LookupError::NoServers { .. }) => Blame::ResolveSystemResolvers,
        _ => Blame::ResolveRegistryHost,
    }
}

#[cfg(test)]
mod tests {
    use appliance_common::release::registry::{Registry, RegistrySettings};

    use super::*;

    #[tokio::test]
    async fn a_box_without_dns_servers_is_told_from_a_name_without_an_address() {
        let host = "registry.example.test".parse().unwrap();
        let settings = RegistrySettings {
            // What an empty resolv.conf comes to.
            dns: DnsPolicy::Custom(Vec::new()),
            ..RegistrySettings::new(host, "nine-minds/alga-appliance-release".parse().unwrap())
        };
        let error = Registry::open(settings).unwrap().lookup().await.unwrap_err();
        let failure = registry_failure(dns_blame(&error), &error);
        assert_eq!(
            (failure.step, failure.step.phase(), failure.category.as_str()),
            (Blame::ResolveSystemResolvers, "dns", "dns")
        );
        assert_eq!(
            failure.step.blocked_status(StepId::Preflight),
            "preflight-blocked"
        );
        assert!(
            failure.suspected_cause.contains("names no DNS server"),
            "{}",
            failure.suspected_cause
        );
    }
}
