//! Which file is to be executed. Looked at before anything is started, so that an error can say more than the
//! kernel does.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};

use crate::launch::Launch;
use crate::start_error::StartError;

/// The file of the launch's program: what its path names, or the first of its `PATH` that can be executed.
/// Directories of `PATH` that are not absolute are passed over: what runs must not depend on where we are.
pub(crate) fn find(launch: &Launch) -> Result<PathBuf, StartError> {
    refuse_nul(launch)?;
    let unusable = |path: &Path, why| StartError::NotExecutable {
        path: path.to_owned(),
        why,
    };
    if let Some(dir) = &launch.dir {
        look_at_dir(dir)?;
    }
    let candidates = candidates(launch)?;
    let mut refused = None;
    for candidate in &candidates {
        match look(candidate) {
            Look::Executable => return Ok(candidate.clone()),
            Look::Absent => {}
            Look::Unusable(why) => refused = refused.or_else(|| Some(unusable(candidate, why))),
        }
    }
    Err(refused.unwrap_or_else(|| StartError::NotFound {
        program: launch.program.clone(),
        looked: candidates,
    }))
}

/// C strings end at a zero byte: no program could be handed one.
fn refuse_nul(launch: &Launch) -> Result<(), StartError> {
    let variables = launch.env.iter().flat_map(|(name, value)| [name, value]);
    let mut strings = [&launch.program].into_iter().chain(&launch.args).chain(variables);
    if strings.any(|string| string.as_bytes().contains(&0)) {
        return Err(StartError::NulByte(launch.command()));
    }
    Ok(())
}

fn look_at_dir(dir: &Path) -> Result<(), StartError> {
    let source = match std::fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => io::ErrorKind::NotADirectory.into(),
        Err(error) => error,
    };
    let dir = dir.to_owned();
    Err(StartError::Dir { dir, source })
}

fn candidates(launch: &Launch) -> Result<Vec<PathBuf>, StartError> {
    let program = Path::new(&launch.program);
    if launch.program.as_bytes().contains(&b'/') {
        let path = match &launch.dir {
            Some(dir) => dir.join(program),
            None => program.to_owned(),
        };
        // Absolute, because the child changes its directory before it becomes the program.
        let absolute = std::path::absolute(&path);
        return Ok(vec![absolute.unwrap_or(path)]);
    }
    let Some(search) = launch.variable("PATH") else {
        return Err(StartError::NoPath(launch.program.clone()));
    };
    let directories = std::env::split_paths(search).filter(|directory| directory.is_absolute());
    Ok(directories.map(|directory| directory.join(program)).collect())
}

enum Look {
    Executable,
    Absent,
    Unusable(String),
}

fn look(path: &Path) -> Look {
    use io::ErrorKind::{NotADirectory, NotFound};
    match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Look::Absent,
        Err(error) => Look::Unusable(error.to_string()),
        Ok(metadata) if metadata.is_dir() => Look::Unusable("it is a directory".to_owned()),
        Ok(metadata) if !metadata.is_file() => Look::Unusable("it is not a regular file".to_owned()),
        Ok(_) => match eaccess(path, AccessFlags::X_OK) {
            Ok(()) => Look::Executable,
            Err(error) => Look::Unusable(io::Error::from(error).to_string()),
        },
    }
}

#[cfg(test)]
mod tests;
