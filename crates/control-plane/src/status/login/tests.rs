use std::sync::Mutex;

use appliance_common::readiness::observed::Workload;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A page that answers each request with the next of these, and keeps their first lines.
async fn page(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&asked);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            lines
                .lock()
                .unwrap()
                .push(request.lines().next().unwrap_or_default().to_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

async fn outcome(url: &str) -> LoginOutcome {
    probe(&OutboundSettings::default(), url.to_owned(), &Clock::system())
        .await
        .outcome
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let (url, asked) = page(&[
        "HTTP/1.1 302 Found\r\nlocation: /msp/dashboard\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    ])
    .await;
    let expected = LoginOutcome::Answered {
        status: 302,
        location: Some("/msp/dashboard".to_owned()),
    };
    assert_eq!(outcome(&url).await, expected);
    assert_eq!(*asked.lock().unwrap(), ["HEAD / HTTP/1.1"]);
}

#[tokio::test]
async fn a_server_that_does_not_know_head_is_asked_with_get_and_its_body_is_not_waited_for() {
    let (url, asked) = page(&[
        "HTTP/1.1 405 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nthe rest never comes",
    ])
    .await;
    let expected = LoginOutcome::Answered {
        status: 200,
        location: None,
    };
    assert_eq!(outcome(&url).await, expected);
    assert_eq!(*asked.lock().unwrap(), ["HEAD / HTTP/1.1", "GET / HTTP/1.1"]);
}

#[tokio::test]
async fn an_address_that_nobody_answers_is_silent_and_says_why() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let LoginOutcome::Silent(cause) = outcome(&url).await else {
        panic!("nobody listens there");
    };
    assert!(cause.contains("refused"), "{cause}");
}

#[test]
fn nobody_is_asked_without_an_address_or_a_workload_to_answer() {
    let mut observed = Observed::default();
    assert_eq!(Wanted::of(&observed), Wanted(None));
    observed.install.login_url = Some("http://psa.example".to_owned());
    assert_eq!(Wanted::of(&observed), Wanted(None));
    let key = format!("{}/{APPLICATION}", namespace::MSP);
    let available = |available| Workload {
        available,
        ..Workload::default()
    };
    observed
        .cluster
        .deployments
        .last
        .known
        .insert(key.clone(), available(0));
    let before = Wanted::of(&observed);
    assert_ne!(before, Wanted(None));
    observed.cluster.deployments.last.known.insert(key, available(1));
    assert_ne!(Wanted::of(&observed), before, "it is asked again");
}
