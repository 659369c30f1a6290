//! Whether this box is being set up or is running, as its install-state document says.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use appliance_common::state_file::StateFile;
use serde::Serialize;
use serde_json::Value;

use crate::watched::Watched;

/// What the box is for right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing was ever submitted: the wizard is open.
    Setup,
    /// An install was submitted, or its record cannot be read: the wizard stays shut.
    Status,
}

/// The mode, and whether the document behind it could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeReading {
    /// Setup only when no document exists.
    pub mode: Mode,
    /// The document exists and is unusable.
    pub unreadable: bool,
}

/// A handle that answers what mode the box is in; cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct InstallMode(Arc<Watched<ModeReading>>);

impl InstallMode {
    /// The mode according to the install-state document at `path`.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let file = StateFile::<Value>::at(path.clone());
        Self(Arc::new(Watched::new(path, move || judge(&file))))
    }

    /// The mode now: one `stat`, and a reading when the file changed.
    #[must_use]
    pub fn read(&self) -> ModeReading {
        *self.0.get()
    }
}

/// Whether a submitted setup may be edited and submitted again; the setup engine says, nobody else.
#[derive(Clone)]
pub struct ReEditable(Arc<dyn Fn() -> bool + Send + Sync>);

impl ReEditable {
    /// Asks `engine` each time.
    pub fn from_fn(engine: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(engine))
    }

    /// Whether it may, now.
    #[must_use]
    pub fn get(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for ReEditable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReEditable")
    }
}

/// A damaged document must never reopen the wizard of a live appliance.
fn judge(file: &StateFile<Value>) -> ModeReading {
    let unreadable = match file.load() {
        Ok(None) => {
            return ModeReading {
                mode: Mode::Setup,
                unreadable: false,
            };
        }
        Ok(Some(document)) => document["status"].as_str().is_none_or(str::is_empty),
        Err(error) => {
            tracing::error!(
                error = appliance_common::process::chain(&error),
                "install state is unusable: restore or remove it, then reload the page"
            );
            true
        }
    };
    ModeReading {
        mode: Mode::Status,
        unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absent_document_means_setup() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("install-state.json");
        let mode = InstallMode::at(path.clone());
        let setup = ModeReading {
            mode: Mode::Setup,
            unreadable: false,
        };
        assert_eq!(mode.read(), setup);
        for (text, unreadable) in [
            (r#"{"status":"setup-queued"}"#, false),
            ("", true),
            ("{", true),
            ("[]", true),
            ("null", true),
            ("{}", true),
            (r#"{"status":""}"#, true),
            (r#"{"status":7}"#, true),
        ] {
            appliance_common::state_file::replace(&path, text.as_bytes(), 0o600).unwrap();
            let expected = ModeReading {
                mode: Mode::Status,
                unreadable,
            };
            assert_eq!(mode.read(), expected, "{text}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(mode.read().unreadable);
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(mode.read(), setup);
    }
}
