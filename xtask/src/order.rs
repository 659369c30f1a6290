//! Which functions the control plane runs on a box where nothing is wrong: it starts, reads its cluster, somebody
//! signs in and looks. The linker puts them side by side (`crates/control-plane/build/layout.rs`), because a
//! page of the program that is touched brings fifteen neighbours into memory with it.
//!
//! valgrind sees every function once. A name has a hash of what the function is, not of what it does, so the list
//! outlives most changes; what it does not name is where it would be anyway, and what it names in vain is not
//! there.

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
        kubectl_queue: None,
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
    let functions = functions(&recorded);
    ensure!(!functions.is_empty(), "valgrind saw no function with a name");
    let mut text = Vec::from_iter(functions).join("\n");
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

/// Names of functions in a callgrind file: `fn=(12) NAME` the first time, `fn=(12)` from then on. Only those that
/// Rust gives, in its two manglings; C's libraries are not ours to lay out.
fn functions(recorded: &str) -> BTreeSet<&str> {
    let named = recorded.lines().filter_map(|line| {
        let rest = line.strip_prefix("fn=(").or_else(|| line.strip_prefix("cfn=("))?;
        let (_, name) = rest.split_once(") ")?;
        // A recursive call is `NAME'2`.
        name.split('\'').next()
    });
    named
        .filter(|name| name.starts_with("_ZN") || name.starts_with("_R"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_of_rust_is_named_once() {
        let recorded = "fn=(1) _ZN5tokio4poll17h0123456789abcdefE\ncfn=(2) main\nfn=(1)\n\
                        cfn=(3) _RNvNtCslNYArtu3iFV_5alloc6string5clone\n\
                        fn=(4) _ZN5tokio4poll17h0123456789abcdefE'2\nfn=(5) 0x0000000000001050\n";
        let expected = [
            "_RNvNtCslNYArtu3iFV_5alloc6string5clone",
            "_ZN5tokio4poll17h0123456789abcdefE",
        ];
        assert!(functions(recorded).into_iter().eq(expected));
    }
}
