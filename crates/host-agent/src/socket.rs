//! The socket: bound where nobody can reach it, given its owner and mode, and only then moved to its name, so that
//! there is no moment in which it is open to others (50 W22).

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use tokio::net::UnixListener;

use crate::settings::Settings;

/// Root and the pod's group; nobody else.
const MODE: u32 = 0o660;

/// Why nobody can be listened to.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub(crate) struct SocketError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    let path = path.to_owned();
    move |source| SocketError { doing, path, source }
}

/// Listens at the settings' socket; a stale one is replaced.
pub(crate) fn listen(settings: &Settings) -> Result<UnixListener, SocketError> {
    let path = &settings.socket;
    let dir = path.parent().unwrap_or(Path::new("/"));
    // systemd's tmpfiles make it; the kubelet may have come first.
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(dir)
        .map_err(failed("making", dir))?;
    let private = dir.join(format!(".host-agent.{}", std::process::id()));
    drop(fs::remove_dir_all(&private));
    DirBuilder::new()
        .mode(0o700)
        .create(&private)
        .map_err(failed("making", &private))?;
    let listener = placed(settings, &private.join("socket"), path);
    // An empty directory that stays is no harm.
    drop(fs::remove_dir_all(&private));
    listener
}

fn placed(settings: &Settings, made: &Path, path: &Path) -> Result<UnixListener, SocketError> {
    let listener = UnixListener::bind(made).map_err(failed("listening at", made))?;
    fs::set_permissions(made, Permissions::from_mode(MODE)).map_err(failed("setting the mode of", made))?;
    if Uid::effective().is_root() {
        chown(made, Some(0), Some(settings.socket_gid)).map_err(failed("setting the group of", made))?;
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            let taken = io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something that is no socket is there",
            );
            return Err(failed("replacing", path)(taken));
        }
        _ => {}
    }
    fs::rename(made, path).map_err(failed("moving the socket to", path))?;
    Ok(listener)
}
