//! The static program, built so that nothing of the machine is in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::root;
use crate::runner::{capture, run};

/// Fat LTO over the whole tree on two cores.
const LIMIT: Duration = Duration::from_mins(40);

/// Linked with nothing that a box would have to have.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-musl";

/// Relocations of a program that may be anywhere, in the short form (`DT_RELR`, which musl knows since 1.2.4): a
/// bit each instead of 24 bytes.
const RELATIVE: &str = "-C link-arg=-Wl,-z,pack-relative-relocs";

/// Where cargo keeps the sources of crates.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CargoHome {
    /// Where cargo keeps the sources of crates
    #[arg(long, env = "CARGO_HOME", value_name = "DIR")]
    cargo_home: Option<PathBuf>,
}

impl CargoHome {
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let usual = || std::env::home_dir().map(|home| home.join(".cargo"));
        let known = self.cargo_home.clone().or_else(usual);
        known.context("nothing says where cargo keeps the sources of crates; say it with --cargo-home")
    }
}

/// What counts in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Small, and quick where it works.
    Release,
    /// Smallest: for a program that waits, and is not unwound when it panics.
    Smallest,
}

impl Build {
    /// The profile of `Cargo.toml`, after which cargo names the directory.
    fn profile(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Smallest => "smallest",
        }
    }
}

/// Builds the control plane.
pub(super) async fn static_control_plane(cargo_home: &Path) -> Result<PathBuf> {
    let built = static_programs(
        cargo_home,
        &[("appliance-control-plane", "appliance-control-plane")],
        Build::Release,
    )
    .await?;
    built.into_iter().next().context("nothing was built")
}

/// Builds programs, each given with its package; where they are, in the same order.
pub(crate) async fn static_programs(
    cargo_home: &Path,
    programs: &[(&str, &str)],
    kind: Build,
) -> Result<Vec<PathBuf>> {
    let checkout = root();
    let target_dir = checkout.join("target/static");
    // `env` and not this process's environment: cargo's child must not see what `cargo run` told us about us.
    let flags = format!(
        "RUSTFLAGS=--remap-path-prefix={}=/src --remap-path-prefix={}=/cargo {RELATIVE}",
        checkout.display(),
        cargo_home.display()
    );
    let target = format!("CARGO_TARGET_DIR={}", target_dir.display());
    let mut argv = vec!["env", "-u", "CARGO_MANIFEST_DIR", "-u", "CARGO_PKG_NAME"];
    argv.extend([flags.as_str(), target.as_str()]);
    argv.extend([
        "cargo",
        "build",
        "--locked",
        "--profile",
        kind.profile(),
        "--target",
        TARGET,
    ]);
    for (program, package) in programs {
        argv.extend(["--package", package, "--bin", program]);
    }
    run(&argv, LIMIT).await.with_context(|| {
        format!(
            "building for {TARGET}; it needs: rustup target add {TARGET}, and musl-gcc (Debian: musl-tools)"
        )
    })?;
    let built = target_dir.join(TARGET).join(kind.profile());
    Ok(programs.iter().map(|(program, _)| built.join(program)).collect())
}

/// The commit of the checkout.
pub(super) async fn revision() -> Result<String> {
    let said = capture(&["git", "rev-parse", "HEAD"], Duration::from_secs(20)).await;
    let said = said.context("asking git for the commit; say it with --revision")?;
    Ok(String::from_utf8(said)?.trim().to_owned())
}
