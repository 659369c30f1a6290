//! The program itself: how it starts and ends.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{TestBox, assert_alive};
use super::program::{Program, program, program_over};

#[test]
fn a_number_that_does_not_parse_stops_the_start_and_is_named() {
    let output = program()
        .env("ALGA_APPLIANCE_SESSION_TTL_SECONDS", "7d")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ALGA_APPLIANCE_SESSION_TTL_SECONDS"), "{text}");
}

#[test]
fn an_optional_variable_that_is_empty_counts_as_unset() {
    let empty = [
        "ALGA_APPLIANCE_CA_BUNDLE",
        "ALGA_APPLIANCE_FLUX_MANIFEST",
        "ALGA_APPLIANCE_ALLOWED_REPOSITORIES",
    ];
    // It listens, or this panics with its log.
    Program::start(&TestBox::new(), &empty.map(|variable| (variable, "")));
}

#[test]
fn it_tells_its_version_and_its_variables() {
    let version = program().arg("--version").output().unwrap();
    assert!(version.stdout.starts_with(b"appliance-control-plane "));
    let help = program().arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for variable in [
        "ALGA_APPLIANCE_PORT",
        "ALGA_APPLIANCE_TOKEN_FILE",
        "ALGA_LICENSE_SERVICE_URL",
    ] {
        assert!(text.contains(variable), "{variable}");
    }
}

#[tokio::test]
async fn a_signal_drains_it_to_exit_code_0_and_a_second_changes_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let fresh = TestBox::new();
        let running = Program::start(&fresh, &[("ALGA_APPLIANCE_UPDATE_OWNER_MAX_AGE_MS", "soon")]);
        let address = running.address;
        assert_alive(address).await;
        kill(running.pid(), signal).unwrap();
        // The process may be gone already.
        let _ = kill(running.pid(), signal);
        let (status, log) = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(log.matches("stopping").count(), 1, "{log}");
        assert!(log.contains("ALGA_APPLIANCE_UPDATE_OWNER_MAX_AGE_MS"), "{log}");
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[test]
fn a_signal_also_ends_the_wait_for_a_port_that_is_in_use() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let fresh = TestBox::new();
    let mut waiting = program_over(&fresh)
        .env("ALGA_APPLIANCE_PORT", &port)
        .spawn()
        .unwrap();
    let log = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let mut log = log.map(Result::unwrap);
    assert!(log.any(|line| line.contains("the port is in use")));
    kill(Pid::from_raw(waiting.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}
