//! Preflight: DNS, registry, release. Reads only; what it resolves is what is installed.

use std::net::SocketAddr;

use appliance_common::outbound::LookupError;
use appliance_common::release::reference::Reference;
use appliance_common::release::registry::{Failure as RegistryFailure, RegistryError};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::{Outcome, Step, registry_failure};
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
    cx.say(format!("looking up {host}"));
    cx.meter
        .waiting(cx.registry.lookup())
        .await
        .map_err(|error| registry_failure(dns_blame(&error), &error))?;
    cx.say(format!("reading release {} from {host}", cx.inputs.reference()));
    let resolved = cx
        .meter
        .waiting_for(host.as_str(), cx.registry.resolve(&cx.inputs.reference()))
        .await
        .map_err(|error| registry_failure(Blame::ResolveReleaseManifest, &error))?;
    let chosen = Chosen::store(cx, &resolved)?;
    cx.say(format!("asking {host} whether it serves images"));
    cx.meter
        .waiting_for(host.as_str(), cx.registry.probe())
        .await
        .map_err(|error| registry_failure(Blame::ReachGhcr, &error))?;
    let mut outcome = report(cx, &chosen.reference, chosen.release.version.as_str());
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

fn report(cx: &StepContext, reference: &Reference, version: &str) -> Outcome {
    let host = cx.settings.registry.host.as_str();
    let servers = cx.inputs.dns.policy().servers();
    let resolvers: Vec<String> = servers.iter().map(resolver).collect();
    let facts = json!({
        "dns": {"mode": cx.inputs.dns.mode(), "resolvers": resolvers},
        "release": {"registryHost": host, "reference": reference.to_string(), "version": version},
        "ghcr": {"endpoint": cx.registry.endpoint()},
        "egress": {"proxyVariablesDetected": cx.settings.proxy_variables},
    });
    Outcome::new(format!("{host} answers; release {version} can be installed")).with_fact("preflight", facts)
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
