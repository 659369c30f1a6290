//! The program's files: itself, and what a dynamically linked one needs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::tar::{Entry, What};
use crate::runner::capture;

/// Where the program is in the image; `/bin/sh` is another name of it.
pub(super) const PROGRAM: &str = "opt/alga-appliance/bin/appliance-control-plane";

/// A static program.
pub(super) fn of(program: &Path) -> Result<Vec<Entry>> {
    Ok(vec![
        Entry::new(PROGRAM, 0o755, What::File(read(program)?)),
        Entry::new("bin/sh", 0o777, What::Link(format!("/{PROGRAM}"))),
    ])
}

/// A program with the libraries that the loader of this machine finds for it, under the same paths.
pub(super) async fn linked(program: &Path) -> Result<Vec<Entry>> {
    let mut entries = of(program)?;
    let shown = program.display().to_string();
    let said = capture(&["ldd", &shown], Duration::from_secs(20)).await?;
    for path in libraries(&String::from_utf8(said)?) {
        let bytes = read(Path::new(&path))?;
        entries.push(Entry::new(path.trim_start_matches('/'), 0o755, What::File(bytes)));
    }
    Ok(entries)
}

/// Absolute paths in what `ldd` prints, such as `libc.so.6 => /lib/libc.so.6 (0x…)` and `/lib64/ld.so (0x…)`.
fn libraries(said: &str) -> Vec<String> {
    let paths = said.lines().filter_map(|line| {
        let found = line.split_once("=>").map_or(line, |(_, path)| path);
        found
            .split_whitespace()
            .next()
            .filter(|path| path.starts_with('/'))
    });
    let mut paths: Vec<_> = paths.map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_where_the_loader_finds_them() {
        let said = "\tlinux-vdso.so.1 (0x0001)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x0002)\n\t/lib64/ld.so.2 (0x0003)\n";
        assert_eq!(libraries(said), ["/lib/x/libc.so.6", "/lib64/ld.so.2"]);
        assert!(libraries("\tstatically linked\n").is_empty());
    }
}
