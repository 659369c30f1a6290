//! Following a kind: a list in pages, then a watch, and what to do when either ends.
//!
//! Each kind has a task of its own. Objects are cut down as they are decoded, before anything keeps them;
//! one that will not decode is told as such and stops nothing. In steady state a task waits for its watch
//! and asks nothing.

mod decode;
pub(super) mod events;
mod flux;
mod form;
mod kinds;
mod pods;
mod rest;
mod workloads;

use std::time::Duration;

use appliance_common::cluster::{Cluster, RawError};
use appliance_common::readiness::observed::TroubleKind;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::link::Link;
use super::picture::Feed;
use decode::{Identity, Line, Page, Refusal};
use form::{Form, Told, Unclear};
pub(super) use kinds::Followers;
use rest::Rest;

/// Objects a page.
const PAGE: u32 = 500;
/// Longest page: 500 pods with all their managed fields have a few MiB.
const MAX_PAGE: usize = 64 * 1024 * 1024;
/// A watch has a bookmark a minute; one that is silent for longer has lost its server.
const SILENCE: Duration = Duration::from_mins(5);

/// A kind that is followed.
struct Kind {
    /// Its plural, for messages.
    name: &'static str,
    /// Where it is listed.
    path: &'static str,
    /// Whether it shows at regular times that the API server lives.
    beats: bool,
    /// What its objects are, and where they are put.
    form: Box<dyn Form>,
}

/// Why a list or watch came to its end.
enum End {
    /// It goes on where it was.
    Resumes,
    /// The server has forgotten where we were.
    Expired,
    /// A request failed.
    Failed(RawError),
}

impl From<RawError> for End {
    fn from(error: RawError) -> Self {
        match error {
            RawError::Refused { status: 410, .. } => Self::Expired,
            error => Self::Failed(error),
        }
    }
}

/// Follows a kind until the task is dropped.
async fn follow(kind: Kind, link: Link, feed: Feed, limit: Duration) {
    let mut follower = Follower {
        unclear: Unclear::of(kind.name),
        kind,
        link: link.clone(),
        feed,
        limit,
        version: None,
    };
    let mut rest = Rest::default();
    loop {
        let cluster = link.cluster().await;
        let pause = match follower.round(&cluster, &mut rest).await {
            End::Resumes => rest.shortly(),
            End::Expired => {
                follower.version = None;
                rest.shortly()
            }
            End::Failed(error) => follower.failed(&error, &mut rest).await,
        };
        link.rest(pause).await;
    }
}

struct Follower {
    kind: Kind,
    link: Link,
    feed: Feed,
    limit: Duration,
    /// Up to where everything is known.
    version: Option<String>,
    unclear: Unclear,
}

impl Follower {
    async fn show(&mut self, told: Told<'_>) {
        let change = self.kind.form.change(told, &mut self.unclear);
        self.feed.pass(change).await;
    }

    async fn round(&mut self, cluster: &Cluster, rest: &mut Rest) -> End {
        if self.version.is_none()
            && let Err(end) = self.list(cluster).await
        {
            return end;
        }
        match self.watch(cluster, rest).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn list(&mut self, cluster: &Cluster) -> Result<(), End> {
        self.show(Told::Begin).await;
        let mut next = String::new();
        loop {
            let path = format!("{}?limit={PAGE}&continue={next}", self.kind.path);
            let body = cluster.fetch(&path, MAX_PAGE, self.limit).await?;
            self.link.sign();
            let page: Page<'_> = serde_json::from_slice(&body)
                .map_err(|error| RawError::Silent(format!("the list cannot be understood: {error}")))?;
            let meta = page.metadata;
            self.show(Told::Page(page.items)).await;
            drop(body);
            if meta.next.is_empty() {
                self.version = Some(meta.version);
                self.show(Told::Done).await;
                return Ok(());
            }
            next = url::form_urlencoded::byte_serialize(meta.next.as_bytes()).collect();
        }
    }

    async fn watch(&mut self, cluster: &Cluster, rest: &mut Rest) -> Result<End, End> {
        let version = self.version.as_deref().unwrap_or_default();
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&resourceVersion={version}",
            self.kind.path
        );
        let mut lines = cluster.lines(&path, self.limit).await?;
        self.show(Told::Open).await;
        loop {
            let line = match timeout(SILENCE, lines.next()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) | Err(_) => return Ok(End::Resumes),
                Ok(Err(error)) => {
                    tracing::debug!(kind = self.kind.name, %error, "a watch broke");
                    self.link.suspect();
                    return Ok(End::Resumes);
                }
            };
            rest.over();
            self.link.sign();
            if let Some(end) = self.line(&line).await {
                return Ok(end);
            }
        }
    }

    /// Takes a line; says why the watch is over, if it is.
    async fn line(&mut self, line: &[u8]) -> Option<End> {
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else {
            // Not even the frame: what it told of is not known, so everything is read anew.
            return Some(End::Expired);
        };
        if line.kind == "ERROR" {
            return Some(refusal(line.object));
        }
        let identity: Identity = serde_json::from_str(line.object.get()).unwrap_or_default();
        if !identity.metadata.resource_version.is_empty() {
            self.version = Some(identity.metadata.resource_version.clone());
        }
        match line.kind {
            "BOOKMARK" => {}
            "DELETED" => {
                self.show(Told::Gone(identity.metadata.key())).await;
            }
            _ => {
                if self.kind.beats {
                    self.link.beat();
                }
                self.show(Told::Put(line.object)).await;
            }
        }
        None
    }

    /// Says why a request failed; gives how long nothing is asked now.
    async fn failed(&mut self, error: &RawError, rest: &mut Rest) -> Duration {
        let kind = match error {
            RawError::Silent(_) | RawError::TooLong { .. } => {
                self.link.suspect();
                TroubleKind::Unreachable
            }
            RawError::Refused { status: 401, .. } => {
                self.link.reopen();
                TroubleKind::Forbidden
            }
            RawError::Refused { status: 403, .. } => TroubleKind::Forbidden,
            RawError::Refused { status: 404, .. } => TroubleKind::NotServed,
            RawError::Refused { .. } => TroubleKind::Unreachable,
        };
        let pause = rest.after(error);
        if !rest.is_ridden_out(error) {
            let message = format!("{}: {error}", self.kind.name);
            tracing::debug!(kind = self.kind.name, %error, "not read");
            self.show(Told::Trouble(kind, message)).await;
        }
        pause
    }
}

fn refusal(object: &RawValue) -> End {
    let refusal: Refusal = serde_json::from_str(object.get()).unwrap_or_default();
    RawError::Refused {
        status: refusal.code,
        retry_after: None,
        message: refusal.message,
    }
    .into()
}
