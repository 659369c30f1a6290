//! What a person at the machine sees and the commands by hand: the real program on a directory that stands for
//! the host.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_common::state_file;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_alga-appliance-bootstrap");
const OLD_TOKEN: &str = "1111-2222-3333-4444-5555";
/// Longest wait for what a running program shows.
const LIMIT: Duration = Duration::from_secs(20);

struct Host(TempDir);

impl Host {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        Ok(state_file::replace(&self.at(path), text.as_bytes(), 0o600)?)
    }

    fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.at(path)).with_context(|| format!("reading {path}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        as_on(self.0.path(), Path::new(PROGRAM), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    fn token(&self) -> Result<String> {
        self.read("state/setup-token")
    }
}

#[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
fn as_on(root: &Path, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("ALGA_APPLIANCE_HOST_ROOT", root)
        .env("ALGA_APPLIANCE_STATE_DIR", root.join("state"))
        .env("ALGA_APPLIANCE_HOST_STATE_DIR", root.join("host"))
        .env(
            "ALGA_APPLIANCE_CONSOLE_TTYS",
            root.join("tty1").display().to_string(),
        )
        .stdin(Stdio::null());
    command
}

/// A shell line in a mount namespace of its own, which takes its mounts with it.
#[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
fn apart(script: &str, arguments: &[&Path]) -> Result<Output> {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec", script, "sh"])
        .args(arguments);
    Ok(command.output()?)
}

fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

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

/// 50, case 9.
#[test]
fn a_command_line_that_is_not_understood_exits_with_2_and_the_usage() -> Result<()> {
    let host = Host::new()?;
    for arguments in [
        &["--nonsense"][..],
        &["--port"],
        &["--port", "0"],
        &["--port", "x"],
        &["banner", "extra"],
    ] {
        let run = host.run(arguments)?;
        ensure!(run.status.code() == Some(2), "{arguments:?}: {}", said(&run));
        ensure!(
            String::from_utf8_lossy(&run.stderr).contains("sage"),
            "{}",
            said(&run)
        );
    }
    for arguments in [["--help"], ["--version"]] {
        let run = host.run(&arguments)?;
        ensure!(run.status.success() && !run.stdout.is_empty(), "{}", said(&run));
    }
    Ok(())
}

/// 50, cases 34 to 36; 50 W28.
#[test]
fn the_token_is_on_local_consoles_while_it_is_of_use_and_nowhere_afterwards() -> Result<()> {
    let host = Host::new()?;
    host.write("etc/issue", "Ubuntu 24.04 LTS\n### BEGIN ALGA APPLIANCE SETUP ###\nOne-time setup token: 9999-9999-9999-9999-9999\n### END ALGA APPLIANCE SETUP ###\n")?;
    host.write("tty1", "")?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    let run = host.run(&["banner"])?;
    ensure!(run.status.success(), "{}", said(&run));
    let public = [host.read("etc/issue")?, host.read("etc/motd")?, said(&run)];
    for text in &public {
        ensure!(text.contains("Setup URL: "), "{text}");
        ensure!(!text.contains(OLD_TOKEN) && !text.contains("9999-9999"), "{text}");
    }
    ensure!(public[0].starts_with("Ubuntu 24.04 LTS\n") && public[0].matches("BEGIN ALGA").count() == 1);
    ensure!(fs::metadata(host.at("etc/issue"))?.mode() & 0o777 == 0o644);
    for path in ["tty1", "run/alga-appliance-setup.txt"] {
        let line = format!("One-time setup token: {OLD_TOKEN}");
        ensure!(host.read(path)?.lines().any(|shown| shown == line), "{path}");
    }
    ensure!(fs::metadata(host.at("run/alga-appliance-setup.txt"))?.mode() & 0o777 == 0o600);

    host.write("state/admin-ui-credential.json", "{}")?;
    host.write("tty1", "")?;
    let run = host.run(&["banner"])?;
    for text in [
        host.read("etc/issue")?,
        host.read("etc/motd")?,
        host.read("run/alga-appliance-setup.txt")?,
        host.read("tty1")?,
        said(&run),
    ] {
        ensure!(!text.contains(OLD_TOKEN) && !text.contains("token:"), "{text}");
    }
    fs::remove_file(host.at("tty1"))?;
    let run = host.run(&["banner"])?;
    ensure!(
        run.status.success() && said(&run).contains("tty1"),
        "{}",
        said(&run)
    );
    Ok(())
}

