//! The console on a pseudo-terminal: what a person sees and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

/// Longest time one question may take to appear.
const LIMIT: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct Pty {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How far the screen was read.
    read: usize,
}

impl Pty {
    #[expect(clippy::disallowed_methods, reason = "the program under test, on a terminal")]
    pub(crate) fn start(program: &str, url: &str, token_file: &Path) -> Result<Self> {
        let pty = openpty(None, None)?;
        let child = Command::new(program)
            .arg("setup")
            .env("ALGA_APPLIANCE_URL", url)
            .env("ALGA_APPLIANCE_TOKEN_FILE", token_file)
            .stdin(pty.slave.try_clone()?)
            .stdout(pty.slave.try_clone()?)
            .stderr(pty.slave.try_clone()?)
            .spawn()?;
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut master, shown) = (File::from(pty.master.try_clone()?), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                shown
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&bytes[..count]);
            }
        });
        Ok(Self {
            child,
            keyboard: File::from(pty.master),
            terminal: pty.slave,
            screen,
            read: 0,
        })
    }

    /// Everything that was on the screen.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until a text appears after what was read before.
    pub(crate) fn see(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let seen = self.seen();
            if let Some(at) = seen.get(self.read..).and_then(|rest| rest.find(text)) {
                self.read += at + text.len();
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{text:?} does not appear: {seen}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits for a question, and types the answer once its prompt is there.
    pub(crate) fn answer(&mut self, question: &str, answer: &str) -> Result<()> {
        self.see(question)?;
        self.see(": ")?;
        writeln!(self.keyboard, "{answer}").context("typing")
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> Result<bool> {
        Ok(tcgetattr(&self.terminal)?.local_flags.contains(LocalFlags::ECHO))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Its exit code, and the screen.
    pub(crate) fn wait(&mut self) -> Result<(Option<i32>, String)> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status.code(), self.seen()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!("it does not end: {}", self.seen())
    }

    pub(crate) fn end(mut self) -> Result<(Option<i32>, String)> {
        self.wait()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Errors mean that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
