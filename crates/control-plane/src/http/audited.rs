//! What an operator does, done to its end and written down, whoever stops waiting.

use std::future::Future;
use std::net::IpAddr;

use super::Peer;
use super::error::{ApiError, ApiResult};
use crate::app::App;
use crate::auth::{AuditEvent, Session};

/// Who does something.
pub(super) struct Who {
    peer: IpAddr,
    session: String,
}

impl Who {
    pub(super) fn of(peer: Peer, session: &Session) -> Self {
        let session = session.id().to_owned();
        Self {
            peer: peer.0,
            session,
        }
    }

    pub(super) async fn record(&self, app: &App, event: &'static str, result: &'static str) {
        let event = AuditEvent {
            event,
            peer: self.peer,
            session: Some(&self.session),
            result,
        };
        app.audit.record(event).await;
    }
}

/// Does `work` to its end and notes who did it and what came of it, also when the client has gone.
pub(super) async fn audited<T: Send + 'static>(
    app: &App,
    (peer, session): (Peer, &Session),
    event: &'static str,
    work: impl Future<Output = ApiResult<T>> + Send + 'static,
) -> ApiResult<T> {
    let (app, who) = (app.clone(), Who::of(peer, session));
    let done = tokio::spawn(async move {
        let result = work.await;
        let came_of_it = result.as_ref().map_or_else(ApiError::code, |_| "ok");
        who.record(&app, event, came_of_it).await;
        result
    });
    done.await.unwrap_or_else(|_| Err(ApiError::panicked()))
}
