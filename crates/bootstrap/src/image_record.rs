//! `control-plane-image.json` in root's own directory: read and written under the host lock.

use std::io;

use appliance_common::host::ImageRecord;
use appliance_common::names::host_file;
use jiff::Timestamp;

use crate::owned::{self, Place};
use crate::settings::Places;

/// Root's, for the pod's group to read.
const MODE: u32 = 0o640;
/// Largest record that is read.
const MAX_BYTES: u64 = 64 * 1024;
/// Images that never became healthy, kept so many: the newest.
const QUARANTINED: usize = 20;

/// What is recorded; one that cannot be understood has nothing to keep.
///
/// # Errors
/// A link, another's file, or what the system said.
pub(crate) fn load(places: &Places) -> io::Result<ImageRecord> {
    let known = owned::read(
        &places.host_state_dir.join(host_file::CONTROL_PLANE_IMAGE),
        MAX_BYTES,
    )?;
    Ok(known
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default())
}

/// Records it, with the time of now.
///
/// # Errors
/// What the system said.
pub(crate) fn store(places: &Places, record: &mut ImageRecord, now: Timestamp) -> io::Result<()> {
    record.updated_at = Some(now);
    let surplus = record.quarantined.len().saturating_sub(QUARANTINED);
    record.quarantined.drain(..surplus);
    owned::directory(&places.host_state_dir)?;
    let path = places.host_state_dir.join(host_file::CONTROL_PLANE_IMAGE);
    owned::write(&path, &serde_json::to_vec_pretty(record)?, MODE, Place::Any)
}
