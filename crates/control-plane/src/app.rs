//! The handles that request handlers share.

mod records;

use std::sync::Arc;

use appliance_common::clock::Clock;
use appliance_common::names;

use crate::auth::{Audit, Auth};
use crate::http::{Limits, Ui};
use crate::manage::Manage;
use crate::metrics::Metrics;
use crate::mode::{InstallMode, ReEditable};
use crate::settings::Settings;
use crate::setup::Setup;
use crate::setup::checkup::Checkup;
use crate::state_dir;
use crate::status::{self, NetworkSettings, Status};
use crate::support::Support;
use crate::workloads::Workloads;

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
    /// Whether a submitted setup may be edited.
    pub re_editable: ReEditable,
    /// The management password, its sessions and their guards.
    pub auth: Auth,
    /// Who did what.
    pub audit: Audit,
    /// Installing the application.
    pub setup: Setup,
    /// Checks of host and network.
    pub checkup: Checkup,
    /// What the box is doing, and what is wrong.
    pub status: Status,
    /// The web pages.
    pub ui: Ui,
    /// What is looked at in the cluster for an operator.
    pub workloads: Workloads,
    /// What is counted while the process lives.
    pub metrics: Metrics,
    /// Licence, address and administrator of a running appliance.
    pub manage: Manage,
    /// Support bundles.
    pub support: Support,
}

impl App {
    /// The handles over the files that `settings` name.
    #[must_use]
    pub fn open(settings: Settings, clock: Clock, limits: Limits) -> Self {
        state_dir::prepare(&settings.state.state_file);
        let audit_log = settings
            .auth
            .admin_credential_file
            .with_file_name(names::file::AUDIT_LOG);
        let audit = Audit::at(audit_log, clock.clone());
        let setup = Setup::open(settings.setup(), clock.clone(), boot_id());
        let editable = setup.clone();
        let ui = Ui::open(settings.http.ui_dir.as_deref());
        let checkup_clock = clock.clone();
        let status = Status::open(status::Parts {
            records: Arc::new(records::SetupRecords::new(setup.clone(), settings.http.port)),
            cluster: setup.settings().cluster.clone(),
            limit: settings.cluster.status_timeout,
            network: NetworkSettings {
                ttl: settings.engine.network_probe_ttl,
                debounce: settings.engine.network_probe_debounce,
            },
            clock: clock.clone(),
        });
        Self {
            workloads: Workloads::new(settings.workloads(), clock.clone()),
            metrics: Metrics::new(clock.now()),
            mode: InstallMode::at(settings.state.state_file.clone()),
            re_editable: ReEditable::from_fn(move || editable.is_editable()),
            support: Support::new(settings.support(), clock.clone()),
            manage: Manage::open(settings.manage(boot_id()), clock.clone()),
            auth: Auth::open(&settings.auth, clock.clone(), audit.clone()),
            settings: Arc::new(settings),
            clock,
            limits: Arc::new(limits),
            audit,
            checkup: Checkup::new(setup.clone(), checkup_clock),
            ui,
            setup,
            status,
        }
    }
}

/// The kernel's id of this boot; random(4).
fn boot_id() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}
