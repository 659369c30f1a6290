//! What the host works on by itself: boot, upgrades of the control plane, resets.

use serde::{Deserialize, Serialize};

use crate::host::{BootState, ControlPlaneUpgrade, ImageRecord, ResetState};

/// That an upgrade was begun, or was under way already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStarted {
    /// Always `true`.
    pub ok: bool,
    /// Begun by this request.
    pub started: bool,
    /// Under way before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub already_running: bool,
}

/// How each stands; absent is what never was, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operations {
    /// Always `true`.
    pub ok: bool,
    /// How far the last boot is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootState>,
    /// The last upgrade of the control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_upgrade: Option<ControlPlaneUpgrade>,
    /// Images of the control plane: what ran well, what is there, what is never taken again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_image: Option<ImageRecord>,
    /// The last reset; its nonce is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<ResetState>,
}
