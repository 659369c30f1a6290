//! One call to the API server: a deadline, retries of what passes by itself, and its error.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use kube::client::UpgradeConnectionError;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout_at};

use super::said::words;
use super::{Attempt, Cluster, ClusterError};
use crate::meter::NOTICE;

/// First pause before a call is tried again; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Longest `Retry-After` that is honoured; what the server asks beyond it is an error at once.
const MAX_RETRY_AFTER: u32 = 10;

impl Cluster {
    /// Runs `request` until it succeeds, fails for good, or the deadline passes.
    pub(super) async fn call<T, F>(
        &self,
        attempt: &Attempt,
        request: impl Fn() -> F,
    ) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        // Boxed: the client's own future is large, and a step may hold several calls at once.
        let call = Box::pin(self.call_until(attempt, Instant::now() + self.limit, request));
        self.meter.waiting(call).await
    }

    async fn call_until<T, F>(
        &self,
        attempt: &Attempt,
        deadline: Instant,
        request: impl Fn() -> F,
    ) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            self.meter.count_request();
            let error = match self.answer(attempt, deadline, request()).await {
                Ok(Ok(answer)) => {
                    self.meter.unhindered();
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    return Err(ClusterError::TooSlow {
                        attempt: attempt.clone(),
                        limit: self.limit,
                    });
                }
            };
            let wait = match retry(&error) {
                Retry::Never => {
                    self.meter.unhindered();
                    return Err(classify(attempt, error));
                }
                Retry::Soon => pause,
                Retry::After(asked) => asked,
            };
            if Instant::now() + wait >= deadline {
                return Err(classify(attempt, error));
            }
            let why = words(&error);
            tracing::debug!(%attempt, error = why, "trying again");
            self.hindered(attempt, &why);
            sleep(wait).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// The answer to one request; one that lets itself be waited for is told of.
    async fn answer<T>(
        &self,
        attempt: &Attempt,
        deadline: Instant,
        request: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        let mut request = pin!(request);
        let soon = deadline.min(Instant::now() + NOTICE);
        if let Ok(answer) = timeout_at(soon, request.as_mut()).await {
            return Ok(answer);
        }
        self.hindered(attempt, "no answer yet");
        timeout_at(deadline, request).await
    }

    /// Tells what holds an attempt up.
    pub(super) fn hindered(&self, attempt: &Attempt, why: &str) {
        self.meter
            .hindered(|| format!("waiting for the cluster: {attempt}: {why}"));
    }
}

enum Retry {
    Never,
    Soon,
    After(Duration),
}

/// Whether a short pause mends an error.
///
/// After a CRD is new the API server answers 429 "storage is (re)initializing" for a moment.
fn retry(error: &kube::Error) -> Retry {
    match error {
        kube::Error::Api(status) if matches!(status.code, 429 | 500 | 502 | 503 | 504) => {
            match status
                .details
                .as_ref()
                .map_or(0, |details| details.retry_after_seconds)
            {
                0 => Retry::Soon,
                asked @ 1..=MAX_RETRY_AFTER => Retry::After(Duration::from_secs(u64::from(asked))),
                _ => Retry::Never,
            }
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) => Retry::Soon,
        _ => Retry::Never,
    }
}

pub(super) fn classify(attempt: &Attempt, error: kube::Error) -> ClusterError {
    let attempt = attempt.clone();
    let code = match &error {
        kube::Error::Api(status) => status.code,
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => status.as_u16(),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            return ClusterError::Unintelligible {
                attempt,
                source: Box::new(error),
            };
        }
        _ => 0,
    };
    let source = error.into();
    match code {
        0 | 429 | 500..=599 => ClusterError::Unreachable { attempt, source },
        401 | 403 => ClusterError::Forbidden { attempt, source },
        404 => ClusterError::Missing { attempt, source },
        _ => ClusterError::Refused { attempt, source },
    }
}
