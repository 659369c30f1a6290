//! One request to the host agent, written by hand: what is sent and what comes back is seen as it is on the wire.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// An answer, in its parts.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Asks on a connection of its own; `limit` is the longest silence.
///
/// # Errors
/// Nobody listens, nothing comes in time, or what comes is no HTTP.
pub fn ask(socket: &Path, method: &str, path: &str, body: &str, limit: Duration) -> Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit))?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    Ok(Answer {
        status: head.split(' ').nth(1).context("no status")?.parse()?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
