//! The console on a pseudo-terminal: what a person sees and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

/// Longest time one question may take to appear.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Pty {
    pid: Pid,
    /// How the program ended, once it has.
    ended: Receiver<std::io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
    keyboard: File,
    terminal: OwnedFd,
    screen: Arc<Screen>,
    /// How far the screen was read.
    read: usize,
}

/// What the program has written, and whoever waits for more of it.
#[derive(Default)]
struct Screen {
    text: Mutex<Vec<u8>>,
    written: Condvar,
}

impl Screen {
    fn show(&self, bytes: &[u8]) {
        self.text().extend_from_slice(bytes);
        self.written.notify_all();
    }

    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pty {
    #[expect(clippy::disallowed_methods, reason = "the program under test, on a terminal")]
    pub(crate) fn start(program: &str, url: &str, token_file: &Path) -> Result<Self> {
        let pty = openpty(None, None)?;
        let mut child = Command::new(program)
            .arg("setup")
            .env("ALGA_APPLIANCE_URL", url)
            .env("ALGA_APPLIANCE_TOKEN_FILE", token_file)
            .stdin(pty.slave.try_clone()?)
            .stdout(pty.slave.try_clone()?)
            .stderr(pty.slave.try_clone()?)
            .spawn()?;
        let (pid, (tell, ended)) = (Pid::from_raw(child.id().cast_signed()), channel());
        std::thread::spawn(move || tell.send(child.wait()));
        let screen = Arc::new(Screen::default());
        let (mut master, shown) = (File::from(pty.master.try_clone()?), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                shown.show(&bytes[..count]);
            }
        });
        Ok(Self {
            pid,
            ended,
            status: None,
            keyboard: File::from(pty.master),
            terminal: pty.slave,
            screen,
            read: 0,
        })
    }

    /// Everything that was on the screen.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.text()).into_owned()
    }

    /// Waits until a text appears after what was read before.
    pub(crate) fn see(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let mut shown = self.screen.text();
        loop {
            let seen = String::from_utf8_lossy(&shown);
            if let Some(at) = seen.get(self.read..).and_then(|rest| rest.find(text)) {
                self.read += at + text.len();
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "{text:?} does not appear: {seen}");
            let waited = self.screen.written.wait_timeout(shown, left);
            (shown, _) = waited.unwrap_or_else(PoisonError::into_inner);
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
        Ok(kill(self.pid, signal)?)
    }

    /// Its exit code, and the screen.
    pub(crate) fn wait(&mut self) -> Result<(Option<i32>, String)> {
        let status = if let Some(status) = self.status {
            status
        } else {
            let ended = self.ended.recv_timeout(LIMIT);
            ended.with_context(|| format!("it does not end: {}", self.seen()))??
        };
        self.status = Some(status);
        Ok((status.code(), self.seen()))
    }

    pub(crate) fn end(mut self) -> Result<(Option<i32>, String)> {
        self.wait()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Once it was waited for, its number may be somebody else's.
        if self.status.is_none() && self.ended.try_recv().is_err() {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = self.ended.recv_timeout(LIMIT);
        }
    }
}
