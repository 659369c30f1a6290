//! Taking the listen port, also from the host's rescue page (00, decision 18).

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::Instant;

/// How long the agent is given to answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// Between two attempts.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// As much of the agent's answer as is read.
const MAX_REPLY: u64 = 4096;

/// Binds `address`. While the port is in use the host agent is asked to let go of it and the bind is
/// tried again for `retry`.
pub(crate) async fn bind(address: SocketAddr, agent: &Path, retry: Duration) -> io::Result<TcpListener> {
    let until = Instant::now() + retry;
    let mut asked = false;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < until => {}
            result => return result,
        }
        if !asked {
            asked = true;
            tracing::warn!(%address, "the port is in use: asking the host agent to release it");
            ask_for_release(agent).await;
            continue;
        }
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

/// Asks the agent; whether it did shows at the next bind.
async fn ask_for_release(agent: &Path) {
    match tokio::time::timeout(ASK_LIMIT, post_release(agent)).await {
        Ok(Ok(status)) => tracing::info!(status, "the host agent answered"),
        Ok(Err(error)) => {
            tracing::warn!(%error, socket = %agent.display(), "the host agent could not be asked");
        }
        Err(_) => tracing::warn!(socket = %agent.display(), "the host agent did not answer"),
    }
}

async fn post_release(agent: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(agent).await?;
    stream
        .write_all(
            b"POST /v1/port/release HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )
        .await?;
    let mut reply = Vec::new();
    stream.take(MAX_REPLY).read_to_end(&mut reply).await?;
    let line = reply.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[tokio::test]
    async fn a_port_in_use_is_asked_for_and_taken_when_it_is_free() {
        let rescue = TcpListener::bind(loopback()).await.unwrap();
        let address = rescue.local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent.sock");
        let agent = tokio::net::UnixListener::bind(&socket).unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = agent.accept().await.unwrap();
            let mut request = [0; 24];
            stream.read_exact(&mut request).await.unwrap();
            drop(rescue);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            request
        });
        let taken = bind(address, &socket, Duration::from_secs(10)).await.unwrap();
        assert_eq!(taken.local_addr().unwrap(), address);
        assert!(answering.await.unwrap().starts_with(b"POST /v1/port/release "));
    }

    #[tokio::test]
    async fn a_port_that_stays_in_use_is_an_error() {
        let holder = TcpListener::bind(loopback()).await.unwrap();
        let address = holder.local_addr().unwrap();
        let error = bind(
            address,
            Path::new("/nonexistent/agent.sock"),
            Duration::from_millis(150),
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
