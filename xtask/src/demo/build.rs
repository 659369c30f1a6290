//! The control plane and the Go tools, built side by side.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use appliance_tests::process::{GuardedDir, Launch, Process};
use appliance_tests::tools::{Progress, Tools};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::root;

/// Longest time the release build may take; cold on two busy cores it is under ten minutes.
const LIMIT: Duration = Duration::from_mins(40);

/// How often a running build is reported, and looked at.
const REPORT_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The program and its package.
const PROGRAM: &str = "appliance-control-plane";

/// How the control plane is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is shipped.
    Release,
    /// The same with the names of its functions.
    Symbols,
    /// As tests have it: built in seconds after a change.
    Dev,
}

/// Everything ready to run.
#[derive(Debug)]
pub(crate) struct Built {
    /// The program.
    pub(crate) control_plane: PathBuf,
    /// The servers.
    pub(crate) tools: Tools,
}

/// Builds what is not built yet; progress goes to standard error.
pub(crate) async fn build(profile: Profile) -> Result<Built> {
    let (tools, control_plane) = tokio::try_join!(tools(), control_plane(profile))?;
    Ok(Built { control_plane, tools })
}

/// On a thread of its own: the runtime waits for its blocking tasks, and a Ctrl-C must not wait for Go.
async fn tools() -> Result<Tools> {
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || done.send(Tools::ensure(&|progress| eprintln!("           {progress}"))));
    result.await.context("building the tools ended badly")?
}

async fn control_plane(profile: Profile) -> Result<PathBuf> {
    let dir = GuardedDir::new("alga-build-")?;
    let mut process = Process::start(&cargo(profile, &dir))?;
    let began = Instant::now();
    let mut next_report = REPORT_EVERY;
    let status = loop {
        if let Some(status) = process.exited()? {
            break status;
        }
        let elapsed = began.elapsed();
        if elapsed >= LIMIT {
            bail!("building the control plane: no end after {} s", LIMIT.as_secs());
        }
        if elapsed >= next_report {
            next_report = elapsed + REPORT_EVERY;
            let tool = "the control plane";
            let log = process.log_tail();
            let doing = log.lines().last().unwrap_or_default().trim();
            eprintln!("           {} ({doing})", Progress { tool, elapsed });
        }
        sleep(LOOK_EVERY).await;
    };
    if !status.success() {
        bail!(
            "building the control plane: cargo ended with {status}:\n{}",
            process.log_tail()
        );
    }
    executable(&process.output()?).context("cargo does not say where the control plane is")
}

fn cargo(profile: Profile, dir: &GuardedDir) -> Launch {
    let mut args = vec!["-C".to_owned(), root().display().to_string()];
    for name in own_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        args.extend(["-u".to_owned(), name]);
    }
    let what: &[_] = match profile {
        Profile::Release => &["build", "--release", "--package", PROGRAM],
        // Not by the profile: what a function is called depends on that.
        Profile::Symbols => &["rustc", "--release", "--package", PROGRAM],
        // With the features of a build of everything, so that it shares what tests have built.
        Profile::Dev => &["build", "--workspace"],
    };
    let always = [
        "--locked",
        "--bin",
        PROGRAM,
        "--message-format",
        "json-render-diagnostics",
    ];
    let last: &[_] = match profile {
        Profile::Symbols => &["--", "-C", "strip=none"],
        Profile::Release | Profile::Dev => &[],
    };
    let arguments = ["cargo"].iter().chain(what).chain(&always).chain(last);
    args.extend(arguments.copied().map(str::to_owned));
    Launch {
        name: "cargo".to_owned(),
        program: "env".into(),
        args,
        env: Vec::new(),
        dir: dir.path().to_owned(),
    }
}

/// What `cargo run` tells its child about itself: build scripts that look at these would run again.
fn own_variables(names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

/// Where cargo's messages say that the program is.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","executable":"/t/release/x"}"#,
            "\n",
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/x")));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn cargo_is_not_told_about_the_package_that_calls_it() {
        let names = ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_HOME", "PATH"].map(str::to_owned);
        let gone: Vec<_> = own_variables(names.into_iter()).collect();
        assert_eq!(gone, ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"]);
    }
}
