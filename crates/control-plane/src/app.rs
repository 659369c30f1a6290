//! The handles that request handlers share.

use std::sync::Arc;

use appliance_common::clock::Clock;

use crate::http::Limits;
use crate::mode::InstallMode;
use crate::settings::Settings;

/// Everything a handler may reach; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// What the process was told.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
    /// Sizes and deadlines of the server.
    pub limits: Arc<Limits>,
    /// Whether the box is being set up or is running.
    pub mode: InstallMode,
}

impl App {
    /// The handles over what `settings` name; touches nothing yet.
    #[must_use]
    pub fn new(settings: Settings, clock: Clock, limits: Limits) -> Self {
        Self {
            mode: InstallMode::at(settings.state.state_file.clone()),
            settings: Arc::new(settings),
            clock,
            limits: Arc::new(limits),
        }
    }
}
