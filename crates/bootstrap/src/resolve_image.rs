//! `resolve-image`: which control-plane image the channel names, as far as this box may run it (10 §12.1).
//!
//! It prints the reference or nothing, and always exits 0: nothing means "keep what you have". Why is on standard
//! error, or in the JSON.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::channel::{Outcome, Source};
use crate::settings::Places;
use crate::{command, say};

/// Whom to ask, and how it is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    source: Source,
    /// Tell it as JSON, with a code for the reason
    #[arg(long)]
    json: bool,
}

/// Runs `resolve-image`.
pub(crate) fn main(places: &Places, flags: &Flags) -> ExitCode {
    let outcome = match command::runtime() {
        Ok(runtime) => runtime.block_on(flags.source.resolve(&flags.source.selection(places))),
        Err(error) => Outcome::Nothing {
            code: "internal",
            why: error.to_string(),
        },
    };
    let (text, reason) = match &outcome {
        Outcome::Image(image) => (format!("{image}\n"), None),
        Outcome::Nothing { code, why } => (String::new(), Some((code, why))),
    };
    let mut out = io::stdout().lock();
    let written = if flags.json {
        let document = json!({
            "image": reason.is_none().then_some(text.trim()),
            "code": reason.map_or("resolved", |(code, _)| *code),
            "reason": reason.map(|(_, why)| why),
        });
        writeln!(out, "{document}")
    } else {
        out.write_all(text.as_bytes())
    };
    if let Some((code, why)) = reason {
        say::error(&format!("resolve-image: {code}: {why}"));
    }
    if let Err(error) = written {
        say::error(&format!("resolve-image: writing the answer: {error}"));
    }
    ExitCode::SUCCESS
}
