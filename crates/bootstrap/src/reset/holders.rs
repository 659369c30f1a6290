//! Who still has something below a directory: open files, working directories, mounts (60 §4.2).

use std::fs;
use std::path::{Path, PathBuf};

/// Most of them that are named.
const MAX_NAMED: usize = 5;

/// Processes that have a file below the directory open, work in it, or have it mounted into them; each with
/// its name and how it holds it. `proc` is `/proc`. A process that ends meanwhile holds nothing.
pub(crate) fn holders(proc: &Path, below: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(proc) else {
        return Vec::new();
    };
    let ours = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        if pid == ours || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        if let Some(how) = holds(&entry.path(), below) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push(format!("process {pid} ({}) {how}", name.trim()));
        }
        if found.len() == MAX_NAMED {
            break;
        }
    }
    found
}

fn holds(process: &Path, below: &Path) -> Option<String> {
    let is_below = |link: PathBuf| fs::read_link(link).is_ok_and(|at| at.starts_with(below));
    if is_below(process.join("cwd")) {
        return Some(format!("works in {}", below.display()));
    }
    let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    for descriptor in descriptors {
        if let Ok(at) = fs::read_link(descriptor.path())
            && at.starts_with(below)
        {
            return Some(format!("has {} open", at.display()));
        }
    }
    let maps = fs::read_to_string(process.join("maps")).unwrap_or_default();
    if maps.lines().filter_map(mapped).any(|at| at.starts_with(below)) {
        return Some(format!("has a file of {} mapped", below.display()));
    }
    None
}

/// The file of a line of `maps`: the sixth field (`proc_pid_maps(5)`).
fn mapped(line: &str) -> Option<&Path> {
    line.find('/').map(|at| Path::new(&line[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_an_open_file_below_is_found_and_named_and_ours_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().canonicalize().unwrap();
        // Ours holds it too; only others count.
        let _held = fs::File::create(below.join("file")).unwrap();
        assert_eq!(holders(Path::new("/proc"), &below), Vec::<String>::new());
        let ours = PathBuf::from("/proc").join(std::process::id().to_string());
        let how = holds(&ours, &below).unwrap();
        assert!(how.contains("/file open"), "{how}");
    }
}
