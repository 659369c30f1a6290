//! Who this box is to the licence service: made once, whatever happens to names and addresses.
//!
//! The service merges boxes by this id, so two boxes must never share one and a box must never have two.
//! It is random, lies in a file of its own on the state volume, and an id that the box is already known
//! by, in its ledger or in the cluster, goes before a new one.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use appliance_common::random;
use appliance_common::state_file::replace;

/// Random bytes of an id; as many hex digits as the shipped product used.
const RANDOM_BYTES: usize = 8;
/// What our ids begin with. The shipped product could end up with nothing behind it.
const PREFIX: &str = "appliance-";
/// Longest id that is taken over.
const MAX_LEN: usize = 128;

/// Why the id is not to be had.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub(super) struct ApplianceIdError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The id of this box. A file that is absent or damaged is made again from `known` ids, the first that is
/// usable, and only for a box that nobody knows from random bytes. Durable when this returns.
///
/// # Errors
/// [`ApplianceIdError`] when the file cannot be read or written; no other id is then used.
pub(super) async fn get_or_create(
    path: PathBuf,
    known: Vec<Option<String>>,
) -> Result<String, ApplianceIdError> {
    let ending = ApplianceIdError {
        doing: "the process is ending before it could read",
        path: path.clone(),
        source: ErrorKind::Interrupted.into(),
    };
    // A sync can take seconds on a bad disk; the server's threads must not wait for it.
    tokio::task::spawn_blocking(move || make_durable(&path, known))
        .await
        .map_err(|_| ending)?
}

fn make_durable(path: &Path, known: Vec<Option<String>>) -> Result<String, ApplianceIdError> {
    let failed = |doing| {
        move |source| ApplianceIdError {
            doing,
            path: path.to_owned(),
            source,
        }
    };
    let stored = read(path).map_err(failed("reading"))?;
    if let Some(id) = stored.as_deref().map(str::trim).filter(|id| is_usable(id)) {
        return Ok(id.to_owned());
    }
    let known = known.into_iter().flatten().find(|id| is_usable(id));
    if stored.is_some() {
        tracing::warn!(path = %path.display(), healed = known.is_some(), "the appliance id was damaged");
    }
    let id = known.unwrap_or_else(generate);
    replace(path, format!("{id}\n").as_bytes(), 0o600).map_err(failed("writing"))?;
    Ok(id)
}

fn generate() -> String {
    format!("{PREFIX}{}", hex::encode(random::bytes::<RANDOM_BYTES>()))
}

/// An id that may have been this box's: any that was registered is kept, but not one that all boxes share.
fn is_usable(id: &str) -> bool {
    id != PREFIX
        && (1..=MAX_LEN).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

/// What is in the file; nothing when there is none.
fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(2 * MAX_LEN as u64).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn known(ids: &[&str]) -> Vec<Option<String>> {
        ids.iter().map(|id| Some((*id).to_owned())).collect()
    }

    #[test]
    fn an_id_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("appliance-id");
        let id = make_durable(&path, vec![None]).unwrap();
        let digits = id.strip_prefix(PREFIX).unwrap();
        assert!(
            digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(make_durable(&path, known(&["appliance-other"])).unwrap(), id);
        assert_ne!(make_durable(&dir.path().join("other"), Vec::new()).unwrap(), id);
    }

    #[test]
    fn a_box_that_is_known_keeps_its_id_when_the_file_is_lost_or_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("appliance-id");
        for damage in [
            None,
            Some(""),
            Some("\n"),
            Some("appliance-"),
            Some("a b"),
            Some("\u{0}\u{0}"),
        ] {
            if let Some(text) = damage {
                replace(&path, text.as_bytes(), 0o600).unwrap();
            }
            let ids = known(&["", "appliance-", "appliance-00ff00ff00ff00ff", "appliance-second"]);
            assert_eq!(
                make_durable(&path, ids).unwrap(),
                "appliance-00ff00ff00ff00ff",
                "{damage:?}"
            );
            assert_eq!(
                make_durable(&path, Vec::new()).unwrap(),
                "appliance-00ff00ff00ff00ff"
            );
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_no_new_identity() {
        let dir = tempfile::tempdir().unwrap();
        let error = make_durable(dir.path(), known(&["appliance-1"])).unwrap_err();
        assert!(
            error.to_string().contains(&dir.path().display().to_string()),
            "{error}"
        );
    }
}
