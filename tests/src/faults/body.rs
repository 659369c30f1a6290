//! Answers on their way back: whole, cut, or ended early.

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};

/// The connection ends here.
#[derive(Debug, thiserror::Error)]
#[error("the fault harness cut the connection")]
pub(super) struct Cut;

/// A body on its way to the client.
pub(super) type Body = UnsyncBoxBody<Bytes, Cut>;

/// The answer as it is, streamed.
pub(super) fn whole(answer: Response<Incoming>) -> Response<Body> {
    let mut answer = answer.map(|body| body.map_err(|_| Cut).boxed_unsync());
    forget_framing(answer.headers_mut());
    answer
}

/// An answer of our own.
pub(super) fn own(answer: Response<Full<Bytes>>) -> Response<Body> {
    answer.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

/// Half of the first part, then the connection ends.
pub(super) async fn cut(answer: Response<Incoming>) -> Response<Body> {
    let (mut head, half) = first_half(answer).await;
    forget_framing(&mut head.headers);
    let end = stream::once(async {
        // A body that has nothing more for the moment makes hyper flush what it has: the half leaves first.
        tokio::task::yield_now().await;
        Err(Cut)
    });
    let parts = stream::iter([Ok(Frame::data(half))]).chain(end);
    Response::from_parts(head, StreamBody::new(parts).boxed_unsync())
}

/// Half of the first part, as if that were all.
pub(super) async fn truncate(answer: Response<Incoming>) -> Response<Body> {
    let (mut head, half) = first_half(answer).await;
    forget_framing(&mut head.headers);
    head.headers.remove(CONTENT_LENGTH);
    own(Response::from_parts(head, Full::new(half)))
}

async fn first_half(answer: Response<Incoming>) -> (http::response::Parts, Bytes) {
    let (head, mut body) = answer.into_parts();
    let first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    let half = first.slice(..first.len() / 2);
    (head, half)
}

/// How a body is framed is the affair of each connection.
pub(super) fn forget_framing(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}
