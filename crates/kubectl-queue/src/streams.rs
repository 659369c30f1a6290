//! A child's three streams: what it is given is written, what it writes is read until it is closed.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::output::Keeper;
use crate::starter::Started;

/// Bytes read at once.
const READ: usize = 32 * 1024;

/// Our ends of the pipes.
#[derive(Debug)]
pub(crate) struct Streams {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Streams {
    /// Takes the pipes of a child that was started.
    pub(crate) fn of(started: &mut Started) -> io::Result<Self> {
        Ok(Self {
            stdin: started.stdin.take().map(ChildStdin::from_std).transpose()?,
            stdout: started.stdout.take().map(ChildStdout::from_std).transpose()?,
            stderr: started.stderr.take().map(ChildStderr::from_std).transpose()?,
        })
    }

    /// Serves all three; is done when nobody holds the other ends any more. Dropping it closes ours.
    pub(crate) async fn serve(self, input: &[u8], stdout: &mut Keeper, stderr: &mut Keeper) {
        tokio::join!(
            feed(self.stdin, input),
            drain(self.stdout, stdout),
            drain(self.stderr, stderr)
        );
    }
}

/// Writes all of `input`, then closes. A child that does not want it is no error.
async fn feed(into: Option<ChildStdin>, input: &[u8]) {
    let Some(mut into) = into else { return };
    if let Err(error) = into.write_all(input).await {
        tracing::debug!(%error, "a child did not read all of its input");
    }
}

/// Reads to the end, so that the child never waits for us; keeps what the keeper keeps.
async fn drain(from: Option<impl AsyncRead + Unpin>, into: &mut Keeper) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; READ];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => return,
            Ok(count) => into.take(&buffer[..count]),
            Err(error) => {
                tracing::warn!(%error, "reading what a child writes");
                return;
            }
        }
    }
}
