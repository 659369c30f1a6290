//! The management password, and the console account of the machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::host::{Host, OLD_TOKEN, PROGRAM, apart, as_on, is_ci, is_root, said};

/// 30 W12, 50 W27: by its installed name; the audit log has a line, and never the token.
#[test]
fn the_management_password_is_forgotten_by_the_commands_installed_name() -> Result<()> {
    let host = Host::new()?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    host.write("state/admin-ui-credential.json", "{}")?;
    host.write("state/session-secret", "key")?;
    host.write("state/audit.log", "")?;
    host.write("tty1", "")?;
    let name = host.at("alga-appliance-reset-admin");
    symlink(PROGRAM, &name)?;
    let dry = as_on(host.0.path(), &name, &["--dry-run"]).output()?;
    ensure!(
        dry.status.success() && host.at("state/admin-ui-credential.json").exists(),
        "{}",
        said(&dry)
    );
    let run = as_on(host.0.path(), &name, &[]).output()?;
    ensure!(run.status.success(), "{}", said(&run));
    let token = host.token()?;
    ensure!(
        token.trim() != OLD_TOKEN && said(&run).contains(token.trim()),
        "{}",
        said(&run)
    );
    ensure!(!host.at("state/admin-ui-credential.json").exists() && !host.at("state/session-secret").exists());
    ensure!(host.read("tty1")?.contains(token.trim()), "the console shows it");
    let audit = host.read("state/audit.log")?;
    ensure!(
        audit.contains(r#""event":"auth.reset_admin""#) && !audit.contains(token.trim()),
        "{audit}"
    );
    let wrong = as_on(host.0.path(), &name, &["--nonsense"]).output()?;
    ensure!(wrong.status.code() == Some(2), "{}", said(&wrong));
    Ok(())
}

/// 50, case 55.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
fn somebody_who_is_not_root_is_told_to_use_sudo_and_changes_nothing() -> Result<()> {
    if !is_root() {
        ensure!(!is_ci(), "CI runs as root");
        eprintln!("not run: only root can become somebody else");
        return Ok(());
    }
    let host = Host::new()?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    host.write("state/admin-ui-credential.json", "{}")?;
    let copy = host.at("program");
    fs::copy(PROGRAM, &copy)?;
    for dir in [host.0.path().to_owned(), host.at("state")] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777))?;
    }
    let run = Command::new("setpriv")
        .args(["--reuid=1000", "--regid=1000", "--clear-groups"])
        .arg(&copy)
        .args(["reset-admin"])
        .env("ALGA_APPLIANCE_STATE_DIR", host.at("state"))
        .output()?;
    ensure!(
        run.status.code() == Some(1) && said(&run).contains("sudo"),
        "{}",
        said(&run)
    );
    ensure!(host.token()?.trim() == OLD_TOKEN && host.at("state/admin-ui-credential.json").exists());
    Ok(())
}

/// Decision 5, with the system's own `chpasswd` and `chage` on a copy of `/etc`.
#[test]
fn the_console_account_gets_a_password_that_must_be_changed_and_a_persons_own_is_left_alone() -> Result<()> {
    if !is_root() {
        ensure!(!is_ci(), "CI runs as root");
        eprintln!("not run: only root sets passwords");
        return Ok(());
    }
    let host = Host::new()?;
    host.write("tty1", "")?;
    let script = r#"cp -a /etc "$1/etc"; mount --bind "$1/etc" /etc
        echo 'alga-admin:x:1999:1999::/nonexistent:/bin/sh' >> /etc/passwd
        echo 'alga-admin:!alga-unset:19000:0:99999:7:::' >> /etc/shadow
        export ALGA_APPLIANCE_HOST_STATE_DIR="$1/host" ALGA_APPLIANCE_CONSOLE_TTYS="$1/tty1"
        run() { "$2" init-admin-credential 2>&1 | sed "s/^/said: /"; grep ^alga-admin: /etc/shadow; }
        run "$@"; cp "$1/tty1" "$1/first"; run "$@"; cmp "$1/tty1" "$1/first"
        sed -i 's/"bootId": ".*"/"bootId": "another"/' "$1/host/admin-password-state.json"
        run "$@"; chage -d 19500 alga-admin; run "$@"; run "$@""#;
    let run = apart(script, &[host.0.path(), Path::new(PROGRAM)])?;
    let said = said(&run);
    ensure!(run.status.success() && !said.contains("said:"), "{said}");
    let lines: Vec<Vec<&str>> = said
        .lines()
        .filter(|line| line.starts_with("alga-admin:"))
        .map(|line| line.split(':').collect())
        .collect();
    let [first, same, second, third, fourth] = lines.as_slice() else {
        anyhow::bail!("{said}");
    };
    ensure!(first[1].starts_with('$') && first[2] == "0", "{said}");
    ensure!(
        same == first,
        "what is begun again within a boot makes no other: {said}"
    );
    ensure!(
        second[1] != first[1] && second[2] == "0",
        "a second boot sets another: {said}"
    );
    ensure!(
        third[1] == second[1] && fourth == third,
        "a person's own is left alone: {said}"
    );
    let console = host.read("tty1")?;
    let shown: Vec<_> = console
        .lines()
        .filter_map(|line| line.strip_prefix("Temporary password: "))
        .collect();
    ensure!(shown.len() == 2 && shown[0] != shown[1], "{console}");
    let record = host.read("host/admin-password-state.json")?;
    ensure!(
        record.contains("changed") && record.contains("changedAt"),
        "{record}"
    );
    for password in shown {
        ensure!(
            !record.contains(password) && !said.contains(password),
            "the password leaked"
        );
    }
    Ok(())
}
