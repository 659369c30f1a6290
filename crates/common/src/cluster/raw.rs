//! Answers in the server's own bytes, for whoever cuts objects down before they are kept.
//!
//! No retries and no meter: who watches has pauses of its own, and nobody's run waits for it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};
use http::{Request, Response};
use kube::client::Body;
use serde::Deserialize;
use tokio::time::timeout;

use super::Cluster;
use super::said::words;

/// Longest body of a refusal that is read.
const MAX_REFUSAL: usize = 64 * 1024;
/// Longest line of a stream: an object of etcd's largest size, and what JSON makes of it.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// Why there is no answer, or not this one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// The server said no.
    #[error("{message}")]
    Refused {
        /// Its status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// Its words.
        message: String,
    },
    /// No connection, no answer, or only a part of one; the cause for an operator.
    #[error("{0}")]
    Silent(String),
    /// More than was to be read.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

/// Lines of an answer that does not end.
pub struct Lines {
    body: futures::stream::BoxStream<'static, Result<Bytes, kube::Error>>,
    held: BytesMut,
    /// How far `held` was searched for the end of a line.
    searched: usize,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Cluster {
    /// The whole body of `path`, of at most `limit` bytes, had by `deadline`.
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn fetch(&self, path: &str, limit: usize, deadline: Duration) -> Result<Bytes, RawError> {
        let whole = async {
            let body = accepted(self.ask(path).await?).await?;
            read(body, limit).await
        };
        within(deadline, whole).await
    }

    /// The lines of `path`, as they come; only their beginning has a deadline.
    ///
    /// # Errors
    /// [`RawError`].
    pub async fn lines(&self, path: &str, deadline: Duration) -> Result<Lines, RawError> {
        let begun = async { accepted(self.ask(path).await?).await };
        let body = within(deadline, begun).await?;
        Ok(Lines {
            body: Box::pin(http_body_util::BodyExt::into_data_stream(body)),
            held: BytesMut::new(),
            searched: 0,
        })
    }

    async fn ask(&self, path: &str) -> Result<Response<Body>, RawError> {
        let request = Request::get(path)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .body(Body::empty());
        let request = request.map_err(|error| RawError::Silent(error.to_string()))?;
        // Boxed: the client's own future is large.
        Box::pin(self.client.send(request))
            .await
            .map_err(|error| silent(&error))
    }
}

impl Lines {
    /// The next line without its end; `None` when the answer is over.
    ///
    /// # Errors
    /// [`RawError`]; a line that was cut off is not given.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RawError> {
        loop {
            let found = self.held[self.searched..].iter().position(|byte| *byte == b'\n');
            if let Some(at) = found {
                let mut line = self.held.split_to(self.searched + at + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                if self.held.is_empty() {
                    // Nothing of a large line is kept while the next is waited for.
                    self.held = BytesMut::new();
                }
                return Ok(Some(line.freeze()));
            }
            self.searched = self.held.len();
            if self.searched > MAX_LINE {
                return Err(RawError::TooLong { limit: MAX_LINE });
            }
            match self.body.try_next().await {
                Ok(Some(more)) => self.held.extend_from_slice(&more),
                Ok(None) => return Ok(None),
                Err(error) => return Err(silent(&error)),
            }
        }
    }
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, RawError>>,
) -> Result<T, RawError> {
    match timeout(deadline, work).await {
        Ok(result) => result,
        Err(_) => Err(RawError::Silent(format!(
            "no answer within {} s",
            deadline.as_secs()
        ))),
    }
}

/// The body of a success, or the server's words.
async fn accepted(answer: Response<Body>) -> Result<Body, RawError> {
    /// The API server's error body.
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.into_body());
    }
    let retry_after = answer.headers().get(http::header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = read(answer.into_body(), MAX_REFUSAL).await.unwrap_or_default();
    let message = serde_json::from_slice(&body).map_or_else(
        |_| String::from_utf8_lossy(&body).trim().chars().take(300).collect(),
        |status: Status| status.message,
    );
    Err(RawError::Refused {
        status: status.as_u16(),
        retry_after: retry_after.map(Duration::from_secs),
        message: if message.is_empty() {
            status.to_string()
        } else {
            message
        },
    })
}

async fn read(body: Body, limit: usize) -> Result<Bytes, RawError> {
    let mut body = http_body_util::BodyExt::into_data_stream(body);
    let mut whole = BytesMut::new();
    while let Some(more) = body.try_next().await.map_err(|error| silent(&error))? {
        if whole.len() + more.len() > limit {
            return Err(RawError::TooLong { limit });
        }
        whole.extend_from_slice(&more);
    }
    Ok(whole.freeze())
}

fn silent(error: &kube::Error) -> RawError {
    RawError::Silent(words(error))
}
