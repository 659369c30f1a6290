//! Another version of k3s on trial, with what systemd does.

use std::fs;

use anyhow::{Result, ensure};
use appliance_common::state_file;
use ring::digest::{SHA256, digest};

use crate::Host;

/// Its program on the machine.
const PROGRAM: &str = "opt/alga-appliance/bin/k3s";
/// The version that came with the installation.
const BEFORE: &str = "v1.36.3+k3s1";
const NEWER: &str = "v1.36.4+k3s1";
/// One that cannot read the database of the others, and leaves it worse.
const BROKEN: &str = "v1.37.66+k3s1";
const DATABASE: &str = "var/lib/rancher/k3s/server/db/state.db";

/// A program on the machine, and its SHA-256.
struct Program {
    path: String,
    sum: String,
}

/// It stays when the node is Ready with it, is put back with its database when it is not, and what a power cut stops
/// is ended by the next boot.
pub(crate) async fn is_replaced(host: &mut Host) -> Result<()> {
    let bytes = fs::read(host.machine.at(PROGRAM))?;
    let (newer, broken) = (made(host, &bytes, NEWER)?, made(host, &bytes, BROKEN)?);
    let (code, text) = replace(host, &newer.path, &broken.sum, "60")?;
    ensure!(
        code == Some(1) && text.contains("nothing was changed"),
        "{code:?} {text}"
    );
    ensure!(host.k3s()? == BEFORE, "a program with a wrong sum was taken");
    let (code, text) = replace(host, &newer.path, &newer.sum, "60")?;
    ensure!(code == Some(0) && host.k3s()? == NEWER, "{code:?} {text}");
    ensure!(host.read(DATABASE)?.ends_with(&format!("opened by {NEWER}\n")));
    let (code, text) = replace(host, &broken.path, &broken.sum, "4")?;
    ensure!(
        code == Some(3) && text.contains(&format!("{NEWER} is back")),
        "{code:?} {text}"
    );
    is_back(host)?;
    is_cut_short(host, &broken).await
}

/// Power is cut once the next program has opened the database.
async fn is_cut_short(host: &mut Host, broken: &Program) -> Result<()> {
    let unit = "systemd-run --no-block --unit=operator alga-appliance-bootstrap replace-k3s";
    let line = format!("{unit} {} --sha256 {}", broken.path, broken.sum);
    host.says(&["sh", "-c", &line])?;
    host.until("the new version has opened the database", async || {
        host.read(DATABASE).is_ok_and(|text| text.contains(BROKEN))
    })
    .await?;
    host.machine.cut_power();
    host.is_off().await?;
    host.boots("boot that puts k3s back").await?;
    is_back(host)?;
    let record = host.read("var/lib/alga-appliance-host/k3s-replacement.json")?;
    ensure!(record.contains("put-back"), "{record}");
    Ok(())
}

fn is_back(host: &Host) -> Result<()> {
    ensure!(host.k3s()? == NEWER, "the broken version stayed");
    ensure!(
        !host.read(DATABASE)?.contains(BROKEN),
        "the database is the newer one's"
    );
    let left = host.says(&[
        "sh",
        "-c",
        "ls /opt/alga-appliance/bin /var/lib/rancher/k3s/server",
    ])?;
    ensure!(!left.contains("before") && !left.contains("next"), "{left}");
    Ok(())
}

/// The stand-in as a program of another version.
fn made(host: &Host, bytes: &[u8], version: &str) -> Result<Program> {
    let path = format!("/root/k3s-{version}");
    let bytes = [bytes, format!("\nk3s-version={version}\n").as_bytes()].concat();
    state_file::replace(&host.machine.at(&path), &bytes, 0o644)?;
    Ok(Program {
        path,
        sum: hex::encode(digest(&SHA256, &bytes)),
    })
}

fn replace(host: &Host, path: &str, sum: &str, seconds: &str) -> Result<(Option<i32>, String)> {
    let command = ["alga-appliance-bootstrap", "replace-k3s", path, "--sha256", sum];
    let limit = ["--ready-timeout-seconds", seconds];
    let said = host.machine.inside(&[&command[..], &limit].concat())?;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    Ok((said.status.code(), text))
}
