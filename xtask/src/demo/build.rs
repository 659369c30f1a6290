//! Our programs and the Go tools, built side by side.

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

/// Our programs, each with its package.
const PROGRAMS: [(&str, &str); 2] = [
    (CONTROL_PLANE, "appliance-control-plane"),
    (KUBECTL_QUEUE, "appliance-kubectl-queue"),
];
const CONTROL_PLANE: &str = "appliance-control-plane";
const KUBECTL_QUEUE: &str = "kubectl-queue";

/// How our programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is shipped.
    Release,
    /// The control plane with the names of its functions; nothing else.
    Symbols,
    /// As tests have it: built in seconds after a change.
    Dev,
}

/// Everything ready to run.
#[derive(Debug)]
pub(crate) struct Built {
    /// The control plane.
    pub(crate) control_plane: PathBuf,
    /// The queue's program, if it was built.
    pub(crate) kubectl_queue: Option<PathBuf>,
    /// The servers.
    pub(crate) tools: Tools,
}

/// Builds what is not built yet; progress goes to standard error.
pub(crate) async fn build(profile: Profile) -> Result<Built> {
    let (tools, messages) = tokio::try_join!(tools(), programs(profile))?;
    Ok(Built {
        control_plane: executable(&messages, CONTROL_PLANE)
            .context("cargo does not say where the control plane is")?,
        kubectl_queue: executable(&messages, KUBECTL_QUEUE),
        tools,
    })
}

/// On a thread of its own: the runtime waits for its blocking tasks, and a Ctrl-C must not wait for Go.
async fn tools() -> Result<Tools> {
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || done.send(Tools::ensure(&|progress| eprintln!("           {progress}"))));
    result.await.context("building the tools ended badly")?
}

/// Builds our programs; gives what cargo says about them.
async fn programs(profile: Profile) -> Result<String> {
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
            bail!("building our programs: no end after {} s", LIMIT.as_secs());
        }
        if elapsed >= next_report {
            next_report = elapsed + REPORT_EVERY;
            let tool = "our programs";
            let log = process.log_tail();
            let doing = log.lines().last().unwrap_or_default().trim();
            eprintln!("           {} ({doing})", Progress { tool, elapsed });
        }
        sleep(LOOK_EVERY).await;
    };
    if !status.success() {
        bail!(
            "building our programs: cargo ended with {status}:\n{}",
            process.log_tail()
        );
    }
    process.output()
}

fn cargo(profile: Profile, dir: &GuardedDir) -> Launch {
    let mut args = vec!["-C".to_owned(), root().display().to_string()];
    for name in own_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        args.extend(["-u".to_owned(), name]);
    }
    let packages = PROGRAMS.iter().flat_map(|(_, package)| ["--package", package]);
    let bins = PROGRAMS.iter().flat_map(|(program, _)| ["--bin", program]);
    let always = ["--locked", "--message-format", "json-render-diagnostics"];
    let what: Vec<_> = match profile {
        Profile::Release => ["build", "--release"]
            .into_iter()
            .chain(packages)
            .chain(bins)
            .chain(always)
            .collect(),
        // With the features of a build of everything, so that it shares what tests have built.
        Profile::Dev => ["build", "--workspace"]
            .into_iter()
            .chain(bins)
            .chain(always)
            .collect(),
        // Not by the profile: what a function is called depends on that.
        Profile::Symbols => ["rustc", "--release", "--package", CONTROL_PLANE]
            .into_iter()
            .chain(["--bin", CONTROL_PLANE])
            .chain(always)
            .chain(["--", "-C", "strip=none"])
            .collect(),
    };
    args.extend(["cargo"].into_iter().chain(what).map(str::to_owned));
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

/// Where cargo's messages say that a program is.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == program)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = concat!(
            r#"{"target":{"name":"x"},"executable":null}"#,
            "\nnot json\n",
            r#"{"target":{"name":"y"},"executable":"/t/release/y"}"#,
            "\n",
            r#"{"target":{"name":"x"},"executable":"/t/release/x"}"#,
            "\n",
        );
        assert_eq!(executable(messages, "x"), Some(PathBuf::from("/t/release/x")));
        assert_eq!(executable("", "x"), None);
    }

    #[test]
    fn cargo_is_not_told_about_the_package_that_calls_it() {
        let names = ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_HOME", "PATH"].map(str::to_owned);
        let gone: Vec<_> = own_variables(names.into_iter()).collect();
        assert_eq!(gone, ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"]);
    }
}
