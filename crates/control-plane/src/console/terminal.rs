//! The terminal: questions, hidden answers, and its settings put back however we end.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use appliance_common::secret::Secret;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::error::ConsoleError;

/// The screen, and the keyboard if there is one.
#[derive(Clone)]
pub(super) struct Terminal {
    is_interactive: bool,
    /// What the keyboard's settings were, while they are ours.
    before: Arc<Mutex<Option<Termios>>>,
}

impl Terminal {
    pub(super) fn open() -> Self {
        Self {
            is_interactive: io::stdin().is_terminal(),
            before: Arc::default(),
        }
    }

    /// Whether a person can be asked.
    pub(super) fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    /// A line of progress. Output that nobody reads any more is not a reason to stop.
    #[expect(clippy::unused_self, reason = "whoever may write has the terminal")]
    pub(super) fn say(&self, text: &str) {
        let _ = writeln!(io::stdout(), "{}", printable(text));
    }

    /// A line for the operator's attention.
    #[expect(clippy::unused_self, reason = "whoever may write has the terminal")]
    pub(super) fn warn(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(text));
    }

    /// Asks, showing what is taken for an empty answer.
    pub(super) async fn ask(&self, question: &str, default: &str) -> Result<String, ConsoleError> {
        let shown = match default {
            "" => format!("{question}: "),
            default => format!("{question} [{default}]: "),
        };
        let typed = read_line(move || prompt(&shown)).await?;
        let typed = typed.trim();
        Ok(if typed.is_empty() { default } else { typed }.to_owned())
    }

    /// Asks for yes or no, until it is one of them.
    pub(super) async fn confirm(&self, question: &str, default: bool) -> Result<bool, ConsoleError> {
        let choices = if default { "Y/n" } else { "y/N" };
        loop {
            let typed = self.ask(&format!("{question} ({choices})"), "").await?;
            match typed.to_ascii_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.warn("Please answer y or n."),
            }
        }
    }

    /// Asks without showing what is typed; every byte but the line end is kept.
    pub(super) async fn ask_hidden(&self, question: &str) -> Result<Secret<String>, ConsoleError> {
        let hidden = Hidden::begin(self)?;
        let shown = format!("{question}: ");
        // After the echo is off: whoever types as soon as they are asked is not seen.
        let typed = read_line(move || prompt(&shown)).await;
        drop(hidden);
        typed.map(Secret::new)
    }

    /// Puts the keyboard's settings back, if they are not what they were.
    pub(super) fn restore(&self) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = before.take()
            && let Err(error) = tcsetattr(io::stdin(), SetArg::TCSANOW, &before)
        {
            self.warn(&format!(
                "the terminal's settings were not put back ({error}): type `stty sane`"
            ));
        }
    }
}

/// As long as it lives, what is typed is not shown.
struct Hidden(Terminal);

impl Hidden {
    fn begin(terminal: &Terminal) -> Result<Self, ConsoleError> {
        let before = tcgetattr(io::stdin()).map_err(ConsoleError::TerminalMode)?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL);
        *terminal.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let guard = Self(terminal.clone());
        // Flushes what was typed before the question, which was shown.
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &hidden).map_err(ConsoleError::TerminalMode)?;
        Ok(guard)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.restore();
    }
}

fn prompt(question: &str) {
    let mut out = io::stderr();
    let _ = write!(out, "{}", printable(question));
    let _ = out.flush();
}

/// A line of standard input without its end, read where it may take as long as the operator likes.
async fn read_line(ask: impl FnOnce() + Send + 'static) -> Result<String, ConsoleError> {
    let read = tokio::task::spawn_blocking(move || {
        ask();
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map(|length| (length, line))
    });
    let read = read.await.map_err(io::Error::other).and_then(|read| read);
    let (length, line) = read.map_err(ConsoleError::Terminal)?;
    if length == 0 {
        return Err(ConsoleError::InputEnded);
    }
    let line = Secret::new(line);
    Ok(line.expose().trim_end_matches(['\n', '\r']).to_owned())
}

/// Texts come from a server: none of them moves the cursor or changes colours.
pub(super) fn printable(text: &str) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_elsewhere_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\r\nc\u{9b}31m"), "a [2Jb \nc 31m");
    }
}
