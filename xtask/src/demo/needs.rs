//! What this machine must have before anything can be built, got where that is allowed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::story::{At, Stopped, Story};
use crate::{root, runner};

/// Longest time a package manager or a download of Go may take.
const GET_LIMIT: Duration = Duration::from_mins(10);

/// The oldest Go that builds the test tools; `tests/tools/go.mod` says the same.
const GO: (u32, u32) = (1, 26);

/// A program and the Debian package that has it.
struct Need {
    name: &'static str,
    package: &'static str,
}

/// The oldest Node that builds the web pages; `ui/package.json` says the same.
const NODE: (u32, u32) = (20, 19);

/// A linker and a C compiler (ring), the language of the test tools, and what builds the web pages.
const NEEDS: [Need; 4] = [
    Need {
        name: "cc",
        package: "build-essential",
    },
    Need {
        name: "go",
        package: "golang-go",
    },
    Need {
        name: "node",
        package: "nodejs",
    },
    Need {
        name: "npm",
        package: "npm",
    },
];

/// Checks that everything is there; as root on Debian or Ubuntu it installs what is not.
///
/// # Errors
/// [`Stopped`] with the line to run.
pub(crate) async fn check(story: &Story) -> Result<()> {
    let mut packages = Vec::new();
    let mut missing = Vec::new();
    for need in &NEEDS {
        if !is_there(need.name).await {
            missing.push(need.name);
            packages.push(need.package);
        }
    }
    if !missing.is_empty() {
        let (missing, packages_line) = (missing.join(" and "), packages.join(" "));
        let is_debian = Path::new("/usr/bin/apt-get").exists();
        if !(is_debian && nix::unistd::geteuid().is_root()) {
            return Err(needed(&missing, &line_to_run(is_debian, &packages_line)));
        }
        story.say(format_args!("installing {packages_line} with apt-get"));
        install(&packages)
            .await
            .at("needs", &line_to_run(true, &packages_line))?;
    }
    go_is_new_enough().await?;
    node_is_new_enough().await
}

fn line_to_run(is_debian: bool, packages: &str) -> String {
    if is_debian {
        format!("sudo apt-get install --yes {packages}")
    } else {
        "install a C compiler with its linker, Go 1.26 (https://go.dev/dl) and Node 20.19 with npm (https://nodejs.org), \
         then run this again"
            .to_owned()
    }
}

async fn is_there(program: &str) -> bool {
    let version = if program == "go" { "version" } else { "--version" };
    runner::capture(&[program, version], GET_LIMIT).await.is_ok()
}

async fn install(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&'static str]| {
        let mut argv = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        argv.extend(arguments);
        argv
    };
    runner::capture(&apt(&["update"]), GET_LIMIT).await?;
    let mut argv = apt(&["install", "--yes", "--no-install-recommends"]);
    argv.extend(packages);
    runner::capture(&argv, GET_LIMIT).await?;
    Ok(())
}

/// Go 1.21 and newer fetch the version that the module asks for by themselves, unless they are told not to.
async fn go_is_new_enough() -> Result<()> {
    let tools = root().join("tests/tools").display().to_string();
    let argv = ["go", "-C", &tools, "env", "GOVERSION"];
    let said = runner::capture(&argv, GET_LIMIT).await;
    let said = said
        .context("asking Go for its version")
        .at("needs", "install Go 1.26 or newer: https://go.dev/dl")?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if version(&said).is_some_and(|version| version >= GO) {
        return Ok(());
    }
    Err(needed(
        &format!("Go 1.26 or newer (this is {said})"),
        "install Go 1.26 or newer: https://go.dev/dl",
    ))
}

async fn node_is_new_enough() -> Result<()> {
    let said = runner::capture(&["node", "--version"], GET_LIMIT).await;
    let next = "install Node 20.19 or newer: https://nodejs.org";
    let said = said.context("asking Node for its version").at("needs", next)?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if version(&said).is_some_and(|version| version >= NODE) {
        return Ok(());
    }
    Err(needed(&format!("Node 20.19 or newer (this is {said})"), next))
}

fn needed(what: &str, next: &str) -> anyhow::Error {
    let stopped = Stopped {
        step: "needs".to_owned(),
        cause: format!("this machine lacks {what}"),
        next: next.to_owned(),
    };
    stopped.into()
}

/// `go1.26.8`, `go1.27rc1` or `v20.19.1` as numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let numbers = text.strip_prefix("go").or_else(|| text.strip_prefix('v'))?;
    let (major, rest) = numbers.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (text, read) in [
            ("go1.26.8", Some((1, 26))),
            ("go1.27rc1", Some((1, 27))),
            ("go1.9", Some((1, 9))),
            ("v20.19.1", Some((20, 19))),
            ("devel +a1b2", None),
            ("", None),
        ] {
            assert_eq!(version(text), read, "{text}");
        }
        assert!(version("go1.9") < version("go1.26.0"));
    }
}
