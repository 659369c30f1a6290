//! Whether the hosts that an appliance needs can be reached, and how long that takes.

use std::time::Duration;

use appliance_common::outbound::{Outbound, OutboundSettings, Transport, is_untrusted};
use appliance_common::process::chain;
use futures::future::join_all;
use tokio::time::{Instant, timeout};

use super::{Ended, Status};
use crate::options::Options;
use crate::staging::Staging;

/// Longest look at one host.
const LIMIT: Duration = Duration::from_secs(8);
const COLLECTOR: &str = "network";

pub(crate) async fn collect(staging: &Staging, options: &Options, settings: &OutboundSettings) -> Ended {
    let outbound = match Outbound::open(settings, LIMIT) {
        Ok(outbound) => outbound,
        Err(error) => return Ended::failed(chain(&error)),
    };
    let looks = options.probes.iter().map(|host| look(&outbound, host));
    let looks = join_all(looks).await;
    let proxy = if settings.proxy.is_set() {
        "set (value not shown)"
    } else {
        "not set"
    };
    let text = format!(
        "proxy: {proxy}\n{}\n",
        looks
            .iter()
            .map(|(line, _)| line.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
    match staging.text("network/probes.txt", COLLECTOR, &text) {
        Err(error) => Ended::failed(error.to_string()),
        Ok(()) if looks.iter().all(|(_, is_good)| *is_good) => Ended::ok(),
        Ok(()) => Ended::as_is(Status::Partial, "not every host can be reached"),
    }
}

async fn look(outbound: &Outbound, host: &str) -> (String, bool) {
    let began = Instant::now();
    let url = format!("https://{host}/");
    let Ok(url) = url.parse() else {
        return (format!("{host}: is no host"), false);
    };
    let names = match timeout(LIMIT, outbound.lookup(&url)).await {
        Ok(Ok(addresses)) => format!(
            "dns ok {} ms, {} addresses",
            began.elapsed().as_millis(),
            addresses.len()
        ),
        Ok(Err(error)) => format!("dns FAILED: {}", chain(&error)),
        Err(_) => format!("dns FAILED: no answer within {LIMIT:?}"),
    };
    let began = Instant::now();
    let answer = timeout(LIMIT, outbound.client().head(url).send()).await;
    let (tls, is_good) = match answer {
        Ok(Ok(answer)) => (
            format!(
                "https {} in {} ms",
                answer.status().as_u16(),
                began.elapsed().as_millis()
            ),
            true,
        ),
        Ok(Err(error)) if is_untrusted(&error) => (
            format!(
                "tls FAILED: the certificate is of an authority unknown here: {}",
                chain(&error)
            ),
            false,
        ),
        Ok(Err(error)) => (
            format!("https FAILED ({:?}): {}", Transport::of(&error), chain(&error)),
            false,
        ),
        Err(_) => (format!("https FAILED: no answer within {LIMIT:?}"), false),
    };
    (format!("{host}: {names}; {tls}"), is_good)
}
