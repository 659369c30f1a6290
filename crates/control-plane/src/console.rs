//! `appliance-control-plane setup`: the wizard on a terminal, or from a file of answers.
//!
//! A client of the control plane's own HTTP API and nothing else: it writes no file, so whoever runs it
//! leaves nothing behind that the pod could not read. No secret is on its command line, in its output
//! or in its errors.

mod settings;

use std::process::ExitCode;

pub use settings::ConsoleSettings;

/// Sets the appliance up as `settings` say; returns how the process ends.
#[must_use]
pub fn main(settings: ConsoleSettings) -> ExitCode {
    drop(settings);
    ExitCode::from(2)
}
