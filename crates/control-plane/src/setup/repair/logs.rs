//! The logs of a failed Job, saved before it goes: `repair/<time>/<pod>-<container>.log`, without secrets.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use appliance_common::cluster::Cluster;
use appliance_common::process::chain;
use kube::ResourceExt;
use kube::api::DynamicObject;

use super::plan::controller;
use crate::setup::handover::{known_secrets, newest_lines};

/// Most lines of one container's log.
const LINES: u32 = 5000;
/// Most bytes of one container's log.
const BYTES: u32 = 2 * 1024 * 1024;
/// Most containers of a repair: a Job has seven pods at the most.
const FILES: usize = 20;
/// How many repairs' logs are kept.
const KEPT: usize = 10;

/// Reads the logs of the pods of these Jobs. One that cannot be read is a file that says why.
pub(super) async fn read(
    cluster: &Cluster,
    pods: &[DynamicObject],
    jobs: &[&str],
    setup_token: Option<&str>,
) -> Vec<(String, String)> {
    let redactor = known_secrets(cluster, setup_token).await;
    let own = pods
        .iter()
        .filter(|pod| controller(pod).is_some_and(|owner| jobs.contains(&owner)));
    let mut files = Vec::new();
    for (pod, container) in own.flat_map(containers).take(FILES) {
        let name = pod.name_any();
        let namespace = pod.namespace().unwrap_or_default();
        let text = match &redactor {
            Ok(redactor) => newest_lines(cluster, (&namespace, &name, container), LINES, BYTES)
                .await
                .map_or_else(
                    |error| format!("(the log could not be read: {})", chain(&error)),
                    |text| redactor.text(&text).into_string(),
                ),
            Err(error) => format!(
                "(the log was not saved, because the secrets that it may hold are not known: {})",
                chain(error)
            ),
        };
        files.push((format!("{name}-{container}.log"), text));
    }
    files
}

fn containers(pod: &DynamicObject) -> Vec<(&DynamicObject, &str)> {
    let lists = ["initContainers", "containers"];
    let all = lists
        .into_iter()
        .filter_map(|list| pod.data["spec"][list].as_array())
        .flatten();
    all.filter_map(|container| Some((pod, container["name"].as_str()?)))
        .collect()
}

/// Writes the files into a new directory below `root` and drops the oldest directories.
pub(super) fn save(root: &Path, time: &str, files: &[(String, String)]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    let directory = root.join(time);
    DirBuilder::new().mode(0o700).create(&directory)?;
    for (name, text) in files {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(directory.join(name))?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
    }
    drop_oldest(root)?;
    Ok(directory)
}

fn drop_oldest(root: &Path) -> io::Result<()> {
    let mut directories: Vec<_> = fs::read_dir(root)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    // Their names are times.
    directories.sort();
    let surplus = directories.len().saturating_sub(KEPT);
    directories.iter().take(surplus).try_for_each(fs::remove_dir_all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn logs_are_for_the_owner_only_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repair");
        let files = [("p-c.log".to_owned(), "text".to_owned())];
        for number in 0..KEPT + 2 {
            save(&root, &format!("2026010{number:02}"), &files).unwrap();
        }
        let mut left: Vec<_> = fs::read_dir(&root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        left.sort();
        assert_eq!(left.len(), KEPT);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let newest = left.last().unwrap();
        assert!(newest.ends_with("202601011"));
        assert_eq!(
            (mode(&root), mode(newest), mode(&newest.join("p-c.log"))),
            (0o700, 0o700, 0o600)
        );
        assert_eq!(fs::read_to_string(newest.join("p-c.log")).unwrap(), "text\n");
    }
}
