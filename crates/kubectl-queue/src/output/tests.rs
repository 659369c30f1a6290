use proptest::prelude::*;

use super::*;

/// `bytes` taken in pieces of the given sizes, over and over.
fn taken(keep: Keep, cap: usize, bytes: &[u8], pieces: &[usize]) -> Keeper {
    let mut keeper = Keeper::new(keep, cap);
    let mut rest = bytes;
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        keeper.take(now);
        rest = later;
    }
    keeper
}

fn either() -> impl Strategy<Value = Keep> {
    prop_oneof![Just(Keep::Head), Just(Keep::Tail)]
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_into_reads_changes_nothing(
        keep in either(),
        cap in 1..64_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        pieces in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let output = taken(keep, cap, &bytes, &pieces).done();
        let kept = bytes.len().min(cap);
        let wanted = match keep {
            Keep::Head => &bytes[..kept],
            Keep::Tail => &bytes[bytes.len() - kept..],
        };
        prop_assert_eq!(output.bytes(), wanted);
        prop_assert_eq!(output.seen(), bytes.len() as u64);
        prop_assert_eq!(output.truncated(), bytes.len() > cap);
    }

    #[test]
    fn never_more_memory_than_the_cap_is_held(
        keep in either(),
        cap in 1..5000_usize,
        pieces in prop::collection::vec(1..3000_usize, 1..20),
    ) {
        let mut keeper = Keeper::new(keep, cap);
        for piece in pieces {
            keeper.take(&vec![b'x'; piece]);
            prop_assert!(keeper.kept.capacity() <= cap, "{} > {cap}", keeper.kept.capacity());
        }
    }

    #[test]
    fn the_cap_never_leaves_a_part_of_a_character(text in "\\PC{0,80}", keep in either(), cap in 1..100_usize) {
        let shown = taken(keep, cap, text.as_bytes(), &[1]).done().text();
        match keep {
            Keep::Head => prop_assert!(text.starts_with(&shown)),
            Keep::Tail => prop_assert!(text.ends_with(&shown)),
        }
        prop_assert!(shown.len() + MAX_REST >= text.len().min(cap), "more than one character is missing");
    }
}

#[test]
fn what_is_no_text_is_replaced_and_never_lost() {
    let output = taken(Keep::Head, 100, b"a\xffb", &[1]).done();
    assert_eq!(
        (output.text().as_str(), output.bytes()),
        ("a\u{fffd}b", &b"a\xffb"[..])
    );
}

#[test]
fn debug_shows_sizes_only() {
    let output = taken(Keep::Tail, 4, b"canary", &[6]).done();
    assert_eq!(format!("{output:?}"), "Output(4 of 6 bytes)");
}
