//! The host's side of storage: four things, each looked at, and put right when asked (20 §7, W12).

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use appliance_common::agent_api::{ConvergeMode, HostItem, StorageConverged};
use appliance_common::host::k3s;
use appliance_common::names::{HOST_LOCK, VOLUMES_DIR};
use appliance_common::state_file::{self, FileLock, LockError};

use crate::settings::Settings;

/// Others pass through to volumes whose names they know, and see none (50 W34).
const DIR_MODE: u32 = 0o711;

/// Why the host's side is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvergeError {
    #[error("somebody else works on this host")]
    Busy(#[source] LockError),
    #[error("{doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ConvergeError {
    let path = path.to_owned();
    move |source| ConvergeError::File { doing, path, source }
}

/// Looks at all of them, and puts right what differs. The host lock is not waited for: whoever asks has locks that
/// come later in the order (decision 15).
pub(crate) fn converge(settings: &Settings, mode: ConvergeMode) -> Result<StorageConverged, ConvergeError> {
    let lock = settings.below_root(HOST_LOCK);
    let _lock = match mode {
        ConvergeMode::Look => None,
        ConvergeMode::Mend => {
            let note = "alga-host-agent, storage";
            Some(FileLock::try_acquire(&lock, note).map_err(ConvergeError::Busy)?)
        }
    };
    let mut answer = StorageConverged::default();
    for item in HostItem::ALL {
        if is_as_wanted(settings, item)? {
            continue;
        }
        answer.drifted.push(item);
        if mode == ConvergeMode::Mend {
            mend(settings, item)?;
            answer.changed.push(item);
        }
    }
    Ok(answer)
}

fn is_as_wanted(settings: &Settings, item: HostItem) -> Result<bool, ConvergeError> {
    Ok(match item {
        HostItem::DataRoot => {
            let path = settings.below_root(VOLUMES_DIR);
            let meta = fs::symlink_metadata(&path);
            meta.is_ok_and(|meta| meta.is_dir() && meta.permissions().mode() & 0o7777 == DIR_MODE)
        }
        HostItem::K3sDropIn => {
            text(settings, k3s::STORAGE_DROP_IN)?.as_deref() == Some(k3s::STORAGE_DROP_IN_TEXT)
        }
        HostItem::K3sSkipFile => settings.below_root(k3s::SKIP_FILE).exists(),
        HostItem::K3sUnit => match text(settings, k3s::UNIT_FILE)? {
            Some(unit) => k3s::without_local_storage(&unit).is_none(),
            None => true,
        },
    })
}

fn mend(settings: &Settings, item: HostItem) -> Result<(), ConvergeError> {
    match item {
        HostItem::DataRoot => {
            let path = settings.below_root(VOLUMES_DIR);
            let made = DirBuilder::new().recursive(true).mode(DIR_MODE).create(&path);
            made.map_err(failed("making", &path))?;
            let set = fs::set_permissions(&path, Permissions::from_mode(DIR_MODE));
            set.map_err(failed("setting the mode of", &path))
        }
        HostItem::K3sDropIn => write(settings, k3s::STORAGE_DROP_IN, k3s::STORAGE_DROP_IN_TEXT, 0o600),
        HostItem::K3sSkipFile => write(settings, k3s::SKIP_FILE, "", 0o600),
        HostItem::K3sUnit => match text(settings, k3s::UNIT_FILE)?
            .as_deref()
            .and_then(k3s::without_local_storage)
        {
            // It takes effect at k3s's next start; until then the drop-in does.
            Some(mended) => write(settings, k3s::UNIT_FILE, &mended, 0o644),
            None => Ok(()),
        },
    }
}

fn text(settings: &Settings, path: &str) -> Result<Option<String>, ConvergeError> {
    let path = settings.below_root(path);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("reading", &path)(error)),
    }
}

fn write(settings: &Settings, path: &str, text: &str, mode: u32) -> Result<(), ConvergeError> {
    let path = settings.below_root(path);
    state_file::replace(&path, text.as_bytes(), mode).map_err(failed("writing", &path))
}
