//! What the checks of host and network do to an install: what stops it, what is waived, what is found later.

use std::net::UdpSocket;

use anyhow::{Context, Result, ensure};
use appliance_common::agent_api::{HostFacts, OsRelease};
use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_common::testing::{FakeAgent, host_root};
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::SubmitError;
use appliance_control_plane::setup::checkup::Checkup;
use appliance_control_plane::setup::inputs::{NetworkAnswers, RawInputs};
use serde_json::{Value, json};

use crate::objects::ours;
use crate::refused::nothing_is_applied;
use crate::scene::{answers, ended, reading, released, submit};
use crate::site::Site;

const CPUINFO: &str = "proc/cpuinfo";
const HOSTNAME: &str = "proc/sys/kernel/hostname";
const ONE_CORE: &str = "processor : 0\nflags : cx16 lahf_lm popcnt sse4_2 ssse3\n";

async fn run(site: &Site, setup: &Setup, answers: &Value) -> Result<Value> {
    submit(setup, answers).await?;
    ended(setup).await?;
    released(&site.volume).await?;
    site.volume.document(file::INSTALL_STATE)
}

fn on_host(site: &Site, path: &str, text: &str) -> Result<()> {
    Ok(host_root::write(site.volume.host.path(), path, text)?)
}

fn check<'a>(state: &'a Value, id: &str) -> Result<&'a Value> {
    let checks = state["preflight"]["checks"]
        .as_array()
        .context("no checks in the state document")?;
    checks
        .iter()
        .find(|check| check["id"] == id)
        .context("no such check")
}

#[tokio::test]
async fn the_versions_that_are_kept_are_the_hosts_own_word() -> Result<()> {
    let mut site = Site::start().await?;
    let agent = FakeAgent::start()?;
    agent.set_facts(HostFacts {
        os: Some(OsRelease {
            id: Some("ubuntu".to_owned()),
            version_id: Some("24.04".to_owned()),
            pretty_name: Some("Ubuntu 24.04.3 LTS".to_owned()),
        }),
        k3s_version: Some("v1.36.3+k3s1".to_owned()),
        ..HostFacts::default()
    });
    site.volume.settings.preflight.host_agent_socket = agent.socket();
    let state = run(&site, &site.open(), &answers()).await?;
    assert_eq!(state["status"], "release-config-complete", "{state:#}");
    let kept = site.volume.document(file::MAINTENANCE_METADATA)?;
    assert_eq!(
        (&kept["host"]["os"]["id"], &kept["k3s"]["version"]),
        (&json!("ubuntu"), &json!("v1.36.3+k3s1"))
    );
    assert_eq!(kept["history"][0]["kind"], "setup");
    Ok(())
}

#[tokio::test]
async fn a_damaged_record_of_versions_is_kept_beside_and_begun_anew() -> Result<()> {
    let site = Site::start().await?;
    let path = site.volume.path(file::MAINTENANCE_METADATA);
    let torn = br#"{"updatedAt": "2026-01-02T03:04:05.678Z", "host": {"os"#;
    appliance_common::state_file::replace(&path, torn, 0o600)?;
    let state = run(&site, &site.open(), &answers()).await?;
    assert_eq!(state["status"], "release-config-complete", "{state:#}");
    assert_eq!(
        site.volume.document(file::MAINTENANCE_METADATA)?["app"]["selectedReleaseVersion"],
        "1.0.0"
    );
    let mut aside = Vec::new();
    for entry in std::fs::read_dir(site.volume.dir.path())? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("maintenance-metadata.json.corrupt-")
        {
            aside.push(std::fs::read(entry.path())?);
        }
    }
    assert_eq!(aside, [torn.to_vec()], "it is kept as it was found");
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_not_fit_stops_the_install_until_it_is_mended_or_waived() -> Result<()> {
    let site = Site::start().await?;
    on_host(&site, CPUINFO, ONE_CORE)?;
    on_host(&site, HOSTNAME, "Alga_Box\n")?;
    let setup = site.open();
    let mut waiving = answers();
    let state = run(&site, &setup, &waiving).await?;
    let failure = &state["failure"];
    assert_eq!(
        (
            &state["status"],
            &state["phase"],
            &failure["step"],
            &failure["code"]
        ),
        (
            &json!("preflight-blocked"),
            &json!("preflight"),
            &json!("check-host"),
            &json!("hostname-valid")
        )
    );
    assert_eq!(
        failure["message"],
        "Host name: \"Alga_Box\" cannot be the name of a node (and 1 other finding)"
    );
    assert_eq!(
        (&failure["retrySafe"], &failure["transient"]),
        (&json!(true), &json!(false))
    );
    nothing_is_applied(&site).await?;

    strict_is_no_waiver(&setup).await?;
    on_host(&site, HOSTNAME, "alga-appliance\n")?;
    waiving["waivedChecks"] = json!(["cpu-cores", "disk-space", "disk-space-data", "inode-space"]);
    let state = run(&site, &setup, &waiving).await?;
    assert_eq!(state["status"], "release-config-complete", "{state:#}");
    let cores = check(&state, "cpu-cores")?;
    assert_eq!(
        (&cores["outcome"], &cores["waived"]),
        (&json!("fail"), &json!(true))
    );
    assert_eq!(
        check(&state, "memory-total")?,
        &json!({"id": "memory-total", "outcome": "pass"})
    );
    for key in ["dns", "release", "ghcr", "egress"] {
        ensure!(
            state["preflight"][key].is_object(),
            "{key}: {:#}",
            state["preflight"]
        );
    }
    let stored = site.volume.document(file::SETUP_INPUTS)?;
    ensure!(
        stored["waivedChecks"]
            .as_array()
            .is_some_and(|ids| ids.contains(&json!("cpu-cores")))
    );
    drift_is_found(&site, setup).await
}

