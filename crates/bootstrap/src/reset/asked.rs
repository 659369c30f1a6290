//! `reset asked`: a reset over the host agent's socket. The agent leaves the request and reads the answer; the work is
//! done here, in a unit of systemd's own, so that neither the agent's end nor the pod's stops it.

use std::io::{self, Write};
use std::path::PathBuf;

use appliance_common::agent_api::{ResetAnswer, ResetEnd, ResetRequest, ResetStep};
use appliance_common::clock::Clock;
use appliance_common::host::{ResetScope, ResetState};
use appliance_common::names::{RESET_BACKUPS_DIR, VOLUMES_DIR, host_file};
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;

use super::journal::Journal;
use super::{Apply, ResetError, Target, begin, plan};
use crate::settings::Places;

/// The journal of the unit shows the lines as they come; the caller gets them at the end.
#[derive(Default)]
struct Told(Vec<u8>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().write(bytes)?;
        self.0.extend_from_slice(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Takes the request, does it, and leaves the answer. Without one, goes on with a reset that was stopped.
///
/// Only what was tried and failed is an error: a refusal is an answer like any other.
pub(super) async fn answer(places: &Places) -> Result<(), ResetError> {
    let dir = &places.host_state_dir;
    let file = StateFile::<ResetRequest>::at(dir.join(host_file::RESET_REQUEST));
    let request = file.load();
    // Once, whatever comes of it, or a damaged one would stop every later start: what is confirmed is in the journal.
    file.remove().map_err(ResetError::Asked)?;
    let Some(request) = request.map_err(ResetError::Asked)? else {
        return go_on(places).await;
    };
    let mut told = Told::default();
    let done = match request.step {
        ResetStep::Plan => plan(places, &on(request.scope, request.storage_path), &mut told).await,
        ResetStep::Apply => begin(places, &apply(request), &mut told).await,
    };
    let (end, text) = match &done {
        Ok(()) => (ResetEnd::Done, String::from_utf8_lossy(&told.0).into_owned()),
        Err(error) => (error.end(), chain(error)),
    };
    let answer = StateFile::at(dir.join(host_file::RESET_ANSWER));
    answer
        .store(&ResetAnswer { end, text })
        .map_err(ResetError::Asked)?;
    match done {
        Err(error) if end == ResetEnd::Failed => Err(error),
        _ => Ok(()),
    }
}

async fn go_on(places: &Places) -> Result<(), ResetError> {
    let known = Journal::at(places, Clock::system()).load();
    let known = known.map_err(ResetError::Journal)?;
    let Some(stopped) = known.filter(ResetState::is_under_way) else {
        return Ok(());
    };
    let apply = Apply {
        target: on(stopped.scope, Some(stopped.storage_path)),
        confirm: String::new(),
        phrase: String::new(),
        backup: None,
        no_backup: true,
        dry_run: false,
    };
    begin(places, &apply, &mut io::stdout()).await
}

fn on(scope: ResetScope, storage_path: Option<String>) -> Target {
    Target {
        scope: scope.into(),
        storage_path: storage_path.unwrap_or_else(|| VOLUMES_DIR.to_owned()),
        // Outside the data disk only somebody at the console may go.
        allow_path: Vec::new(),
    }
}

fn apply(request: ResetRequest) -> Apply {
    Apply {
        target: on(request.scope, request.storage_path),
        confirm: request.confirm,
        phrase: request.phrase,
        backup: request.backup.then(|| PathBuf::from(RESET_BACKUPS_DIR)),
        no_backup: !request.backup,
        dry_run: request.dry_run,
    }
}
