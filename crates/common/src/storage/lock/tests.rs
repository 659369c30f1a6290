use std::os::unix::fs::symlink;

use super::*;

fn settings(dir: &Path) -> StorageSettings {
    StorageSettings {
        lock_attempts: 3,
        lock_pause: Duration::from_millis(1),
        ..StorageSettings::in_state_dir(dir)
    }
}

async fn acquire(settings: &StorageSettings) -> Result<StorageLock, StorageError> {
    StorageLock::acquire(settings, "a test", |_| {}).await
}

fn in_place(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[tokio::test]
async fn a_live_holder_is_waited_for_and_keeps_its_lock() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let held = acquire(&settings).await.unwrap();
    let error = acquire(&settings).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::LockHeld { holder, .. } if holder == "a test"),
        "{error:?}"
    );
    assert!(in_place(&settings.lock));
    drop(held);
    acquire(&settings).await.unwrap();
}

#[tokio::test]
async fn the_lock_of_a_dead_process_and_an_empty_directory_are_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    for target in ["2147483646", "nonsense", "/etc/passwd"] {
        let _ = std::fs::remove_file(&settings.lock);
        symlink(target, &settings.lock).unwrap();
        acquire(&settings).await.unwrap();
        assert!(settings.lock.symlink_metadata().unwrap().is_file(), "{target}");
    }
    std::fs::remove_file(&settings.lock).unwrap();
    std::fs::create_dir(&settings.lock).unwrap();
    acquire(&settings).await.unwrap();
}

#[tokio::test]
async fn the_lock_of_a_living_process_is_honoured_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    symlink(std::process::id().to_string(), &settings.lock).unwrap();
    let error = acquire(&settings).await.unwrap_err();
    assert!(matches!(error, StorageError::LockHeld { .. }), "{error:?}");
    assert!(settings.lock.symlink_metadata().unwrap().is_symlink());
}

#[tokio::test]
async fn a_directory_with_something_in_it_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    std::fs::create_dir_all(settings.lock.join("kept")).unwrap();
    let error = acquire(&settings).await.unwrap_err();
    assert!(matches!(error, StorageError::LockUnusable { .. }), "{error:?}");
    assert!(in_place(&settings.lock.join("kept")));
}
