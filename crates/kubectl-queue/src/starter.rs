//! The one thread that starts children.
//!
//! The kernel sends the parent-death signal when the *thread* that started the child ends (prctl(2)). Threads
//! of an async runtime come and go, so children are started by one that stays for as long as anybody may want
//! a child or has one.

use std::io;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use appliance_common::random;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use crate::gate::Gate;
use crate::launch::Launch;
use crate::leader::{Leader, wait_apart};
use crate::program;
use crate::start_error::StartError;

/// Starts children; cheap to clone and hand down. A program makes one.
#[derive(Debug, Clone)]
pub struct Starter {
    orders: mpsc::Sender<Order>,
    gate: Gate,
}

/// A child to start, and who waits for it.
struct Order {
    command: Command,
    started: oneshot::Sender<io::Result<Unclaimed>>,
}

/// A child on its way to whoever asked for it. One that nobody takes is killed, also when it was sent already and the
/// asker went away before it looked.
#[derive(Debug)]
struct Unclaimed(Option<Child>);

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            // An error means that nobody is left who may be told.
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
            wait_apart(child);
        }
    }
}

/// A child that was started, with our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) leader: Leader,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    /// The file it executes, if its gate lets it.
    pub(crate) program: PathBuf,
    /// What the gate begins its own words with, known to nobody else.
    pub(crate) mark: String,
}

impl Starter {
    /// Begins the thread.
    ///
    /// # Errors
    /// The system has no room for another thread.
    pub fn new(gate: Gate) -> io::Result<Self> {
        let (orders, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("child-starter".to_owned());
        thread.spawn(move || serve(&received))?;
        Ok(Self { orders, gate })
    }

    /// Starts what `launch` says.
    pub(crate) async fn spawn(&self, launch: &Launch) -> Result<Started, StartError> {
        let program = program::find(launch)?;
        let mark = random::id();
        let mut command = self.gate.command(&program, launch, &mark);
        let input = match launch.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Some(answer) = self.order(command).await else {
            let source = io::Error::other("it has ended");
            return Err(StartError::ourselves(
                launch,
                "asking the thread that starts children",
                source,
            ));
        };
        let mut child = answer.map_err(|source| {
            if is_about_the_child(&source) {
                return StartError::refused(&program, source);
            }
            let (command, gate) = (launch.command(), self.gate.program().to_owned());
            StartError::Gate {
                command,
                gate,
                source,
            }
        })?;
        Ok(Started {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            leader: Leader::new(child, self.clone()),
            program,
            mark,
        })
    }

    /// Has the thread start it; nothing when the thread is gone.
    async fn order(&self, command: Command) -> Option<io::Result<Child>> {
        let (started, child) = oneshot::channel();
        self.orders.send(Order { command, started }).ok()?;
        let answer = child.await.ok()?;
        Some(answer.and_then(|mut child| {
            let taken = child.0.take();
            taken.ok_or_else(|| io::Error::other("it was taken before"))
        }))
    }
}

/// Whether executing the gate failed for something that is not the gate's: too long a command, a full host.
fn is_about_the_child(source: &io::Error) -> bool {
    let errno = source.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(Errno::E2BIG | Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
    )
}

fn serve(orders: &mpsc::Receiver<Order>) {
    for Order { mut command, started } in orders {
        if started.is_closed() {
            continue;
        }
        // Whoever asked may have gone away meanwhile.
        drop(started.send(command.spawn().map(|child| Unclaimed(Some(child)))));
    }
}