/// A strict check is refused as a waiver.
async fn strict_is_no_waiver(setup: &Setup) -> Result<()> {
    let mut waiving = answers();
    waiving["waivedChecks"] = json!(["hostname-valid"]);
    let refused = setup.submit(&reading(&waiving)?).await;
    let Err(SubmitError::Invalid(errors)) = refused else {
        anyhow::bail!("taken: {refused:?}");
    };
    ensure!(
        errors.fields["waivedChecks"].contains("cannot be waived"),
        "{errors:?}"
    );
    Ok(())
}

/// After the install the host changes, and the watch names what.
async fn drift_is_found(site: &Site, setup: Setup) -> Result<()> {
    let checkup = Checkup::new(setup, Clock::system());
    checkup.look().await;
    assert_eq!(checkup.last()["drift"], false);
    on_host(site, "proc/sys/net/ipv4/ip_forward", "0\n")?;
    on_host(site, "proc/swaps", "Filename\n/swap.img file 1 0 -2\n")?;
    checkup.look().await;
    let last = checkup.last();
    let ids: Vec<_> = last["changed"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| &line["id"])
        .collect();
    assert_eq!(
        (&last["drift"], ids),
        (
            &json!(true),
            vec![&json!("sysctl-ip-forward"), &json!("swap-off")]
        )
    );
    assert_eq!(last["report"], Value::Null, "nobody asked");
    Ok(())
}

#[tokio::test]
async fn a_dns_server_that_does_not_answer_is_named_in_the_headline() -> Result<()> {
    let mut site = Site::start().await?;
    let right = site.volume.settings.registry.clone();
    let silent = UdpSocket::bind("127.0.0.1:0")?;
    site.volume.settings.registry.host = "registry.example.test".parse()?;
    let setup = site.open();
    let mut custom = answers();
    custom["dnsMode"] = json!("custom");
    custom["dnsServers"] = json!(silent.local_addr()?.to_string());
    let state = run(&site, &setup, &custom).await?;
    let message = format!(
        "DNS server {} does not answer for the registry",
        silent.local_addr()?
    );
    assert_eq!(
        (
            &state["phase"],
            &state["failure"]["step"],
            &state["failure"]["message"]
        ),
        (&json!("dns"), &json!("resolve-registry-host"), &json!(message))
    );
    drop(setup);

    site.volume.settings.registry = right;
    let setup = site.open();
    let state = run(&site, &setup, &answers()).await?;
    assert_eq!(state["status"], "release-config-complete", "{state:#}");
    Ok(())
}

#[tokio::test]
async fn check_again_looks_at_host_network_and_release_and_writes_nothing() -> Result<()> {
    let site = Site::start().await?;
    on_host(&site, CPUINFO, ONE_CORE)?;
    let checkup = Checkup::new(site.open(), Clock::system());
    let before = std::fs::read_dir(site.volume.dir.path())?.count();
    let asked = NetworkAnswers::from_request(&RawInputs::from_json(b"{}")?)?;
    let (found, second) = tokio::join!(checkup.run(&asked), checkup.run(&asked));
    ensure!(second.is_err(), "two at a time");
    let Ok(found) = found else {
        anyhow::bail!("busy");
    };
    let checks = found["report"]["checks"].as_array().context("no checks")?;
    let of = |id: &str| {
        checks
            .iter()
            .find(|check| check["id"] == id)
            .context("no such check")
    };
    assert_eq!(of("cpu-cores")?["outcome"], "fail");
    assert_eq!(of("egress-registry")?["outcome"], "pass");
    assert_eq!(
        (&found["release"]["ok"], &found["release"]["version"]),
        (&json!(true), &json!("1.0.0"))
    );
    ensure!(found["ageSeconds"].as_i64() <= Some(5));
    assert_eq!(std::fs::read_dir(site.volume.dir.path())?.count(), before);
    ensure!(ours(&site.client).await?.is_empty());
    Ok(())
}
