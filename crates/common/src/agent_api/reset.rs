//! A reset that is asked for over the agent's socket, and what came of it (60 §4).

use serde::{Deserialize, Serialize};

use crate::host::ResetScope;

/// What is asked for, as the body of the request and as the file in which the unit finds it
/// ([`crate::names::host_file::RESET_REQUEST`]).
///
/// Where a copy is kept is not for the caller to say: root writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetRequest {
    /// Plan or apply.
    pub step: ResetStep,
    /// How much goes.
    pub scope: ResetScope,
    /// The directory of the volumes, absolute and on the data disk; none is the installed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_path: Option<String>,
    /// Nonce of the plan.
    #[serde(default)]
    pub confirm: String,
    /// `WIPE` and the id that the plan shows.
    #[serde(default, rename = "type")]
    pub phrase: String,
    /// Whether a copy is kept first ([`crate::names::RESET_BACKUPS_DIR`]).
    #[serde(default = "yes")]
    pub backup: bool,
    /// Shows the steps and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

const fn yes() -> bool {
    true
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetStep {
    /// Shows what would go, and what confirms it.
    Plan,
    /// Takes it away; goes on with one that was stopped.
    Apply,
}

/// How the unit ended, in [`crate::names::host_file::RESET_ANSWER`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetAnswer {
    /// How.
    pub end: ResetEnd,
    /// The lines for the operator, or why nothing more was done.
    pub text: String,
}

/// The ways of ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetEnd {
    /// As asked.
    Done,
    /// Not confirmed as it must be, or a path that is not allowed.
    Refused,
    /// Another operation works on this box.
    Busy,
    /// It was tried.
    Failed,
}

/// 200 when it is done, 202 while a confirmed reset is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetReply {
    /// Always `true`.
    pub ok: bool,
    /// Whether it still works; [`super::route::OPERATIONS`] tells how far it is.
    pub is_under_way: bool,
    /// The lines for the operator.
    pub text: String,
}
