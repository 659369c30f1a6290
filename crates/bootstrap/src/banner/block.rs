//! One block of ours in a file of somebody else's.

const BEGIN: &str = "### BEGIN ALGA APPLIANCE SETUP ###";
const END: &str = "### END ALGA APPLIANCE SETUP ###";

/// The file with the block: in its place if it has one, else after everything and an empty line. Other text stays;
/// of several blocks, as a crash or a copy may leave them, one remains.
pub(super) fn with(file: &str, text: &str) -> String {
    let block = format!("{BEGIN}\n{}\n{END}\n", text.trim_end());
    let mut before = String::new();
    let mut after = String::new();
    let mut rest = file;
    let mut is_placed = false;
    while let Some((head, ours)) = rest.split_once(BEGIN) {
        let kept = if is_placed { &mut after } else { &mut before };
        kept.push_str(head);
        is_placed = true;
        // A block that never ends is all that is left of the file: it was cut off.
        rest = ours
            .split_once(END)
            .map_or("", |(_, tail)| tail.strip_prefix('\n').unwrap_or(tail));
    }
    if is_placed {
        return format!("{before}{block}{after}{rest}");
    }
    match rest.trim_end() {
        "" => block,
        other => format!("{other}\n\n{block}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 34.
    #[test]
    fn other_text_stays_and_there_is_one_block() {
        let first = with("Ubuntu 24.04 LTS \\n \\l\n\n", "one");
        assert_eq!(
            first,
            format!("Ubuntu 24.04 LTS \\n \\l\n\n{BEGIN}\none\n{END}\n")
        );
        assert_eq!(with(&first, "one"), first);
        let around = format!("{first}below\n");
        assert_eq!(
            with(&around, "two"),
            format!("Ubuntu 24.04 LTS \\n \\l\n\n{BEGIN}\ntwo\n{END}\nbelow\n")
        );
        let twice = format!("{first}between\n{first}below\n");
        let once = with(&twice, "two");
        assert_eq!(once.matches(BEGIN).count(), 1, "{once}");
        assert!(once.contains("between\n") && once.ends_with("below\n"));
        assert_eq!(with("", "x"), format!("{BEGIN}\nx\n{END}\n"));
        assert_eq!(
            with(&format!("a\n{BEGIN}\ncut"), "x"),
            format!("a\n{BEGIN}\nx\n{END}\n")
        );
    }
}
