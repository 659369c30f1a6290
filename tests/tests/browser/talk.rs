//! What scenarios ask of the world behind the appliance: a line with a JSON array of words, answered by a
//! line with `{"ok": …}` or `{"error": "…"}`, on a loopback socket. One question at a time.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::world::World;

/// Where scenarios ask.
pub(crate) struct Talk {
    listener: TcpListener,
    port: u16,
}

impl Talk {
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("listening for the scenarios")?;
        let port = listener.local_addr().context("asking for the port")?.port();
        Ok(Self { listener, port })
    }

    /// The port on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Answers until it is dropped.
    ///
    /// # Errors
    /// The socket is gone. What the world cannot do is an answer, which fails the scenario.
    pub(crate) async fn answer(&self, world: &mut World) -> Result<()> {
        loop {
            let (mut stream, _) = self.listener.accept().await.context("meeting a scenario")?;
            let (reader, mut writer) = stream.split();
            let mut questions = BufReader::new(reader).lines();
            while let Ok(Some(question)) = questions.next_line().await {
                let answer = match answer(world, &question).await {
                    Ok(value) => json!({ "ok": value }),
                    Err(error) => json!({ "error": format!("{question}: {error:#}") }),
                };
                if writer.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    }
}

async fn answer(world: &mut World, question: &str) -> Result<Value> {
    let words: Vec<String> = serde_json::from_str(question).context("reading the question")?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.act(&words).await
}
