//! Whether the application's address answers (40 §4.3): one request now and then, no redirect followed,
//! no body read. A certificate that a browser would not trust is reported and stops nothing.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::names::{APPLICATION, namespace};
use appliance_common::outbound::{Outbound, OutboundSettings, is_untrusted};
use appliance_common::process::chain;
use appliance_common::readiness::Observed;
use appliance_common::readiness::observed::{LoginOutcome, LoginProbe};
use http::header::LOCATION;
use http::{Method, StatusCode};
use reqwest::Response;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::local::Records;
use super::picture::Feed;

/// Longest one probe may take.
const LIMIT: Duration = Duration::from_secs(3);
/// Shortest time between two probes.
const SPACING: Duration = Duration::from_secs(10);
/// As much longer is waited after a probe that was answered, while nothing changes.
const AT_EASE: Duration = Duration::from_secs(20);
/// Longest `Location` that is kept.
const MAX_LOCATION: usize = 1024;

/// Which address is asked; none while there is nobody to answer. What is ready of the workload takes
/// part, so that a change of it has the address asked again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted(Option<(String, i64, i32)>);

impl Wanted {
    pub(super) fn of(observed: &Observed) -> Self {
        let deployments = &observed.cluster.deployments.last.known;
        let workload = deployments.get(&format!("{}/{APPLICATION}", namespace::MSP));
        let url = observed.install.login_url.clone().filter(|url| !url.is_empty());
        Self(
            url.zip(workload)
                .map(|(url, workload)| (url, workload.observed_generation, workload.available)),
        )
    }
}

/// Asks while there is somebody to ask, until the task is dropped.
pub(super) async fn keep(
    mut wanted: watch::Receiver<Wanted>,
    records: Arc<dyn Records>,
    feed: Feed,
    clock: Clock,
) {
    let mut is_shown = false;
    loop {
        let now = wanted.borrow_and_update().clone();
        let Wanted(Some((url, ..))) = now else {
            if is_shown {
                feed.send(|picture| picture.show_login(None)).await;
                is_shown = false;
            }
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        };
        let probe = probe(&records.outbound(), url, &clock).await;
        let answered = matches!(probe.outcome, LoginOutcome::Answered { status, .. } if status < 400);
        feed.send(move |picture| picture.show_login(Some(probe))).await;
        is_shown = true;
        sleep(SPACING).await;
        if answered {
            // Either way it is asked again.
            let _ = timeout(AT_EASE, wanted.changed()).await;
        }
    }
}

async fn probe(settings: &OutboundSettings, url: String, clock: &Clock) -> LoginProbe {
    let silent = || {
        (
            LoginOutcome::Silent(format!("no answer within {} s", LIMIT.as_secs())),
            None,
        )
    };
    let found = timeout(LIMIT, ask(settings, &url)).await;
    let (outcome, certificate_trusted) = found.unwrap_or_else(|_| silent());
    LoginProbe {
        url,
        at: clock.now(),
        outcome,
        certificate_trusted,
    }
}

/// What comes, and whether the certificate is trusted.
async fn ask(settings: &OutboundSettings, url: &str) -> (LoginOutcome, Option<bool>) {
    let is_tls = url.starts_with("https://");
    let strict = match Outbound::open(settings, LIMIT) {
        Ok(client) => client,
        Err(error) => return (LoginOutcome::Silent(chain(&error)), None),
    };
    match once(&strict, url).await {
        Ok(answer) => (answered(&answer), is_tls.then_some(true)),
        Err(error) if is_untrusted(&error) => match Outbound::open_unverified(settings, LIMIT) {
            Ok(lenient) => match once(&lenient, url).await {
                Ok(answer) => (answered(&answer), Some(false)),
                Err(error) => (silent(error), Some(false)),
            },
            Err(error) => (LoginOutcome::Silent(chain(&error)), Some(false)),
        },
        Err(error) => (silent(error), None),
    }
}

/// `HEAD`, and `GET` where that is not known. The body of an answer is dropped unread.
async fn once(client: &Outbound, url: &str) -> Result<Response, reqwest::Error> {
    let answer = client.client().request(Method::HEAD, url).send().await?;
    match answer.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            client.client().get(url).send().await
        }
        _ => Ok(answer),
    }
}

fn answered(answer: &Response) -> LoginOutcome {
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok());
    LoginOutcome::Answered {
        status: answer.status().as_u16(),
        location: location.map(|location| location.chars().take(MAX_LOCATION).collect()),
    }
}

fn silent(error: reqwest::Error) -> LoginOutcome {
    LoginOutcome::Silent(chain(&error.without_url()))
}

#[cfg(test)]
mod tests;
