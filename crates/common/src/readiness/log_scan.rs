//! Lines of the bootstrap Job's log that tell of an error, and what to do about those we know (40 §11).

use super::words::mentions;

/// Lines that are looked at, from the end.
const SCANNED: usize = 160;
/// Lines that are kept.
const KEPT: usize = 10;

/// The last lines that tell of an error.
pub(super) fn detected_errors(tail: &[String]) -> Vec<String> {
    let newest = &tail[tail.len().saturating_sub(SCANNED)..];
    let errors: Vec<&String> = newest.iter().filter(|line| tells_of_error(line)).collect();
    errors[errors.len().saturating_sub(KEPT)..]
        .iter()
        .map(|line| (*line).clone())
        .collect()
}

fn tells_of_error(line: &str) -> bool {
    let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word == "ERROR" || word == "FATAL")
        || ["Migration failed", "Unhandled", "Exception"]
            .iter()
            .any(|text| line.contains(text))
        || is_missing_seed_directory(line)
        || line.find("seed").is_some_and(|at| line[at..].contains("failed"))
}

fn is_missing_seed_directory(line: &str) -> bool {
    mentions(line, &["seed"])
        && mentions(line, &["director"])
        && mentions(line, &["missing", "not found", "no such file", "does not exist"])
}

/// What to do about a bootstrap that failed with these lines; `None` where no line is a known one.
pub(super) fn next_step(errors: &[String]) -> Option<&'static str> {
    let any = |is: fn(&str) -> bool| errors.iter().any(|line| is(line));
    if any(is_missing_seed_directory) {
        return Some(
            "The release lacks its seed files, which trying again does not mend: choose another release, or \
             make a support bundle and send it to support.",
        );
    }
    let no_database = |line: &str| {
        mentions(
            line,
            &[
                "econnrefused",
                "connection refused",
                "could not connect",
                "connection terminated",
                "the database system is starting",
                "getaddrinfo",
            ],
        )
    };
    if any(no_database) {
        return Some(
            "The database did not answer. See that the database (db) is ready below, then press “Repair” for \
             alga-core to run the bootstrap again.",
        );
    }
    any(|line| mentions(line, &["password authentication failed"])).then_some(
        "The database refuses the password of the release: it was made by an earlier install. Make a support \
         bundle before anything is removed.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_tell_of_an_error_are_detected_and_the_last_ten_are_kept() {
        for (line, is_error) in [
            ("2026-01-01T00:00:00Z ERROR: no seeds", true),
            ("FATAL: role does not exist", true),
            ("Migration failed", true),
            ("seed 04_users failed", true),
            ("Configured seed directory /seeds/x does not exist", true),
            ("UnhandledPromiseRejection", true),
            ("0 errors so far", false),
            ("ERRORLESS", false),
            ("all seeds done", false),
        ] {
            assert_eq!(tells_of_error(line), is_error, "{line}");
        }
        let tail: Vec<String> = (0..400).map(|number| format!("ERROR {number}")).collect();
        let kept = detected_errors(&tail);
        assert_eq!((kept.len(), kept[9].as_str()), (10, "ERROR 399"));
    }

    #[test]
    fn known_lines_have_a_next_step_of_their_own() {
        let step = |line: &str| next_step(&[line.to_owned()]).unwrap_or_default();
        assert!(step("ERROR: seed directory /x not found").contains("seed files"));
        assert!(step("ERROR connect ECONNREFUSED 10.43.0.7:5432").contains("database did not answer"));
        assert!(step("FATAL: password authentication failed for user").contains("refuses the password"));
        assert_eq!(step("ERROR: something else"), "");
    }
}
