//! Which functions the control plane runs on a box where nothing is wrong: it starts, reads its cluster, somebody
//! signs in and looks. The linker puts them side by side (`crates/control-plane/build/layout.rs`), because a
//! page of the program that is touched brings fifteen neighbours into memory with it.
//!
//! valgrind sees every function once. The list may be older than the code: what it does not name is where it
//! would be anyway, and what it names in vain is not there.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::state_file;
use appliance_tests::process::GuardedDir;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::timeout;

use crate::bench::lived;
use crate::demo::build::{Built, Profile};
use crate::demo::prepare;
use crate::demo::story::Story;
use crate::root;

/// The list, below the checkout.
const LIST: &str = "crates/control-plane/build/order.txt";

/// Longest time until the program has ended under valgrind.
const END_LIMIT: Duration = Duration::from_mins(1);

/// Runs the program under valgrind and writes down what it ran.
///
/// # Errors
/// valgrind is not installed, or the program did not get as far as it should.
pub async fn order(out: &mut dyn Write) -> Result<()> {
    let story = Story::begin();
    let built = prepare(&story, Profile::Symbols).await?;
    let dir = GuardedDir::new("alga-order-")?;
    let record = dir.path().join("callgrind.out");
    let watched = Built {
        control_plane: dir.path().join("control-plane"),
        tools: built.tools.clone(),
    };
    let script = under_valgrind(&built.control_plane, &record);
    state_file::replace(&watched.control_plane, script.as_bytes(), 0o755)?;
    let (_cluster, server) = lived(&watched).await?;
    kill(Pid::from_raw(server.id().try_into()?), Signal::SIGTERM)?;
    let end = timeout(END_LIMIT, server.ended()).await;
    end.context("the program does not end under valgrind")?;
    let recorded = std::fs::read_to_string(&record)
        .with_context(|| format!("reading {}: is valgrind installed?", record.display()))?;
    let patterns = patterns(&recorded);
    ensure!(!patterns.is_empty(), "valgrind saw no function with a name");
    let mut text = Vec::from_iter(patterns).join("\n");
    text.push('\n');
    state_file::replace(&root().join(LIST), text.as_bytes(), 0o644)?;
    writeln!(out, "{} functions written to {LIST}", text.lines().count())?;
    Ok(())
}

/// The variable keeps the program from beginning again, as valgrind.
fn under_valgrind(program: &Path, record: &Path) -> String {
    format!(
        "#!/bin/sh\nGLIBC_TUNABLES=glibc.malloc.mmap_threshold=1048576 exec valgrind --tool=callgrind \
         --demangle=no --callgrind-out-file='{}' '{}'\n",
        record.display(),
        program.display()
    )
}

/// Names of functions in a callgrind file (`fn=(12) NAME` the first time, `fn=(12)` from then on), with `*` for
/// the parts that change with every version of a crate.
fn patterns(recorded: &str) -> BTreeSet<String> {
    let named = recorded.lines().filter_map(|line| {
        let rest = line.strip_prefix("fn=(").or_else(|| line.strip_prefix("cfn=("))?;
        let (_, name) = rest.split_once(") ")?;
        // A recursive call is `NAME'2`.
        pattern(name.split('\'').next()?)
    });
    named.collect()
}

/// The names that Rust gives, with its two manglings; C's stay where they are.
fn pattern(name: &str) -> Option<String> {
    let name = name.split(".llvm.").next()?;
    if name.starts_with("_ZN") {
        let (path, _hash) = name.rsplit_once("17h")?;
        return Some(format!("{path}17h*"));
    }
    name.starts_with("_R").then(|| without_crate_hashes(name))
}

/// `CsgEmfK2I1SDS_4core` is crate `core` with a hash.
fn without_crate_hashes(name: &str) -> String {
    let mut parts = name.split("Cs");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let after = part
            .find('_')
            .filter(|end| part[..*end].bytes().all(|byte| byte.is_ascii_alphanumeric()));
        match after {
            Some(end) => format!("{text}Cs*{}", &part[end..]),
            None => format!("{text}Cs{part}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_once_and_without_what_changes() {
        let recorded = "fn=(1) _ZN5tokio4task4poll17h0123456789abcdefE\ncfn=(2) main\nfn=(1)\n\
                        cfn=(3) _RNvXs4_NtCslNYArtu3iFV_5alloc6string5clone\n\
                        fn=(4) _ZN5tokio4task4poll17hfedcba9876543210E.llvm.77'2\nfn=(5) 0x0000000000001050\n";
        let expected = ["_RNvXs4_NtCs*_5alloc6string5clone", "_ZN5tokio4task4poll17h*"];
        assert!(
            patterns(recorded).iter().eq(expected.iter()),
            "{:?}",
            patterns(recorded)
        );
    }
}
