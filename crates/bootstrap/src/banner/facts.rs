//! Everything the banner tells, read once. What cannot be read is not known, and never guessed.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use appliance_common::host::BootState;
use appliance_common::names::host_file;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use serde::Deserialize;

use super::address;
use crate::settings::Places;
use crate::token::{self, Token};

/// What is known at this moment.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) port: u16,
    /// `None`: unavailable.
    pub(super) built: Option<String>,
    /// Of this boot.
    pub(super) boot: Option<BootState>,
    pub(super) token: KnownToken,
    /// What could not be read.
    pub(super) warnings: Vec<String>,
}

/// What there is to say of the setup token.
#[derive(Debug)]
pub(super) enum KnownToken {
    /// It opens the wizard.
    Valid(Token),
    /// There is none yet, or none that can be read.
    Pending,
    /// A password was chosen: none is needed.
    Used,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildInfo {
    build_timestamp: String,
}

pub(super) fn gather(places: &Places, build_info: &Path) -> Facts {
    let mut warnings = Vec::new();
    let token = if crate::owned::is_there(&places.admin_credential()) {
        KnownToken::Used
    } else {
        match token::current(places) {
            Ok(Some(token)) => KnownToken::Valid(token),
            Ok(None) => KnownToken::Pending,
            Err(error) => {
                warnings.push(format!("reading {}: {}", places.token().display(), chain(&error)));
                KnownToken::Pending
            }
        }
    };
    Facts {
        addresses: address::usable(),
        port: places.port,
        built: built(build_info),
        boot: boot(places),
        token,
        warnings,
    }
}

fn built(build_info: &Path) -> Option<String> {
    let text = fs::read_to_string(build_info).ok()?;
    let info: BuildInfo = serde_json::from_str(&text).ok()?;
    let is_plain =
        info.build_timestamp.len() <= 40 && info.build_timestamp.chars().all(|c| c.is_ascii_graphic());
    is_plain.then_some(info.build_timestamp)
}

/// The record of this boot; one of an earlier boot tells nothing of this one.
fn boot(places: &Places) -> Option<BootState> {
    let record = StateFile::<BootState>::at(places.host_state_dir.join(host_file::BOOTSTRAP_STATE));
    record
        .load()
        .ok()
        .flatten()
        .filter(|state| state.boot_id == places.boot_id())
}
