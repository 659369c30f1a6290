//! The setup token: made once, mended, never through a link.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::host::{Host, PROGRAM, apart, is_ci, is_root, said};

/// 50, case 1.
#[test]
fn a_token_is_made_once_for_the_pod_to_read_and_stays() -> Result<()> {
    let host = Host::new()?;
    ensure!(host.run(&["init-token"])?.status.success());
    let token = host.token()?;
    let groups: Vec<_> = token.trim_end().split('-').collect();
    ensure!(token.ends_with('\n') && groups.len() == 5);
    ensure!(
        groups
            .iter()
            .all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_digit()))
    );
    let meta = fs::metadata(host.at("state/setup-token"))?;
    ensure!(meta.mode() & 0o777 == 0o640, "{:o}", meta.mode());
    ensure!(
        !is_root() || (meta.uid(), meta.gid()) == (0, 10001),
        "{} {}",
        meta.uid(),
        meta.gid()
    );
    ensure!(fs::metadata(host.at("state"))?.mode() & 0o777 == 0o750);
    ensure!(host.run(&["init-token"])?.status.success());
    ensure!(host.token()? == token);
    ensure!(
        fs::read_dir(host.at("state"))?.count() == 1,
        "something else was left"
    );
    Ok(())
}

/// 50, case 2.
#[test]
fn a_damaged_token_is_made_anew_unless_a_password_was_chosen() -> Result<()> {
    let host = Host::new()?;
    for damaged in ["", "\n", "1234", "0000-0000-0000-0000-000x\n"] {
        host.write("state/setup-token", damaged)?;
        ensure!(host.run(&["init-token"])?.status.success());
        ensure!(host.token()?.len() == 25, "{damaged:?}");
    }
    host.write("state/admin-ui-credential.json", "{}")?;
    host.write("state/setup-token", "consumed\n")?;
    ensure!(host.run(&["init-token"])?.status.success());
    ensure!(host.token()? == "consumed\n");
    Ok(())
}

/// 50 W28: the shipped product's token could be read by every local user. It stays the token.
#[test]
fn a_token_that_everybody_may_read_is_closed_and_stays() -> Result<()> {
    let host = Host::new()?;
    host.write("state/setup-token", "1111-2222-3333-4444-5555\n")?;
    let path = host.at("state/setup-token");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    for _ in 0..2 {
        ensure!(host.run(&["init-token"])?.status.success());
        ensure!(host.read("state/setup-token")? == "1111-2222-3333-4444-5555\n");
        ensure!(fs::metadata(&path)?.mode() & 0o777 == 0o640);
    }
    Ok(())
}

/// 50, case 4.
#[test]
fn a_token_that_is_a_link_is_refused_and_what_it_points_at_is_untouched() -> Result<()> {
    let host = Host::new()?;
    host.write("shadow", "root:secret-canary:1\n")?;
    fs::create_dir_all(host.at("state"))?;
    symlink(host.at("shadow"), host.at("state/setup-token"))?;
    let before = fs::metadata(host.at("shadow"))?;
    for job in ["init-token", "banner"] {
        let run = host.run(&[job])?;
        ensure!((job == "banner") == run.status.success(), "{job}: {}", said(&run));
        ensure!(!said(&run).contains("secret-canary"), "{job}: {}", said(&run));
    }
    let after = fs::metadata(host.at("shadow"))?;
    ensure!((after.mode(), after.mtime(), after.len()) == (before.mode(), before.mtime(), before.len()));
    ensure!(host.read("shadow")?.contains("secret-canary"));
    Ok(())
}

/// 50, cases 5 and 54: on a full disk no empty token is left, and a password is not forgotten before there is a
/// token to choose a new one with.
#[test]
fn a_full_disk_is_named_and_costs_neither_token_nor_password() -> Result<()> {
    if !is_root() {
        ensure!(!is_ci(), "CI runs as root");
        eprintln!("not run: a small filesystem can be mounted by root only");
        return Ok(());
    }
    let host = Host::new()?;
    fs::create_dir_all(host.at("state"))?;
    let script = r#"mount -t tmpfs -o size=64k,nr_inodes=64 tmpfs "$1/state"
        echo '{}' > "$1/state/admin-ui-credential.json"; echo key > "$1/state/session-secret"
        dd if=/dev/zero of="$1/state/full" bs=1k count=64 2>/dev/null || true
        export ALGA_APPLIANCE_HOST_ROOT="$1" ALGA_APPLIANCE_STATE_DIR="$1/state" ALGA_APPLIANCE_HOST_STATE_DIR="$1/host"
        code=0; "$2" reset-admin || code=$?; echo "reset-admin $code"
        [ -e "$1/state/admin-ui-credential.json" ] && [ -e "$1/state/session-secret" ] && echo kept
        code=0; "$2" init-token || code=$?; echo "init-token $code"
        ls "$1/state""#;
    let run = apart(script, &[host.0.path(), Path::new(PROGRAM)])?;
    let said = said(&run);
    ensure!(said.contains("reset-admin 1") && said.contains("kept"), "{said}");
    ensure!(
        said.contains("init-token 1") && said.contains("No space left on device"),
        "{said}"
    );
    ensure!(said.contains("state/setup-token"), "the path is named: {said}");
    let listed = said
        .lines()
        .any(|line| line == "setup-token" || line.starts_with(".setup-token"));
    ensure!(!listed, "something was left: {said}");
    Ok(())
}
