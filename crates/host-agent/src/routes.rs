//! Which request is answered by what (50 §8, decision 19).

use std::sync::Arc;

use appliance_common::agent_api::{
    AgentRefusal, ConvergeStorage, ResetEnd, ResetReply, ResetRequest, RightsConverged, SetupRights,
    UpgradeStarted, route,
};
use appliance_common::process::chain;
use appliance_kubectl_queue::Starter;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::bundle::Bundles;
use crate::facts::K3sVersion;
use crate::rescue::Rescue;
use crate::settings::Settings;
use crate::storage::{self, ConvergeError};
use crate::upgrade::{self, Upgrades};
use crate::{facts, operations, reset, rights};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What the agent can do, as `GET /v1/health` tells it.
const CAPABILITIES: [&str; 8] = [
    "support-bundle",
    "host-facts",
    "storage-converge",
    "control-plane-upgrade",
    "operations",
    "port-release",
    "setup-rights",
    "reset",
];

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) settings: Settings,
    pub(crate) starter: Starter,
    pub(crate) rescue: Rescue,
    pub(crate) upgrades: Upgrades,
    /// One reset is asked for at a time.
    pub(crate) resets: Mutex<()>,
    pub(crate) k3s_version: K3sVersion,
    bundles: Bundles,
}

impl Agent {
    pub(crate) fn new(settings: Settings, starter: Starter) -> Self {
        Self {
            settings,
            starter,
            rescue: Rescue::default(),
            upgrades: Upgrades::default(),
            resets: Mutex::default(),
            k3s_version: K3sVersion::default(),
            bundles: Bundles::default(),
        }
    }

    /// Answers one request. Nothing but a capture waits for another program, and nothing waits for a capture.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        method: &Method,
        target: &str,
        body: &Bytes,
    ) -> Response<Full<Bytes>> {
        match (method, target) {
            (&Method::GET, route::HEALTH) => ok(&json!({
                "ok": true, "service": "alga-host-agent", "version": env!("CARGO_PKG_VERSION"),
                "capabilities": CAPABILITIES,
                "k3sVersion": self.k3s_version.known(&self.settings),
            })),
            (&Method::POST, route::SUPPORT_BUNDLE) => ok(self.bundles.collect(self).await.as_ref()),
            (&Method::GET, route::HOST_FACTS) => ok(&facts::read(self).await),
            (&Method::POST, route::STORAGE_CONVERGE) => self.converge(body).await,
            (&Method::POST, route::CONTROL_PLANE_UPGRADE) => self.upgrade().await,
            (&Method::POST, route::PORT_RELEASE) => {
                let released = self.rescue.release().await;
                ok(&json!({"ok": true, "released": released}))
            }
            (&Method::POST, route::SETUP_RIGHTS) => self.rights(body).await,
            (&Method::POST, route::RESET) => self.reset(body).await,
            (&Method::GET, route::OPERATIONS) => ok(&operations::read(&self.settings)),
            _ => refusal(StatusCode::NOT_FOUND, "not found"),
        }
    }

    async fn upgrade(self: &Arc<Self>) -> Response<Full<Bytes>> {
        match upgrade::start(self).await {
            Ok(started) => {
                let answer = UpgradeStarted {
                    ok: true,
                    started,
                    already_running: !started,
                };
                respond(StatusCode::ACCEPTED, &answer)
            }
            Err(error) if error.is_busy() => refusal(StatusCode::CONFLICT, &chain(&error)),
            Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error)),
        }
    }

    async fn rights(&self, body: &Bytes) -> Response<Full<Bytes>> {
        let asked = if body.is_empty() {
            Ok(SetupRights::default())
        } else {
            serde_json::from_slice(body)
        };
        let Ok(asked) = asked else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "the body must be empty, {\"wanted\": true} or {\"wanted\": false}",
            );
        };
        match rights::converge(&self.settings, asked).await {
            Ok(()) => ok(&RightsConverged {
                ok: true,
                wanted: asked.wanted,
            }),
            Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error)),
        }
    }

    async fn reset(&self, body: &Bytes) -> Response<Full<Bytes>> {
        let request: ResetRequest = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => {
                let wanted = "the body must be {\"step\": \"plan\" or \"apply\", \"scope\": \"data\", \"app\" or \"factory\", …}";
                return refusal(StatusCode::BAD_REQUEST, &format!("{wanted}: {error}"));
            }
        };
        let answer = match reset::ask(self, &request).await {
            Ok(reset::Asked::Ended(answer)) => answer,
            Ok(reset::Asked::UnderWay(reply)) => return respond(StatusCode::ACCEPTED, &reply),
            Err(error @ reset::ResetError::UnderWay) => {
                return refusal(StatusCode::CONFLICT, &chain(&error));
            }
            Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error)),
        };
        match answer.end {
            ResetEnd::Done => ok(&ResetReply {
                ok: true,
                is_under_way: false,
                text: answer.text,
            }),
            ResetEnd::Refused => refusal(StatusCode::BAD_REQUEST, &answer.text),
            ResetEnd::Busy => refusal(StatusCode::CONFLICT, &answer.text),
            ResetEnd::Failed => refusal(StatusCode::INTERNAL_SERVER_ERROR, &answer.text),
        }
    }

    async fn converge(self: &Arc<Self>, body: &Bytes) -> Response<Full<Bytes>> {
        let Ok(ConvergeStorage { mode }) = serde_json::from_slice(body) else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "the body must be {\"mode\": \"look\"} or {\"mode\": \"mend\"}",
            );
        };
        let agent = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || storage::converge(&agent.settings, mode)).await;
        match done {
            Ok(Ok(converged)) => ok(&converged),
            Ok(Err(error @ ConvergeError::Busy(_))) => refusal(StatusCode::CONFLICT, &chain(&error)),
            Ok(Err(error)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error)),
            Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
}

fn ok(body: &impl Serialize) -> Response<Full<Bytes>> {
    respond(StatusCode::OK, body)
}

/// A failure as every client expects it.
pub(crate) fn refusal(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    let body = AgentRefusal {
        ok: false,
        error: error.to_owned(),
    };
    respond(status, &body)
}

fn respond(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
