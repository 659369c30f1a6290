//! What is in the image: the program, and the places that the Deployment mounts.

use std::collections::BTreeSet;

use appliance_common::names::{CONTROL_PLANE_UID, STATE_DIR};

use super::tar::{Entry, What};

/// Where the manifest of the Flux controllers is (decision 9).
pub(super) const FLUX: &str = "/opt/alga-appliance/flux/install.yaml";

/// Names for the ids that tools show.
const PASSWD: &str =
    "root:x:0:0:root:/:/bin/false\nalga-appliance:x:10001:10001:Alga appliance:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nalga-appliance:x:10001:\n";

/// All entries, in the order of their paths, each after its directories.
pub(super) fn entries(program: Vec<Entry>, flux: Option<Vec<u8>>) -> Vec<Entry> {
    let mut files = program;
    files.extend([
        Entry::new("etc/passwd", 0o644, What::File(PASSWD.into())),
        Entry::new("etc/group", 0o644, What::File(GROUP.into())),
        Entry::new("tmp", 0o1777, What::Directory),
        Entry::new("run/alga-appliance", 0o755, What::Directory),
        Entry::new(STATE_DIR.trim_start_matches('/'), 0o750, What::Directory)
            .owned_by(u64::from(CONTROL_PLANE_UID)),
    ]);
    // A read-only root has no room for what a runtime mounts unless it is there.
    files.extend(["dev", "proc", "sys"].map(|path| Entry::new(path, 0o755, What::Directory)));
    files.extend(flux.map(|text| Entry::new(FLUX.trim_start_matches('/'), 0o644, What::File(text))));
    with_parents(files)
}

fn with_parents(mut files: Vec<Entry>) -> Vec<Entry> {
    let mut there: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
    let mut parents = Vec::new();
    for file in &files {
        for (at, _) in file.path.match_indices('/') {
            let parent = &file.path[..at];
            if there.insert(parent.to_owned()) {
                parents.push(Entry::new(parent, 0o755, What::Directory));
            }
        }
    }
    files.extend(parents);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_comes_after_its_directories_and_once() {
        let program = vec![Entry::new("opt/a/bin/p", 0o755, What::File(vec![1]))];
        let entries = entries(program, Some(b"kind: Namespace".to_vec()));
        let mut seen = BTreeSet::new();
        for entry in &entries {
            if let Some((parent, _)) = entry.path.rsplit_once('/') {
                assert!(seen.contains(parent), "{} has no directory", entry.path);
            }
            assert!(seen.insert(entry.path.as_str()), "{} is there twice", entry.path);
        }
        let state = entries
            .iter()
            .find(|entry| entry.path == "var/lib/alga-appliance");
        assert_eq!(state.map(|entry| (entry.owner, entry.mode)), Some((10001, 0o750)));
        assert!(seen.contains("opt/alga-appliance/flux/install.yaml"));
    }
}
