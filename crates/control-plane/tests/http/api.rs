//! An API server that answers what a test says, when the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use appliance_common::state_file::replace;
use appliance_control_plane::http::Limits;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::harness::TestBox;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) body: String,
}

pub(crate) struct Api {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: tokio::task::AbortHandle,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.abort();
    }
}

impl Api {
    /// Answers each request with a status and a body.
    pub(crate) async fn answering(answer: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::playing(move |asked, stream| {
            let (status, body) = answer(&asked);
            Box::pin(reply(stream, status, body))
        })
        .await
    }

    /// Leaves each request and its socket to `play`, which answers or does not.
    pub(crate) async fn playing(
        play: impl Fn(Asked, TcpStream) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, play) = (Arc::clone(&asked), Arc::new(play));
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, play) = (Arc::clone(&seen), Arc::clone(&play));
                connections.spawn(async move {
                    if let Some(request) = request(&mut stream).await {
                        seen.lock().unwrap().push(request.clone());
                        play(request, stream).await;
                    }
                });
            }
        });
        Self {
            address,
            asked,
            stop: serving.abort_handle(),
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// A box whose cluster this is.
    pub(crate) fn a_box(&self) -> TestBox {
        box_of(self.address)
    }

    /// The same, for calls that are kept waiting.
    pub(crate) fn a_box_that_waits(&self) -> TestBox {
        box_with(self.address, "60000")
    }
}

/// A box whose cluster is at this address.
pub(crate) fn box_of(address: SocketAddr) -> TestBox {
    box_with(address, "2000")
}

fn box_with(address: SocketAddr, call_limit: &str) -> TestBox {
    let dir = tempfile::tempdir().unwrap().keep();
    let path = dir.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: \"http://{address}\"}}}}]\n\
         users: [{{name: c, user: {{}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n"
    );
    replace(&path, text.as_bytes(), 0o600).unwrap();
    let flags = [
        "--kubeconfig",
        path.to_str().unwrap(),
        "--kubectl-request-timeout-ms",
        call_limit,
        "--kubectl-api-timeout-ms",
        "60000",
    ];
    let mut a_box = TestBox::with(&flags, Limits::default());
    a_box.keep(dir);
    a_box
}

async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let mut first = head.split(' ');
    Some(Asked {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        body: String::from_utf8(body).unwrap(),
    })
}

/// One whole answer, and the end of the connection.
pub(crate) async fn reply(mut stream: TcpStream, status: u16, body: Vec<u8>) {
    let head = format!(
        "HTTP/1.1 {status} Played\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    // Whoever asked may be gone.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

/// How the API server declines.
pub(crate) fn declined(status: u16, reason: &str, message: &str) -> (u16, Vec<u8>) {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    (status, body.to_string().into_bytes())
}

/// A page of a list.
pub(crate) fn page(items: &[Value], goes_on_at: &str) -> (u16, Vec<u8>) {
    let body = json!({"metadata": {"continue": goes_on_at, "resourceVersion": "1"}, "items": items});
    (200, body.to_string().into_bytes())
}
