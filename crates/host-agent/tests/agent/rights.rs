//! The rights of setup: a unit of systemd's, one for each direction, and its end is what is told.

use anyhow::{Result, ensure};
use appliance_common::names::unit;
use appliance_tests::standins::systemd::Systemd;
use serde_json::{Value, json};

use crate::Host;

const ROUTE: &str = "/v1/setup-rights";

fn ask(host: &Host, body: &'static str) -> Result<(u16, Value)> {
    // The stand-in answers on this test's runtime meanwhile.
    tokio::task::block_in_place(|| host.ask("POST", ROUTE, body))
}

/// Decision 17.
#[tokio::test(flavor = "multi_thread")]
async fn each_direction_is_a_unit_whose_end_is_told() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let systemd = Systemd::below(host.root.path())?;
    for (body, wanted, unit) in [
        ("", true, unit::SETUP_RIGHTS_BIND),
        (r#"{"wanted": true}"#, true, unit::SETUP_RIGHTS_BIND),
        (r#"{"wanted": false}"#, false, unit::SETUP_RIGHTS_DROP),
    ] {
        let answer = ask(&host, body)?;
        ensure!(
            answer == (200, json!({"ok": true, "wanted": wanted})),
            "{answer:?}"
        );
        ensure!(systemd.asked() == [format!("start {unit}")]);
    }
    let (status, answer) = ask(&host, r#"{"wanted": "yes"}"#)?;
    ensure!(status == 400 && answer["ok"] == false, "{answer}");
    ensure!(systemd.asked().is_empty());

    systemd.starts_as(unit::SETUP_RIGHTS_BIND, "failed");
    let (status, answer) = ask(&host, "")?;
    let why = answer["error"].as_str().unwrap_or_default();
    ensure!(
        status == 500 && why.contains("journalctl -u alga-control-plane-rights@bind"),
        "{answer}"
    );
    Ok(())
}

#[test]
fn a_host_without_systemd_says_so() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let (status, answer) = host.ask("POST", ROUTE, "")?;
    let why = answer["error"].as_str().unwrap_or_default();
    ensure!(status == 500 && why.contains("system bus"), "{answer}");
    Ok(())
}
