//! Lines of the program's own, where journald collects them: with the prefix that runbooks look for.

use std::io::{self, Write};

/// A line on standard output.
pub(crate) fn line(text: &str) {
    put(&mut io::stdout().lock(), "[alga-bootstrap]", text);
}

/// A line on standard error.
pub(crate) fn error(text: &str) {
    put(&mut io::stderr().lock(), "[alga-bootstrap]", text);
}

/// What a dry run would do, on standard output.
pub(crate) fn planned(text: &str) {
    put(&mut io::stdout().lock(), "[plan]", text);
}

fn put(out: &mut dyn Write, prefix: &str, text: &str) {
    // Nobody is left to be told when the journal is gone.
    let _ = writeln!(out, "{prefix} {text}");
}
