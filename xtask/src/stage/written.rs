//! The tree on the disk.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};
use appliance_common::state_file;

use super::overlay::HOME;
use super::record::{NAME, Record, Recorded};
use crate::image::{Entry, What};

/// Writes the tree; what was below our own directory before goes first, so that nothing of an older one stays.
pub(super) fn write(tree: &Path, entries: &[Entry], record: &Record) -> Result<()> {
    match fs::remove_dir_all(tree.join(HOME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("clearing {}", tree.join(HOME).display()));
        }
        _ => {}
    }
    for entry in entries {
        place(tree, entry).with_context(|| format!("writing {}", tree.join(&entry.path).display()))?;
    }
    let mut bytes = serde_json::to_vec_pretty(record)?;
    bytes.push(b'\n');
    state_file::replace(&tree.join(NAME), &bytes, 0o644).with_context(|| format!("writing {NAME}"))
}

fn place(tree: &Path, entry: &Entry) -> io::Result<()> {
    let path = tree.join(&entry.path);
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    }
    match &entry.what {
        What::File(bytes) => {
            state_file::replace(&path, bytes, entry.mode)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))
        }
        What::Link(to) => {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            symlink(to, &path)
        }
        What::Directory => Ok(()),
    }
}

/// How a tree differs from its record, one line each.
pub(super) fn differences(tree: &Path) -> Result<Vec<String>> {
    let path = tree.join(NAME);
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let record: Record =
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?;
    let mut found = BTreeMap::new();
    for path in record.files.keys() {
        if let Some(is) = recorded(&tree.join(path))? {
            found.insert(path.clone(), is);
        }
    }
    let mut open = vec![tree.join(HOME)];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(tree)?.display().to_string();
            if let Some(is) = recorded(&path)? {
                found.insert(name, is);
            }
        }
    }
    Ok(record.differences(&found))
}

fn recorded(path: &Path) -> Result<Option<Recorded>> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    if meta.is_symlink() {
        let to = fs::read_link(path)?.display().to_string();
        return Ok(Some(Recorded::Link { to }));
    }
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some(Recorded::file(&bytes, meta.permissions().mode() & 0o7777)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_was_touched_says_where() {
        let dir = tempfile::tempdir().unwrap();
        let file = |path: &str, mode| Entry::new(path, mode, What::File(path.as_bytes().to_vec()));
        let entries = [
            file("opt/alga-appliance/bin/k3s", 0o755),
            file("opt/alga-appliance/control-plane/bundle.json", 0o644),
            file("etc/tmpfiles.d/alga-appliance.conf", 0o644),
            Entry::new(
                "usr/local/bin/kubectl",
                0o777,
                What::Link("/opt/alga-appliance/bin/k3s".to_owned()),
            ),
        ];
        let record = Record::of(&entries);
        let stale = dir.path().join("opt/alga-appliance/scripts/old.sh");
        state_file::replace(&stale, b"old", 0o755).unwrap();
        write(dir.path(), &entries, &record).unwrap();
        assert!(!stale.exists(), "something of an older tree stayed");
        write(dir.path(), &entries, &record).unwrap();
        assert_eq!(differences(dir.path()).unwrap(), Vec::<String>::new());

        let at = |path: &str| dir.path().join(path);
        fs::set_permissions(
            at("opt/alga-appliance/bin/k3s"),
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        state_file::replace(&at("etc/tmpfiles.d/alga-appliance.conf"), b"x", 0o644).unwrap();
        fs::remove_file(at("usr/local/bin/kubectl")).unwrap();
        state_file::replace(&at("opt/alga-appliance/bin/extra"), b"x", 0o755).unwrap();
        let said = differences(dir.path()).unwrap().join("\n");
        for part in [
            "bin/k3s is",
            "alga-appliance.conf is",
            "kubectl is missing",
            "bin/extra does not belong",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
