use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

fn names_in(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_document_comes_back_as_it_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let file = StateFile::<serde_json::Value>::at(dir.path().join("state/doc.json"));
    assert!(file.load().unwrap().is_none());
    file.store(&serde_json::json!({"b": 1, "a": [2]})).unwrap();
    file.store(&serde_json::json!({"b": 2, "a": [3]})).unwrap();
    assert_eq!(
        file.load().unwrap().unwrap(),
        serde_json::json!({"b": 2, "a": [3]})
    );
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.ends_with("}\n") && text.contains("\n  \""), "{text}");
    assert_eq!(
        fs::metadata(file.path()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(file.path().parent().unwrap())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o750
    );
    assert_eq!(names_in(file.path().parent().unwrap()), ["doc.json"]);
}

#[test]
fn a_torn_or_foreign_document_is_an_error_never_absent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doc.json");
    let file = StateFile::<std::collections::BTreeMap<String, String>>::at(&path);
    for torn in ["", "{", "{\"a\": \"b", "null", "[]", "\u{0}\u{0}"] {
        replace(&path, torn.as_bytes(), 0o600).unwrap();
        assert!(
            matches!(file.load(), Err(StateFileError::Corrupt { .. })),
            "{torn:?}"
        );
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(file.load(), Err(StateFileError::Unreadable { .. })));
}

#[test]
fn a_write_that_fails_leaves_the_old_document_and_no_litter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doc.json");
    fs::create_dir(&path).unwrap();
    let file = StateFile::<u32>::at(&path);
    // A directory in the target's place makes the rename fail after everything else succeeded.
    fs::create_dir(path.join("kept")).unwrap();
    assert!(matches!(file.store(&7), Err(StateFileError::Unwritable { .. })));
    assert_eq!(names_in(dir.path()), ["doc.json"]);
}

#[test]
fn a_lock_is_exclusive_and_freed_with_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("update.lock");
    let held = FileLock::try_acquire(&path, "setup run 7").unwrap();
    match FileLock::try_acquire(&path, "update") {
        Err(LockError::Held { holder, .. }) => assert_eq!(holder, "setup run 7"),
        other => panic!("{other:?}"),
    }
    drop(held);
    FileLock::try_acquire(&path, "update").unwrap();
}

#[test]
fn a_lock_does_not_follow_a_symbolic_link() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("elsewhere");
    let path = dir.path().join("update.lock");
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(matches!(
        FileLock::try_acquire(&path, ""),
        Err(LockError::Unusable { .. })
    ));
    assert!(!target.exists());
}
