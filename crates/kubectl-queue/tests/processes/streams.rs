//! What goes in and what comes out.

use std::time::Duration;

use appliance_kubectl_queue::{Keep, Launch, Outcome};

use super::harness::{run, shell};

const CAP: usize = 4096;

/// 40 case 44, W-12.
#[tokio::test]
async fn characters_that_are_written_byte_by_byte_are_whole() {
    let script = r"i=0; while [ $i -lt 40000 ]; do printf '\303'; printf '\251'; i=$((i+1)); done";
    let finished = run(shell(script)).await;
    assert_eq!(finished.stdout.text(), "é".repeat(40_000));
}

/// 40 case 45.
#[tokio::test]
async fn of_twenty_megabytes_the_cap_is_kept_and_the_rest_is_counted() {
    for keep in [Keep::Head, Keep::Tail] {
        let finished = run(shell("head -c 20000000 /dev/zero").cap(CAP).keep(keep)).await;
        let stdout = &finished.stdout;
        assert!(finished.outcome.ok(), "{finished:?}");
        assert_eq!(
            (stdout.bytes().len(), stdout.seen(), stdout.truncated()),
            (CAP, 20_000_000, true)
        );
    }
}

#[tokio::test]
async fn a_gigabyte_is_read_to_its_end_and_does_not_stay_in_memory() {
    let before = peak();
    let finished = run(shell("head -c 1073741824 /dev/zero")).await;
    assert!(finished.outcome.ok(), "{finished:?}");
    assert_eq!(
        (finished.stdout.bytes().len(), finished.stdout.seen()),
        (262_144, 1 << 30)
    );
    let grown = peak() - before;
    assert!(grown < 32 * 1024, "{grown} KiB more than before");
}

/// The most memory this process has had so far, in KiB. Other tests share it, none of them keeps much.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// W-8: of a log the newest part counts.
#[tokio::test]
async fn of_a_log_the_newest_part_is_kept() {
    let finished = run(shell("seq 1 100000").cap(CAP).keep(Keep::Tail)).await;
    let text = finished.stdout.text();
    assert!(text.ends_with("99999\n100000\n") && text.len() <= CAP, "{text}");
    let finished = run(shell("seq 1 100000").cap(CAP)).await;
    assert!(finished.stdout.text().starts_with("1\n2\n"));
}

#[tokio::test]
async fn the_two_streams_stay_apart() {
    let finished = run(shell("echo out; echo err >&2")).await;
    assert_eq!(
        (finished.stdout.text(), finished.stderr.text()),
        ("out\n".into(), "err\n".into())
    );
    assert!(!finished.stdout.truncated() && !finished.stderr.truncated());
}

#[tokio::test]
async fn input_arrives_whole_and_ends() {
    let input = "line\n".repeat(100_000);
    let finished = run(shell("cat").stdin(input.as_bytes()).cap(1 << 20)).await;
    assert_eq!(finished.stdout.text(), input);
}

#[tokio::test]
async fn without_input_there_is_nothing_to_read() {
    let finished = run(shell("cat; readlink /proc/$$/fd/0")).await;
    assert_eq!(finished.stdout.text(), "/dev/null\n");
}

/// W-11.
#[tokio::test]
async fn a_child_that_ends_before_it_has_read_its_input_has_its_own_outcome() {
    for script in ["exit 0", "exec <&-; exit 0", "head -c 1 >/dev/null"] {
        let finished = run(shell(script).stdin(vec![b'x'; 1 << 20])).await;
        assert!(finished.outcome.ok(), "{script}: {finished:?}");
    }
}

#[tokio::test]
async fn a_child_that_never_reads_its_input_is_ended_by_its_deadline() {
    let launch = shell("exec sleep 600").stdin(vec![b'x'; 1 << 20]);
    let finished = run(launch.limit(Duration::from_millis(300))).await;
    assert!(matches!(finished.outcome, Outcome::TimedOut(_)), "{finished:?}");
}

#[tokio::test]
async fn a_child_has_the_variables_it_is_given_and_no_others() {
    let finished = run(Launch::new("/usr/bin/env").env("A", "1").env("B", "b b")).await;
    assert_eq!(finished.stdout.text(), "A=1\nB=b b\n");
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let args = ["a b", "", "$HOME `id` 'x' \"y\"", "two\nlines", "--", "-c"];
    let launch = Launch::new("sh")
        .args(["-c", r#"printf '<%s>' "$0" "$@""#])
        .args(args);
    let finished = run(launch.env("PATH", "/bin:/usr/bin")).await;
    let wanted = format!("<{}>", args.join("><"));
    assert_eq!(finished.stdout.text(), wanted);
}

#[tokio::test]
async fn a_program_is_called_by_the_name_it_was_asked_for_by() {
    let finished = run(Launch::new("sh")
        .args(["-c", "echo $0"])
        .env("PATH", "/bin:/usr/bin"))
    .await;
    assert_eq!(finished.stdout.text(), "sh\n");
}

#[tokio::test]
async fn a_child_works_where_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let finished = run(shell("pwd -P").dir(dir.path())).await;
    assert_eq!(
        finished.stdout.text().trim(),
        dir.path().canonicalize().unwrap().to_str().unwrap()
    );
}

/// Our own ignores SIGPIPE, as all programs of Rust do.
#[tokio::test]
async fn a_child_does_not_inherit_that_we_ignore_broken_pipes() {
    let finished = run(shell("sed -n 's/^SigIgn:.//p' /proc/self/status")).await;
    let ignored = u64::from_str_radix(finished.stdout.text().trim(), 16).unwrap();
    assert_eq!(ignored & 1 << (13 - 1), 0, "{ignored:x}");
}
