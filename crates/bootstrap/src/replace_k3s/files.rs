//! The files of a replacement: the program beside its place, the one before it, and the cluster's database while
//! nothing writes it. Each act may be done twice.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use appliance_common::state_file;
use ring::digest::{Context, SHA256};

use crate::settings::Places;

/// Where k3s keeps its datastore, that of `SQLite` or of etcd (<https://docs.k3s.io/datastore/backup-restore>).
const DATABASE: &str = "/var/lib/rancher/k3s/server/db";

/// What could not be done to a file.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub(crate) struct FileError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    /// The program that the unit starts.
    pub(super) program: PathBuf,
    /// The one that is to take its place.
    pub(super) next: PathBuf,
    before: PathBuf,
    database: PathBuf,
    database_before: PathBuf,
}

impl Files {
    pub(super) fn of(places: &Places) -> Self {
        let bin = places.appliance_root.join("bin");
        let database = places.below_root(DATABASE);
        Self {
            program: bin.join("k3s"),
            next: bin.join("k3s.next"),
            before: bin.join("k3s.before"),
            database_before: database.with_file_name("db.before-replacement"),
            database,
        }
    }

    /// Copies a program beside its place; its SHA-256, of the bytes that were written.
    pub(super) fn stage(&self, from: &Path) -> Result<String, FileError> {
        remove(&self.next)?;
        let copied = copy_program(from, &self.next);
        let digest = copied.map_err(failed("copying to the place of the program a file", from))?;
        Ok(hex::encode(digest.as_ref()))
    }

    /// Takes away what [`Files::stage`] left.
    pub(super) fn unstage(&self) -> Result<(), FileError> {
        remove(&self.next)
    }

    /// Keeps the program that is there, and forgets a copy of an earlier database.
    pub(super) fn keep(&self) -> Result<(), FileError> {
        remove_all(&self.database_before)?;
        linked(&self.program, &self.before)
    }

    /// Copies the database, which nothing may write meanwhile. A box without one has nothing to keep.
    pub(super) fn keep_database(&self) -> Result<(), FileError> {
        if !self.database.exists() {
            return Ok(());
        }
        let unfinished = self.database_before.with_extension("unfinished");
        copy_whole(&self.database, &unfinished, &self.database_before)
    }

    /// Puts the staged program in its place.
    pub(super) fn put_in_place(&self) -> Result<(), FileError> {
        renamed(&self.next, &self.program)
    }

    /// Puts the program before back, and the database of its time if there is a copy.
    pub(super) fn put_back(&self) -> Result<(), FileError> {
        linked(&self.before, &self.program)?;
        if self.database_before.exists() {
            let unfinished = self.database.with_extension("unfinished");
            copy_whole(&self.database_before, &unfinished, &self.database)?;
        }
        Ok(())
    }

    /// Takes away everything that was only there to go back.
    pub(super) fn forget(&self) -> Result<(), FileError> {
        remove(&self.next)?;
        remove(&self.before)?;
        remove_all(&self.database_before)
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { doing, path, source }
}

fn copy_program(from: &Path, to: &Path) -> io::Result<ring::digest::Digest> {
    let mut source = File::open(from)?;
    if !source.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(to)?;
    let mut hash = Context::new(&SHA256);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        target.write_all(&piece[..read])?;
    }
    // The mask of the process does not count.
    target.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    target.sync_all()?;
    Ok(hash.finish())
}

/// Gives `from` the name `to` as well, in place of what has it.
fn linked(from: &Path, to: &Path) -> Result<(), FileError> {
    let beside = to.with_extension("link");
    remove(&beside)?;
    fs::hard_link(from, &beside).map_err(failed("keeping", from))?;
    renamed(&beside, to)?;
    // rename(2) does nothing when both names are of one file already.
    remove(&beside)
}

/// Copies a directory as a whole or not at all.
fn copy_whole(from: &Path, unfinished: &Path, to: &Path) -> Result<(), FileError> {
    remove_all(unfinished)?;
    copy_dir(from, unfinished).map_err(failed("copying", from))?;
    remove_all(to)?;
    renamed(unfinished, to)
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else if kind.is_file() {
            // Also copies the permissions; both are root's.
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    File::open(to)?.sync_all()
}

fn renamed(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(failed("putting in place", to))?;
    let dir = to.parent().unwrap_or(to);
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed("writing down", dir))
}

fn remove(path: &Path) -> Result<(), FileError> {
    state_file::remove(path).map_err(failed("removing", path))
}

fn remove_all(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing", path)(error)),
        _ => Ok(()),
    }
}
