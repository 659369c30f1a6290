//! What two or more of the appliance's programs share. No business flow lives here.

pub mod agent_api;
pub mod clock;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod findings;
pub mod host;
pub mod meter;
pub mod names;
#[cfg(feature = "registry")]
pub mod outbound;
#[cfg(feature = "password")]
pub mod password;
#[cfg(feature = "registry")]
pub mod preflight;
pub mod process;
pub mod random;
pub mod readiness;
pub mod redact;
pub mod release;
pub mod secret;
pub mod setup_token;
pub mod state_file;
#[cfg(feature = "cluster")]
pub mod storage;
#[cfg(feature = "systemd")]
pub mod systemd;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
