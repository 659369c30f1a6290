//! A real OCI registry on loopback.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::files;
use crate::process::{GuardedDir, Launch, Process};
use crate::tools::Tools;

/// Longest time until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How often its log is looked at meanwhile.
const POLL: Duration = Duration::from_millis(20);

/// What precedes the address in its log; the port is the kernel's choice.
const LISTENING: &str = "listening on 127.0.0.1:";

/// A running registry, plain HTTP and empty at first; dropping it stops it and removes what it stores.
#[derive(Debug)]
pub struct TestRegistry {
    process: Option<Process>,
    port: u16,
    dir: GuardedDir,
    tools: Tools,
}

impl TestRegistry {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It does not listen within half a minute; the message has the end of its log.
    pub async fn start(tools: &Tools) -> Result<Self> {
        // Whoever talks to it does so with reqwest, which wants a TLS provider even for plain HTTP. One that is
        // installed already is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = GuardedDir::new("alga-registry-")?;
        let (process, port) = start_on(tools, dir.path(), 0).await?;
        Ok(Self {
            process: Some(process),
            port,
            dir,
            tools: tools.clone(),
        })
    }

    /// `127.0.0.1:<port>`, the host part of every reference into it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops it as an outage would: connections are refused.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port, with what it stored.
    ///
    /// # Errors
    /// As [`TestRegistry::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let (process, _) = start_on(&self.tools, self.dir.path(), self.port).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Makes it stall: connections are accepted by the kernel, nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&self) -> Result<()> {
        self.running()?.pause()
    }

    /// Ends [`TestRegistry::pause`].
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.running()?.resume()
    }

    /// Process id of the server, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().context("the registry does not run")
    }
}

/// Starts a registry on a port, 0 for any, and gives the port it got.
async fn start_on(tools: &Tools, dir: &Path, port: u16) -> Result<(Process, u16)> {
    let config = json!({
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": dir.join("storage")}, "delete": {"enabled": true}},
        "http": {"addr": format!("127.0.0.1:{port}")},
    });
    let file = dir.join("config.yaml");
    files::write(&file, config.to_string().as_bytes())?;
    let args = vec!["serve".to_owned(), file.display().to_string()];
    let env = vec![("OTEL_TRACES_EXPORTER", "none".to_owned())];
    let program = tools.path("registry");
    let launch = Launch {
        name: "registry".to_owned(),
        program,
        args,
        env,
        dir: dir.to_owned(),
    };
    let mut process = Process::start(&launch)?;
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let log = process.log_tail();
        if let Some(port) = listening_port(&log) {
            return Ok((process, port));
        }
        if process.exited().context("starting the registry")?.is_some() || Instant::now() >= deadline {
            bail!("the registry does not listen; its log ends:\n{log}");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The port in a log, once its line is there.
fn listening_port(log: &str) -> Option<u16> {
    let (_, rest) = log.rsplit_once(LISTENING)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    // Something must follow, or the number may be cut.
    (digits.len() < rest.len()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::listening_port;

    #[test]
    fn the_port_is_read_only_when_the_line_is_whole() {
        let line = r#"time="…" level=info msg="listening on 127.0.0.1:41234" go.version=go1.26"#;
        assert_eq!(listening_port(line), Some(41234));
        assert_eq!(listening_port(r#"msg="listening on 127.0.0.1:412"#), None);
        assert_eq!(listening_port("starting"), None);
    }
}
