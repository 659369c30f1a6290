//! The analysis as text.

use std::fmt::Write;

use super::{Analysis, Severity};

pub(super) fn text(analysis: &Analysis) -> String {
    let mut out = String::new();
    let of = |severity| {
        analysis
            .findings
            .iter()
            .filter(move |finding| finding.severity == severity)
    };
    match analysis
        .findings
        .first()
        .filter(|first| first.severity == Severity::Fail)
    {
        // Writing to a String does not fail.
        Some(first) => drop(writeln!(out, "Probable cause: {}\n", first.title)),
        None => out.push_str("Nothing that was looked at has failed.\n\n"),
    }
    for (severity, word) in [(Severity::Fail, "FAIL"), (Severity::Warn, "warn")] {
        for finding in of(severity) {
            let _ = writeln!(out, "{word}  {} — {}", finding.id, finding.title);
            for line in finding.detail.lines() {
                let _ = writeln!(out, "      {line}");
            }
            let _ = writeln!(out, "      seen in: {}", finding.evidence.join(", "));
            let _ = writeln!(out, "      next: {}\n", finding.next_step);
        }
    }
    let passed: Vec<_> = of(Severity::Pass).map(|finding| finding.id.as_str()).collect();
    let _ = writeln!(out, "pass  {}: {}", passed.len(), passed.join(" "));
    out
}
