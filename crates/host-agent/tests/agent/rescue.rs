//! The rescue page of the real program: there when nobody else is, closed to those who know nothing, gone at once when
//! the control plane wants its port.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use appliance_common::names::{file, host_file};
use appliance_common::state_file;
use appliance_tests::standins::systemd::Systemd;
use serde_json::json;

use crate::{CANARY, Host, LIMIT, until};

const TOKEN: &str = "1111-2222-3333-4444-5555";

struct Rescued {
    host: Host,
    systemd: Systemd,
    port: u16,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Rescued {
    /// A box on whose port nobody is.
    fn new() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let journal = format!("echo 'the node has no address'; echo 'DB_PASSWORD={CANARY}'");
        let variables = [
            ("ALGA_APPLIANCE_PORT", port.to_string()),
            ("ALGA_HOST_AGENT_RESCUE_ADDRESS", "127.0.0.1".to_owned()),
            ("ALGA_HOST_AGENT_RESCUE_AFTER_SECONDS", "1".to_owned()),
        ];
        let host = Host::start_with(&[("journalctl", &journal)], 1000, &variables)?;
        let token = host.at("state").join(file::SETUP_TOKEN);
        state_file::replace(&token, TOKEN.as_bytes(), 0o640)?;
        let boot = json!({
            "boundaryVersion": 1, "bootId": "b", "phase": "failed",
            "startedAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
            "steps": [{"id": "wait-kubernetes-api", "state": "failed", "attempt": 3, "error": "no node is Ready yet"}],
        });
        let record = host.at("host").join(host_file::BOOTSTRAP_STATE);
        state_file::replace(&record, boot.to_string().as_bytes(), 0o640)?;
        let systemd = Systemd::below(host.root.path())?;
        let rescued = Self { host, systemd, port };
        rescued.until_there()?;
        Ok(rescued)
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
    }

    fn until_there(&self) -> Result<()> {
        tokio::task::block_in_place(|| until("the rescue page is there", || self.connect().is_ok()))
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer> {
        tokio::task::block_in_place(|| {
            let mut stream = self.connect()?;
            stream.set_read_timeout(Some(LIMIT))?;
            let (port, length) = (self.port, body.len());
            let head =
                format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {length}\r\n");
            stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
            Ok(Answer {
                status: head.split(' ').nth(1).context("no status")?.parse()?,
                head: head.to_owned(),
                body: body.to_owned(),
            })
        })
    }

    fn sign_in(&self, secret: &str) -> Result<Answer> {
        self.ask("POST", "/rescue/sign-in", "", &format!("secret={secret}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_nothing_before_the_sign_in() -> Result<()> {
    let rescued = Rescued::new()?;
    let health = rescued.ask("GET", "/healthz", "", "")?;
    ensure!(
        health.status == 503,
        "a monitor takes it for the control plane: {}",
        health.status
    );
    let closed = rescued.ask("GET", "/", "", "")?;
    ensure!(
        closed.status == 200 && closed.body.contains("Setup token"),
        "{}",
        closed.body
    );
    ensure!(!closed.body.contains("wait-kubernetes-api") && !closed.body.contains("no node"));
    ensure!(
        closed.head.contains("content-security-policy") && closed.head.contains("no-store"),
        "{}",
        closed.head
    );
    for wrong in ["1111-2222-3333-4444-5556", "", "%"] {
        ensure!([400, 403].contains(&rescued.sign_in(wrong)?.status), "{wrong}");
    }
    ensure!(rescued.ask("POST", "/rescue/retry", "", "")?.status == 403);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_sees_what_is_wrong_and_can_begin_again() -> Result<()> {
    let rescued = Rescued::new()?;
    let signed_in = rescued.sign_in(TOKEN)?;
    ensure!(signed_in.status == 303, "{} {}", signed_in.status, signed_in.body);
    let cookie = signed_in
        .head
        .split("set-cookie: ")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    let cookie = format!("cookie: {}\r\n", cookie.context("no cookie")?);
    let open = rescued.ask("GET", "/", &cookie, "")?;
    for told in [
        "wait-kubernetes-api",
        "no node is Ready yet",
        "the node has no address",
        "k3s.service",
    ] {
        ensure!(
            open.body.contains(told),
            "{told} is not on the page: {}",
            open.body
        );
    }
    ensure!(
        !open.body.contains(CANARY),
        "a secret of the journal is on the page"
    );
    ensure!(!open.body.contains(TOKEN));

    let foreign = format!("{cookie}origin: http://elsewhere.example\r\n");
    ensure!(rescued.ask("POST", "/rescue/retry", &foreign, "")?.status == 403);
    ensure!(rescued.systemd.asked().is_empty());
    for (act, unit) in [
        ("retry", "alga-appliance-bootstrap"),
        ("reapply", "alga-control-plane-reapply"),
    ] {
        let begun = rescued.ask("POST", &format!("/rescue/{act}"), &cookie, "")?;
        ensure!(
            begun.body.contains(&format!("{unit}.service was started")),
            "{}",
            begun.body
        );
        ensure!(rescued.systemd.asked() == [format!("restart {unit}.service by replace")]);
    }
    ensure!(rescued.ask("POST", "/rescue/sign-out", &cookie, "")?.status == 303);
    ensure!(
        !rescued
            .ask("GET", "/", &cookie, "")?
            .body
            .contains("wait-kubernetes-api")
    );
    Ok(())
}

/// Decision 18.
#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_let_go_of_at_once_and_taken_again_when_nobody_is_there() -> Result<()> {
    let rescued = Rescued::new()?;
    // A visitor who says nothing keeps nobody waiting.
    let idle = rescued.connect()?;
    let release = || tokio::task::block_in_place(|| rescued.host.ask("POST", "/v1/port/release", ""));
    ensure!(release()? == (200, json!({"ok": true, "released": true})));
    let control_plane =
        TcpListener::bind((Ipv4Addr::LOCALHOST, rescued.port)).context("the port is not free")?;
    drop(idle);
    ensure!(release()? == (200, json!({"ok": true, "released": false})));
    drop(control_plane);
    rescued.until_there()?;
    let back = rescued.ask("GET", "/", "", "")?;
    ensure!(back.body.contains("rescue page"), "{}", back.body);
    ensure!(fs::metadata(rescued.host.socket()).is_ok());
    Ok(())
}

/// Guessing costs time.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_has_to_wait_even_with_the_right_word() -> Result<()> {
    let rescued = Rescued::new()?;
    for _ in 0..5 {
        ensure!(
            rescued
                .sign_in("0000-0000-0000-0000-0000")?
                .body
                .contains("not right")
        );
    }
    let right = rescued.sign_in(TOKEN)?;
    ensure!(
        right.status == 403 && right.body.contains("Try again in"),
        "{}",
        right.body
    );
    Ok(())
}
