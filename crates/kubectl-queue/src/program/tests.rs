use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A directory with an executable `run` and a file `read` that is not.
fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, mode) in [("run", 0o755), ("read", 0o644)] {
        let file = dir.path().join(name);
        fs::File::create(&file).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    }
    dir
}

fn error(launch: &Launch) -> String {
    find(launch).unwrap_err().to_string()
}

#[test]
fn a_name_is_looked_up_in_the_path_that_the_launch_is_given() {
    let (empty, full) = (tempfile::tempdir().unwrap(), directory());
    let path = std::env::join_paths([empty.path(), full.path()]).unwrap();
    let found = find(&Launch::new("run").env("PATH", &path)).unwrap();
    assert_eq!(found, full.path().join("run"));
    let message = error(&Launch::new("walk").env("PATH", &path));
    for directory in [&empty, &full] {
        assert!(
            message.contains(&directory.path().display().to_string()),
            "{message}"
        );
    }
    assert!(message.contains("install it"), "{message}");
}

#[test]
fn without_a_path_a_name_is_found_nowhere() {
    assert!(error(&Launch::new("sh")).contains("full path"));
}

#[test]
fn directories_of_the_path_that_depend_on_where_we_are_are_passed_over() {
    let dir = directory();
    let launch = Launch::new("run").env("PATH", "::.:bin").dir(dir.path());
    assert!(matches!(find(&launch), Err(StartError::NotFound { looked, .. }) if looked.is_empty()));
}

#[test]
fn a_relative_path_is_meant_from_the_directory_of_the_launch() {
    let dir = directory();
    let found = find(&Launch::new("./run").dir(dir.path())).unwrap();
    assert_eq!(
        found.canonicalize().unwrap(),
        dir.path().join("run").canonicalize().unwrap()
    );
}

#[test]
fn what_cannot_be_executed_is_named_with_its_reason() {
    let dir = directory();
    let path = |name: &str| dir.path().join(name).into_os_string();
    assert!(error(&Launch::new(path("read"))).contains("chmod"));
    assert!(error(&Launch::new(dir.path())).contains("directory"));
    assert!(error(&Launch::new("/dev/null")).contains("regular file"));
    assert!(error(&Launch::new(path("run/deeper"))).contains("not found"));
    assert!(error(&Launch::new("")).contains("full path"));
}

#[test]
fn a_working_directory_that_is_none_is_named() {
    let dir = directory();
    let launch = |name: &str| Launch::new("/bin/sh").dir(dir.path().join(name));
    assert!(error(&launch("gone")).contains("gone"));
    assert!(error(&launch("run")).contains("run"));
}

#[test]
fn a_zero_byte_is_refused_wherever_it_is() {
    for launch in [
        Launch::new("a\0b"),
        Launch::new("/bin/sh").args(["a\0b"]),
        Launch::new("/bin/sh").env("A\0", "b"),
        Launch::new("/bin/sh").env("A", "\0"),
    ] {
        assert!(matches!(find(&launch), Err(StartError::NulByte(_))), "{launch:?}");
    }
}
