//! `/api/control-plane/upgrade`: what a host says of it reaches the operator, and a host that says nothing is named.

use appliance_common::testing::{AgentFault, FakeAgent};
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::{Answer, Call, TestBox};
use appliance_control_plane::http::Limits;

async fn asked(on: &TestBox, cookie: &str) -> Answer {
    on.send(Call::new(Method::POST, "/api/control-plane/upgrade").cookie(cookie))
        .await
}

fn with(agent: &FakeAgent) -> TestBox {
    let socket = agent.socket().display().to_string();
    TestBox::with(&["--host-agent-socket", &socket], Limits::default())
}

#[tokio::test]
async fn the_host_is_asked_once_and_its_answer_is_passed_on() {
    let agent = FakeAgent::start().unwrap();
    let on = with(&agent);
    let cookie = on.configured().await;
    let begun = asked(&on, &cookie).await;
    assert_eq!(
        (begun.status, begun.body),
        (StatusCode::ACCEPTED, json!({"ok": true, "started": true}))
    );
    let again = asked(&on, &cookie).await;
    assert_eq!(
        again.body,
        json!({"ok": true, "started": false, "alreadyRunning": true})
    );
    assert_eq!(agent.requests(), ["POST /v1/control-plane/upgrade"; 2]);
    assert_eq!(on.read("audit.log").matches("control-plane.upgrade").count(), 2);
}

#[tokio::test]
async fn a_host_that_does_not_begin_is_told_of_as_it_is() {
    let on = TestBox::new();
    let cookie = on.configured().await;
    let absent = asked(&on, &cookie).await;
    assert_eq!(
        (absent.status, absent.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "host_agent_absent")
    );

    // 50, case 50: with its path.
    assert!(absent.body["error"].as_str().unwrap().contains("host-agent.sock"));

    let agent = FakeAgent::start().unwrap();
    let on = with(&agent);
    let cookie = on.configured().await;
    for (fault, status, code, words) in [
        // A host from before the route: pages of every age know these words.
        (
            AgentFault::Refuse(404, "not found".to_owned()),
            404,
            "host_agent_too_old",
            "not found",
        ),
        (
            AgentFault::Refuse(409, "an update is under way".to_owned()),
            409,
            "host_busy",
            "an update is under way",
        ),
        (
            AgentFault::Refuse(500, "no system bus".to_owned()),
            500,
            "host_refused",
            "no system bus",
        ),
        (AgentFault::Garbage, 502, "host_unreachable", "did not say"),
        (AgentFault::Flood, 502, "host_unreachable", "did not say"),
        (AgentFault::HangUp, 502, "host_unreachable", "did not say"),
    ] {
        agent.fail(fault.clone());
        let answer = asked(&on, &cookie).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code),
            "{fault:?}"
        );
        assert!(
            answer.body["error"].as_str().unwrap().contains(words),
            "{fault:?}: {}",
            answer.body
        );
    }
}
