//! What managing a running appliance needs of the settings.

use super::Settings;
use crate::manage::ManageSettings;

impl Settings {
    /// The settings of what operators manage; `boot_id` is the kernel's.
    #[must_use]
    pub fn manage(&self, boot_id: String) -> ManageSettings {
        let setup = self.setup();
        ManageSettings {
            state_file: setup.state_file,
            selection_file: setup.selection_file,
            cluster: setup.cluster,
            registry: setup.registry,
            policy: setup.policy,
            owner_max_age: self.engine.update_owner_max_age.limit,
            boot_id,
        }
    }
}
