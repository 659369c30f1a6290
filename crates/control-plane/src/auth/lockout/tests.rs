use std::net::Ipv4Addr;

use super::*;

const POLICY: LockoutPolicy = LockoutPolicy {
    max_failures: 5,
    base: Duration::from_mins(1),
    max: Duration::from_mins(15),
};

fn peer(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0xC000_0200 + n).into()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

#[test]
fn locks_double_up_to_a_quarter_of_an_hour() {
    let mut lockouts = Lockouts::default();
    let mut now = 0;
    let mut locks = Vec::new();
    for _ in 0..10 {
        lockouts.fail(peer(1), at(now), &POLICY);
        let lock = lockouts
            .locked_for(peer(1), at(now), &POLICY)
            .map_or(0, |lock| lock.as_secs());
        locks.push(lock);
        now += i64::try_from(lock).unwrap();
        assert_eq!(
            lockouts.locked_for(peer(1), at(now), &POLICY),
            None,
            "a lock ends"
        );
    }
    assert_eq!(locks, [0, 0, 0, 0, 60, 120, 240, 480, 900, 900]);
    assert_eq!(
        lockouts.locked_for(peer(2), at(0), &POLICY),
        None,
        "others are not affected"
    );
}

#[test]
fn a_day_without_a_failure_starts_anew() {
    let mut lockouts = Lockouts::default();
    for second in 0..5 {
        lockouts.fail(peer(1), at(second), &POLICY);
    }
    let next_day = at(4 + 24 * 3600);
    lockouts.fail(peer(1), next_day, &POLICY);
    assert_eq!(lockouts.locked_for(peer(1), next_day, &POLICY), None);
}

#[test]
fn a_new_credential_forgets_and_the_same_one_does_not() {
    let mut lockouts = Lockouts::default();
    lockouts.adopt("one");
    for _ in 0..5 {
        lockouts.fail(peer(1), at(0), &POLICY);
    }
    lockouts.adopt("one");
    assert!(lockouts.locked_for(peer(1), at(0), &POLICY).is_some());
    lockouts.adopt("two");
    assert_eq!(lockouts.locked_for(peer(1), at(0), &POLICY), None);
}

#[test]
fn a_failure_taken_back_leaves_what_was() {
    let mut lockouts = Lockouts::default();
    lockouts.fail(peer(1), at(0), &POLICY);
    let one = lockouts.clone();
    let before = lockouts.fail(peer(1), at(1), &POLICY);
    lockouts.restore(peer(1), before);
    assert_eq!(lockouts, one);
    let before = lockouts.fail(peer(2), at(1), &POLICY);
    lockouts.restore(peer(2), before);
    assert_eq!(lockouts, one);
}

#[test]
fn the_table_is_bounded_and_forgets_the_oldest() {
    let mut lockouts = Lockouts::default();
    let most = u32::try_from(MAX_ENTRIES).unwrap();
    for n in 0..=most {
        lockouts.fail(peer(n), at(n.into()), &POLICY);
    }
    assert_eq!(lockouts.entries.len(), MAX_ENTRIES);
    assert!(!lockouts.entries.contains_key(&peer(0)));
    assert!(lockouts.entries.contains_key(&peer(most)));
}

#[test]
fn a_clock_set_back_does_not_lengthen_a_lock() {
    let mut lockouts = Lockouts::default();
    for _ in 0..5 {
        lockouts.fail(peer(1), at(0), &POLICY);
    }
    let lock = lockouts.locked_for(peer(1), at(-1_000_000), &POLICY).unwrap();
    assert_eq!(lock, POLICY.max);
    let later = at(-1_000_000 + 900);
    assert_eq!(lockouts.locked_for(peer(1), later, &POLICY), None, "it ends");
}

#[test]
fn a_stored_table_reads_back() {
    let mut lockouts = Lockouts::default();
    lockouts.adopt("one");
    for _ in 0..6 {
        lockouts.fail(peer(1), at(0), &POLICY);
    }
    lockouts.fail(peer(2), at(0), &POLICY);
    let text = serde_json::to_string(&lockouts).unwrap();
    assert_eq!(serde_json::from_str::<Lockouts>(&text).unwrap(), lockouts);
}