/// A password that is chosen while the follower runs takes the token off everything.
#[test]
fn the_follower_shows_what_changes_and_stays_idle_otherwise() -> Result<()> {
    let host = Host::new()?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    let mut follower = host
        .command(&["banner", "--follow"])
        .stderr(Stdio::null())
        .spawn()?;
    let run_file = || host.read("run/alga-appliance-setup.txt").unwrap_or_default();
    let outcome = until("the token is shown", || run_file().contains(OLD_TOKEN)).and_then(|()| {
        host.write("state/admin-ui-credential.json", "{}")?;
        until("the token is gone", || !run_file().contains("token"))
    });
    let ticks = fs::read_to_string(format!("/proc/{}/stat", follower.id()));
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(follower.id())?),
        nix::sys::signal::Signal::SIGTERM,
    )?;
    follower.wait()?;
    outcome?;
    ensure!(ticks.is_ok(), "it ended by itself");
    Ok(())
}

fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        ensure!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::yield_now();
    }
    Ok(())
}

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

#[test]
fn preflight_tells_what_stops_an_install_and_lists_its_checks() -> Result<()> {
    let host = Host::new()?;
    let listed = host.run(&["preflight", "--list"])?;
    ensure!(listed.status.success() && said(&listed).lines().count() > 40);
    ensure!(said(&listed).contains("cgroup-controllers"));
    let asked = host.run(&["preflight", "--json"])?;
    let report: serde_json::Value = serde_json::from_slice(&asked.stdout)?;
    ensure!(
        report["checks"]
            .as_array()
            .is_some_and(|checks| checks.len() > 40),
        "{report}"
    );
    let table = host.run(&["preflight"])?;
    let blocks = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|check| check["outcome"] == "fail");
    ensure!(
        said(&table).contains(" fail, ") && (!blocks || said(&table).contains("To do: ")),
        "{}",
        said(&table)
    );
    Ok(())
}

/// What `systemd/units` starts is there: each subcommand is understood, each variable is one of the program's, and
/// every unit keeps within the exposure that is allowed (agent 3.0, the others 5.0; `systemd-analyze security`).
#[test]
fn every_unit_starts_something_that_is_there_and_is_no_more_exposed_than_it_may_be() -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd/units");
    let host = Host::new()?;
    let mut count = 0;
    for entry in fs::read_dir(&dir)? {
        let path = entry?.path();
        let unit = fs::read_to_string(&path)?;
        let ours = "/opt/alga-appliance/bin/alga-appliance-bootstrap";
        let commands = unit
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| key.starts_with("Exec"));
        for (_, command) in commands {
            let Some(arguments) = command.trim_start_matches('-').strip_prefix(ours) else {
                continue;
            };
            let mut arguments: Vec<_> = arguments.split_whitespace().collect();
            arguments.push("--help");
            let help = host.run(&arguments)?;
            ensure!(
                help.status.success(),
                "{}: {command}: {}",
                path.display(),
                said(&help)
            );
            for variable in unit
                .lines()
                .filter_map(|line| line.strip_prefix("Environment=")?.split('=').next())
            {
                let is_known =
                    said(&help).contains(&format!("env: {variable}")) || variable.ends_with("CONSOLE_TTYS");
                ensure!(is_known, "{}: {variable} is none of {command}", path.display());
            }
        }
        exposed(&path)?;
        count += 1;
    }
    ensure!(count == 4, "{count} units");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "asks systemd's own judge")]
fn exposed(unit: &Path) -> Result<()> {
    let limit = if unit.ends_with("alga-host-agent.service") {
        3.0
    } else {
        5.0
    };
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit)
        .output();
    let Ok(judged) = judged else {
        eprintln!(
            "exposure of {} not judged: there is no systemd-analyze here",
            unit.display()
        );
        return Ok(());
    };
    let text = said(&judged);
    let level = text
        .rsplit_once("exposure level for")
        .and_then(|(_, rest)| rest.split_whitespace().nth(1));
    let level: f64 = level.with_context(|| text.clone())?.parse()?;
    ensure!(level <= limit, "{}: {level}, more than {limit}", unit.display());
    Ok(())
}
