//! `appliance-control-plane setup`, the real program against the real server: from a file, and on a terminal.

#[path = "console/box_under_test.rs"]
mod box_under_test;
#[path = "console/pty.rs"]
mod pty;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use appliance_common::names::{CONTROL_PLANE_UID, file};
use appliance_common::state_file::replace;
use appliance_common::testing::{Reply, WebServer};
use box_under_test::{Ended, PROGRAM, Server, Site, console, nowhere};
use nix::sys::signal::Signal;
use pty::Pty;
use serde_json::{Value, json};

const MANAGEMENT_PASSWORD: &str = r#"M4nage"ment\Canary"#;
const PASSWORD: &str = r#"C4nary"of\the!PSA"#;

fn answers() -> Value {
    json!({
        "managementPassword": MANAGEMENT_PASSWORD,
        "appHostname": "https://psa.example.test",
        "tenantName": "Example Ltd",
        "adminFirstName": "Ada",
        "adminLastName": "Lovelace",
        "adminEmail": "ada@example.test",
        "adminPassword": PASSWORD,
        "licenseMode": "manual",
        // The disk is this machine's own.
        "waivedChecks": ["disk-space", "disk-space-data", "inode-space"],
    })
}

/// Runs the console with these answers on its standard input.
fn with_answers(server: &Server, answers: &Value) -> Result<Ended> {
    console(
        &server.url,
        &server.token_file(),
        &["--answers", "-", "--poll-ms", "50"],
        &answers.to_string(),
    )
}

/// Nobody learns a secret from what it prints.
fn says_no_secret(text: &str) {
    for secret in [MANAGEMENT_PASSWORD, PASSWORD, "M4nage", "C4nary"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_script_installs_and_is_told_why_it_could_not() -> Result<()> {
    let mut site = Site::start().await?;
    let server = Server::start(&site.place()).await?;

    site.registry.kill();
    let blocked = with_answers(&server, &answers())?;
    assert_eq!(blocked.code, Some(1), "{blocked:?}");
    assert!(blocked.err.contains("Setup is blocked"), "{blocked:?}");
    assert!(blocked.err.contains("what to do:"), "{blocked:?}");
    says_no_secret(&format!("{blocked:?}"));

    site.registry.start_again().await?;
    let file = server.volume.path().join("answers.json");
    replace(&file, answers().to_string().as_bytes(), 0o644)?;
    let path = file.display().to_string();
    let done = console(
        &server.url,
        &server.token_file(),
        &["--answers", &path, "--poll-ms", "50"],
        "",
    )?;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("Setup is finished"), "{done:?}");
    assert!(done.out.contains("https://psa.example.test"), "{done:?}");
    assert!(done.err.contains("can be read by others"), "{done:?}");
    says_no_secret(&format!("{done:?}"));

    let again = with_answers(&server, &answers())?;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("set up already"), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_named_and_ends_with_one() -> Result<()> {
    let server = Server::start(&nowhere()).await?;
    let mut wrong = answers();
    wrong["adminEmail"] = json!("ada@example");
    wrong["channel"] = json!("beta");
    let refused = with_answers(&server, &wrong)?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for field in ["\n  adminEmail: ", "\n  channel: "] {
        assert!(refused.err.contains(field), "{refused:?}");
    }
    says_no_secret(&format!("{refused:?}"));

    let mut wrong = answers();
    wrong["managementPassword"] = json!("Wr0ng!M4nage");
    let refused = with_answers(&server, &wrong)?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("not the management password"), "{refused:?}");
    says_no_secret(&format!("{refused:?}"));
    Ok(())
}

#[tokio::test]
async fn a_box_of_the_shipped_product_that_is_installed_is_left_alone() -> Result<()> {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/shipped/release-config-complete");
    let server = Server::start(&nowhere()).await?;
    for name in [file::INSTALL_STATE, file::RELEASE_SELECTION] {
        replace(
            &server.volume.path().join(name),
            &fs::read(fixture.join(name))?,
            0o600,
        )?;
    }
    let ended = with_answers(&server, &answers())?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("nothing was changed"), "{ended:?}");
    Ok(())
}

