use std::time::Instant;

use super::super::{HostItem, OsRelease};
use super::*;
use crate::testing::{AgentFault, FakeAgent};

#[tokio::test]
async fn what_the_agent_knows_arrives_as_it_was_said() {
    let agent = FakeAgent::start().unwrap();
    let facts = HostFacts {
        os: Some(OsRelease {
            id: Some("ubuntu".to_owned()),
            ..OsRelease::default()
        }),
        pending_security_updates: Some(3),
        ..HostFacts::default()
    };
    agent.set_facts(facts.clone());
    let client = AgentClient::at(agent.socket());
    assert_eq!(client.host_facts().await.unwrap(), facts);
    assert_eq!(agent.requests(), ["GET /v1/host-facts"]);
}

#[tokio::test]
async fn a_look_changes_nothing_and_mending_is_done_once() {
    let agent = FakeAgent::start().unwrap();
    agent.drift([HostItem::DataRoot, HostItem::K3sSkipFile]);
    let client = AgentClient::at(agent.socket());
    let drifted = vec![HostItem::DataRoot, HostItem::K3sSkipFile];
    for _ in 0..2 {
        let looked = client.converge_storage(ConvergeMode::Look).await.unwrap();
        assert_eq!((looked.drifted, looked.changed), (drifted.clone(), Vec::new()));
    }
    let mended = client.converge_storage(ConvergeMode::Mend).await.unwrap();
    assert_eq!((mended.drifted, mended.changed), (drifted.clone(), drifted));
    let again = client.converge_storage(ConvergeMode::Mend).await.unwrap();
    assert_eq!(again, StorageConverged::default());
    assert_eq!(agent.changes(), 1);
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_its_own_answer() {
    let agent = FakeAgent::start().unwrap();
    let socket = agent.socket();
    drop(agent);
    let absent = |error: AgentError| matches!(error, AgentError::Absent { .. }) && error.is_absent();
    let client = AgentClient::at(&socket);
    assert!(absent(client.host_facts().await.unwrap_err()));
    // A socket file that nobody listens on any more.
    let dir = tempfile::tempdir().unwrap();
    let stale = dir.path().join("agent.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert!(stale.exists());
    assert!(absent(AgentClient::at(&stale).host_facts().await.unwrap_err()));
}

#[tokio::test]
async fn every_way_to_fail_has_its_own_error() {
    let agent = FakeAgent::start().unwrap();
    let client = AgentClient::at(agent.socket()).with_limit(Duration::from_millis(300));
    let refuse = |status, error: &str| AgentFault::Refuse(status, error.to_owned());
    for (fault, text) in [
        (
            refuse(404, "not found"),
            "the host agent is too old for /v1/host-facts",
        ),
        (
            refuse(409, "bootstrap is running"),
            "the host agent is busy: bootstrap is running",
        ),
        (
            refuse(500, "disk full"),
            "the host agent could not do /v1/host-facts (500 Internal Server Error): disk full",
        ),
        (
            AgentFault::Garbage,
            "the host agent's answer to /v1/host-facts cannot be understood",
        ),
        (
            AgentFault::Flood,
            "the host agent's answer to /v1/host-facts cannot be understood",
        ),
        (
            AgentFault::Silence,
            "the host agent did not answer /v1/host-facts within 0 s",
        ),
    ] {
        agent.fail(fault);
        let started = Instant::now();
        let error = client.host_facts().await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    agent.fail(AgentFault::HangUp);
    let error = client.host_facts().await.unwrap_err();
    assert!(matches!(error, AgentError::Transport { .. }), "{error:?}");
    agent.heal();
    client.host_facts().await.unwrap();
}
