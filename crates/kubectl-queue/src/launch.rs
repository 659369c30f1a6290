//! What to start, and within which bounds.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use appliance_common::secret::Secret;

use crate::output::Keep;

/// Time a child has unless its launch says otherwise (40 §9).
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// Bytes kept of each of its two streams unless its launch says otherwise (40 §9).
pub const DEFAULT_CAP: usize = 262_144;

/// The smallest cap: why a program could not be started always fits.
pub const LEAST_CAP: usize = 1024;

/// One program, its arguments as a list, and everything it is given. It inherits nothing but the working
/// directory, and that only when none is named.
///
/// Secrets go in through [`Launch::stdin`], or a variable; arguments can be read by anybody on the host. `Debug` shows
/// neither the input nor the values of variables nor the arguments.
///
/// ```
/// use std::time::Duration;
/// use appliance_kubectl_queue::{Keep, Launch};
///
/// let logs = Launch::new("kubectl")
///     .args(["-n", "msp", "logs", "db-0"])
///     .env("PATH", "/usr/bin")
///     .limit(Duration::from_secs(60))
///     .keep(Keep::Tail);
/// assert_eq!(logs.command(), "kubectl -n msp logs db-0");
/// ```
#[derive(Clone)]
pub struct Launch {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) stdin: Option<Secret<Vec<u8>>>,
    pub(crate) limit: Duration,
    pub(crate) cap: usize,
    pub(crate) keep: Keep,
}

impl Launch {
    /// A program by its path, or by a name that is looked up in the `PATH` this launch is given.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdin: None,
            limit: DEFAULT_LIMIT,
            cap: DEFAULT_CAP,
            keep: Keep::Head,
        }
    }

    /// Adds arguments; no shell ever sees them.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to its environment, which is empty at first.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The directory it works in.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// What it reads from its standard input, which is `/dev/null` otherwise. A child that does not read it, or
    /// ends before it has, is no error.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(Secret::new(bytes.into()));
        self
    }

    /// Longest time it may take. In a queue that includes the wait for its turn.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Most bytes kept of each stream; the rest is read, counted and dropped. At least [`LEAST_CAP`].
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes.max(LEAST_CAP);
        self
    }

    /// Which bytes are kept of a stream that is longer than the cap.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The command as it may be shown: what looks like a secret is masked, what is long is cut.
    #[must_use]
    pub fn command(&self) -> String {
        crate::shown::command(&self.program, &self.args)
    }

    /// The value a variable is given here; the last one counts.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        let mut given = self.env.iter().rev();
        given.find_map(|(given, value)| (given == name).then_some(value.as_os_str()))
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Launch")
            .field("command", &self.command())
            .field("variables", &variables)
            .field("dir", &self.dir)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_input_nor_values_nor_secret_arguments() {
        let launch = Launch::new("kubectl")
            .args(["--token=canary-a", "get"])
            .env("KUBE_TOKEN", "canary-b")
            .stdin("canary-c");
        let shown = format!("{launch:?}");
        assert!(
            shown.contains("KUBE_TOKEN") && !shown.contains("canary"),
            "{shown}"
        );
    }

    #[test]
    fn of_two_values_of_a_variable_the_last_counts() {
        let launch = Launch::new("x").env("PATH", "/a").env("PATH", "/b");
        assert_eq!(launch.variable("PATH"), Some(OsStr::new("/b")));
        assert_eq!(launch.variable("HOME"), None);
    }
}