#[test]
fn without_a_server_or_answers_it_says_what_is_missing() -> Result<()> {
    let token = Path::new("/nowhere/setup-token");
    let url = "http://127.0.0.1:9";
    let absent = console(url, token, &["--answers", "-"], &answers().to_string())?;
    assert_eq!(absent.code, Some(1), "{absent:?}");
    assert!(
        absent.err.contains("does not answer at http://127.0.0.1:9"),
        "{absent:?}"
    );
    says_no_secret(&format!("{absent:?}"));
    for (args, input, says) in [
        (
            &[][..],
            "stable\nhttps://psa.example.test\n\n\n\nK7QPM2RX\n",
            "not a terminal",
        ),
        (
            &["--answers", "-"],
            r#"{"adminPassword": "C4nary!"#,
            "not valid JSON",
        ),
        (&["--answers", "-"], "[]", "not a JSON object"),
        (
            &["--answers", "/nowhere/answers.json"],
            "",
            "/nowhere/answers.json",
        ),
        (
            &["--url", "http://192.0.2.7:8080"],
            "",
            "only accepted on this machine",
        ),
        (&["--password", "x"], "", "--password"),
    ] {
        let ended = console(url, token, args, input)?;
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.err.contains(says), "{args:?}: {ended:?}");
        says_no_secret(&format!("{ended:?}"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_ridden_out() -> Result<()> {
    let looks = AtomicUsize::new(0);
    let state = |status: &str, action: &str| {
        let state = json!({"status": status, "phase": "flux", "lastAction": action});
        Reply::ok(json!({"installState": state, "status": status}).to_string())
    };
    let server = WebServer::start(move |request| match request.target.as_str() {
        "/api/auth/state" => Reply::ok(r#"{"phase":"authenticated"}"#),
        "/api/status" => match looks.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => state("flux-install-running", "Installing \u{1b}[31mFlux"),
            2 => Reply::cut("{\"installState\": null}"),
            3 => Reply::status(503),
            4 => state("flux-source-running", "Handing over"),
            _ => state("release-config-complete", "Done"),
        },
        _ => Reply::ok("{}"),
    })
    .await?;
    let url = format!("http://{}", server.address());
    let token = Path::new("/nowhere/setup-token");
    let ended = console(
        &url,
        token,
        &["--answers", "-", "--poll-ms", "10"],
        &answers().to_string(),
    )?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = "[flux] Installing  [31mFlux\n\
                    [setup] the control plane does not answer just now; setup goes on by itself\n\
                    [flux] Handing over\nSetup is finished";
    assert!(ended.out.contains(expected), "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn state_that_root_kept_for_itself_is_no_fresh_box() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let server = Server::start_as(&nowhere(), Some(CONTROL_PLANE_UID), |volume| {
        replace(
            &volume.join(file::INSTALL_STATE),
            br#"{"status":"setup-queued"}"#,
            0o600,
        )
    })
    .await?;
    let ended = with_answers(&server, &answers())?;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("is not set up over what is there"),
        "{ended:?}"
    );
    assert!(ended.err.contains("install-state.json"), "{ended:?}");
    assert!(
        !server.volume.path().join(file::SETUP_INPUTS).exists(),
        "answers were taken"
    );
    // The console ran as root; everything that is new belongs to the pod.
    for entry in fs::read_dir(server.volume.path())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_of_the_pod = entry.metadata()?.uid() == CONTROL_PLANE_UID;
        let is_of_the_test = name == "host-root" || name == file::INSTALL_STATE;
        assert!(
            is_of_the_pod || is_of_the_test || name.starts_with("server."),
            "{name} is root's"
        );
    }
    Ok(())
}

#[tokio::test]
async fn on_a_terminal_only_what_was_not_right_is_asked_again_and_no_password_is_shown() -> Result<()> {
    let server = Server::start(&nowhere()).await?;
    let mut pty = Pty::start(PROGRAM, &server.url, &server.token_file())?;
    pty.answer("Choose a management password", "weak")?;
    pty.answer("The same again", "weak")?;
    pty.answer("Choose a management password", MANAGEMENT_PASSWORD)?;
    pty.answer("The same again", MANAGEMENT_PASSWORD)?;
    pty.answer("Install code", "")?;
    pty.answer("Install without a code", "y")?;
    pty.answer("Edition", "")?;
    pty.answer("Licence key", "")?;
    pty.answer("Company name", "Example Ltd")?;
    pty.answer("first name", "Ada")?;
    pty.answer("last name", "Lovelace")?;
    pty.answer("e-mail address", "ada@example")?;
    pty.answer("password for the application", PASSWORD)?;
    pty.answer("The same again", "something else")?;
    pty.answer("password for the application", PASSWORD)?;
    pty.answer("The same again", PASSWORD)?;
    pty.answer("Address of the application", "https://psa.example.test")?;
    pty.answer("Change DNS", "n")?;
    pty.answer("Install now?", "")?;
    // The server does not take the e-mail address; nothing else is asked again.
    pty.answer("e-mail address [ada@example]", "ada@example.test")?;
    pty.see("The answers are sent again in")?;
    pty.signal(Signal::SIGINT)?;
    let (code, seen) = pty.end()?;
    assert_eq!(code, Some(130), "{seen}");
    assert_eq!(seen.matches("Company name").count(), 1, "{seen}");
    says_no_secret(&seen);
    ensure!(
        !server.volume.path().join(file::SETUP_INPUTS).exists(),
        "it wrote answers itself"
    );
    Ok(())
}

#[tokio::test]
async fn a_signal_during_a_hidden_question_gives_the_terminal_back() -> Result<()> {
    let server = Server::start(&nowhere()).await?;
    let mut pty = Pty::start(PROGRAM, &server.url, &server.token_file())?;
    pty.see("Choose a management password")?;
    ensure!(!pty.echoes()?, "what is typed would be shown");
    pty.signal(Signal::SIGTERM)?;
    let (code, seen) = pty.wait()?;
    assert_eq!(code, Some(143), "{seen}");
    ensure!(pty.echoes()?, "the terminal stays silent");
    Ok(())
}
