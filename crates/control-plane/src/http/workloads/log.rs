//! `GET /api/k8s/logs`: the end of a log at once, or a log as it is written.

use appliance_common::cluster::ContainerRun;
use appliance_common::names::namespace::MSP;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::{follow, not_a_name};
use crate::app::App;
use crate::http::Peer;
use crate::http::error::{ApiResult, ErrorBody};
use crate::http::query::{self, Query};
use crate::workloads::LogQuery;
use crate::workloads::names::{ContainerName, NamespaceName, PodName};
use crate::workloads::tail::Tailed;

/// Lines when none are asked for.
const DEFAULT_LINES: u32 = 200;
/// Most lines.
const MAX_LINES: u32 = 10_000;

/// The end of a container's log.
#[derive(Serialize, ToSchema)]
pub(super) struct Log {
    /// The pod's namespace.
    namespace: String,
    /// The pod.
    pod: String,
    /// The container, if it was named.
    #[schema(required)]
    container: Option<String>,
    /// How many lines were asked for.
    tail: u32,
    /// Whether it is the log of the run before.
    previous: bool,
    /// The newest lines, oldest first.
    lines: Vec<String>,
    /// Whether the limit of bytes left lines out.
    truncated: bool,
}

/// The end of a container's log; with `follow=1` a stream of server-sent events: `line` with a JSON array of
/// lines, and `end` with `{"reason": "ended" | "failed" | "signed_out" | "stopping"}`.
#[utoipa::path(get, path = "/api/k8s/logs", tag = "workloads",
    params(
        ("namespace" = Option<String>, Query, description = "The pod's namespace; `msp` when absent"),
        ("pod" = String, Query, description = "The pod"),
        ("container" = Option<String>, Query, description = "The container; needed when the pod has several"),
        ("tail" = Option<u32>, Query, minimum = 1, description = "Newest lines; 200 when absent, 10000 at most"),
        ("previous" = Option<String>, Query, description = "1: the run of the container before this one"),
        ("follow" = Option<String>, Query, description = "1: go on with what is written from now on"),
    ),
    responses(
        (status = 200, content((Log = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = ErrorBody, description = "`invalid_query`"),
        (status = 502, body = ErrorBody, description = "`pod_not_found`, `container_not_found`, \
            `container_not_named`, `container_not_started`, `no_previous_run`, `log_unavailable`, or `cluster_…`"),
        (status = 503, body = ErrorBody, description = "`too_many_streams`"),
    ))]
pub(super) async fn read(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    asked: Query,
) -> ApiResult<Response> {
    let query = parse(&asked)?;
    if asked.switch("follow")? {
        let following = app.workloads.follow(&query).await?;
        return Ok(follow::stream(follow::Reader { app, peer, headers }, following));
    }
    let Tailed { lines, truncated } = app.workloads.log(&query).await?;
    let log = Log {
        namespace: query.namespace.as_str().to_owned(),
        pod: query.pod.as_str().to_owned(),
        container: query.container.map(|name| name.as_str().to_owned()),
        tail: query.lines,
        previous: query.run == ContainerRun::Previous,
        lines,
        truncated,
    };
    Ok(Json(log).into_response())
}

fn parse(asked: &Query) -> ApiResult<LogQuery> {
    let Some(pod) = asked.get("pod") else {
        return Err(query::invalid("“pod” is missing: whose log is it to be?"));
    };
    let container = asked.get("container").map(ContainerName::parse).transpose();
    Ok(LogQuery {
        namespace: NamespaceName::parse(asked.get("namespace").unwrap_or(MSP)).map_err(not_a_name)?,
        pod: PodName::parse(pod).map_err(not_a_name)?,
        container: container.map_err(not_a_name)?,
        lines: asked.count("tail", DEFAULT_LINES, MAX_LINES)?,
        run: if asked.switch("previous")? {
            ContainerRun::Previous
        } else {
            ContainerRun::Current
        },
    })
}
