//! The edge to the network: asks each DNS server, the registry and the licence service once, all at the
//! same time.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use reqwest::header::{CONTENT_TYPE, DATE};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::facts::{Answer, NetworkFacts, ProxyFacts, Reading, Reply};
use crate::clock::Clock;
use crate::outbound::{self, LookupError, Outbound, OutboundSettings, Transport};
use crate::process::chain;
use crate::random;

/// Part of the time that is left, in which one connection must come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Who is asked, and how.
#[derive(Debug, Clone)]
pub struct Targets {
    /// `https://registry/v2/`.
    pub registry: Url,
    /// The licence service, if there is one.
    pub license_service: Option<Url>,
    /// DNS, proxy and certificates.
    pub outbound: OutboundSettings,
    /// Deadline of one request.
    pub request_limit: Duration,
}

/// Asks all of them; what has no answer at `deadline` is a reading that is missing.
pub async fn ask(targets: &Targets, clock: &Clock, deadline: Instant) -> NetworkFacts {
    let within = Within { deadline, clock };
    let host = targets.registry.host_str().unwrap_or_default().to_owned();
    let proxy = ProxyFacts {
        in_use: targets.outbound.proxy.is_set(),
        bypass: targets.outbound.proxy.no_proxy.clone().unwrap_or_default(),
    };
    let servers = targets.outbound.dns.servers();
    let resolves = !proxy.in_use && host.parse::<std::net::IpAddr>().is_err() && host != "localhost";
    let outbound = match Outbound::open(&targets.outbound, CONNECT) {
        Ok(outbound) => outbound,
        Err(error) => {
            let facts = NetworkFacts::unasked(&chain(&error));
            return NetworkFacts {
                registry_host: host,
                resolves,
                proxy,
                ..facts
            };
        }
    };
    let nonsense = format!("{}.invalid", random::id());
    let (answers, nonsense, registry, license_service) = tokio::join!(
        join_all(
            servers
                .iter()
                .map(|server| within.asked(*server, &host, resolves))
        ),
        within.nonsense(&servers, &nonsense, resolves),
        within.replied(&outbound, &targets.registry, targets.request_limit),
        async {
            match &targets.license_service {
                Some(url) => Some(within.replied(&outbound, url, targets.request_limit).await),
                None => None,
            }
        },
    );
    NetworkFacts {
        servers: Ok(servers.into_iter().zip(answers).collect()),
        registry_host: host,
        resolves,
        nonsense,
        registry,
        license_service,
        proxy,
    }
}

/// Why no DNS server was asked where none needs to be.
pub(super) const NOT_NEEDED: &str =
    "no name needs resolving here: the registry is an address, or a proxy resolves it";

struct Within<'a> {
    deadline: Instant,
    clock: &'a Clock,
}

impl Within<'_> {
    async fn asked(&self, server: SocketAddr, host: &str, resolves: bool) -> Reading<Answer> {
        if !resolves {
            return Err(NOT_NEEDED.to_owned());
        }
        self.finished(outbound::lookup_at(server, host)).await.map(answer)
    }

    /// The first server that says anything about a name which cannot exist (RFC 6761 §6.4).
    async fn nonsense(&self, servers: &[SocketAddr], name: &str, resolves: bool) -> Reading<Answer> {
        if !resolves {
            return Err(NOT_NEEDED.to_owned());
        }
        let answers = join_all(servers.iter().map(|server| self.asked(*server, name, resolves))).await;
        let heard = answers
            .into_iter()
            .find(|answer| matches!(answer, Ok(Answer::Addresses(_) | Answer::NoAddress(_))));
        heard.unwrap_or_else(|| Err("no server answered".to_owned()))
    }

    async fn replied(&self, outbound: &Outbound, url: &Url, limit: Duration) -> Reading<Reply> {
        let request = outbound.client().get(url.clone()).timeout(limit);
        let sent = self.finished(request.send()).await?;
        let arrived = self.clock.now();
        Ok(match sent {
            Ok(response) => {
                let header = |name| {
                    let value = response.headers().get(name)?;
                    value.to_str().ok().map(str::to_owned)
                };
                Reply::Http {
                    status: response.status().as_u16(),
                    content_type: header(CONTENT_TYPE).unwrap_or_default(),
                    date: header(DATE).map(|date| (date, arrived)),
                }
            }
            Err(error) => {
                let error = error.without_url();
                Reply::Failed {
                    transport: Transport::of(&error),
                    untrusted: outbound::is_untrusted(&error),
                    cause: chain(&error),
                }
            }
        })
    }

    async fn finished<T>(&self, work: impl Future<Output = T>) -> Reading<T> {
        let done = timeout_at(self.deadline, work).await;
        done.map_err(|_| super::run::not_finished())
    }
}

fn answer(found: Result<Vec<std::net::IpAddr>, LookupError>) -> Answer {
    match found {
        Ok(addresses) => Answer::Addresses(addresses),
        Err(error) if error.is_answer() => Answer::NoAddress(chain(&error)),
        Err(_) => Answer::Silence,
    }
}
