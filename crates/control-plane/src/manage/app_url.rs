//! The application's address and the DNS servers of this box's own lookups (40 §8.2).
//!
//! What an operator wants is durable first, in `release-selection.json`; the cluster is then brought to it,
//! at once and, where that fails or is cut short, again by itself until it is so. What cannot be done at all
//! is found before anything is written.

mod converge;
mod edit;

use std::collections::BTreeMap;
use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::cluster::ClusterError;
use appliance_common::outbound::{DnsInputError, DnsPolicy};
use appliance_common::process::chain;
use appliance_common::state_file::{LockError, StateFile, StateFileError};
use serde_json::Value;

use super::Manage;
use crate::app_url::AppUrl;
use crate::selection::{ReleaseSelection, Runtime};
use converge::Plan;

/// Most characters of the list of servers, used or not.
const MAX_SERVERS_CHARS: usize = 1024;
/// First pause before an address that is not in the cluster yet is tried again; it doubles up to
/// [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_mins(5);

/// A change that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressChange {
    url: AppUrl,
    /// `system` or `custom`, and the list as typed; nothing leaves what is there.
    dns: Option<(&'static str, String)>,
}

impl AddressChange {
    /// Checks what was typed.
    ///
    /// # Errors
    /// A sentence for each field that is wrong.
    pub fn check(
        app_hostname: &str,
        dns_mode: Option<&str>,
        dns_servers: Option<&str>,
    ) -> Result<Self, BTreeMap<&'static str, String>> {
        let mut problems = BTreeMap::new();
        let url = AppUrl::parse(app_hostname)
            .map_err(|error| problems.insert("appHostname", format!("App URL {error}.")))
            .ok();
        let dns = match (dns_mode, dns_servers) {
            (None, None) => None,
            (mode, servers) => dns(mode.unwrap_or_default(), servers.unwrap_or_default().trim())
                .map_err(|(field, words)| problems.insert(field, words))
                .ok(),
        };
        match url {
            Some(url) if problems.is_empty() => Ok(Self { url, dns }),
            Some(_) | None => Err(problems),
        }
    }
}

fn dns(mode: &str, servers: &str) -> Result<(&'static str, String), (&'static str, String)> {
    if servers.chars().count() > MAX_SERVERS_CHARS {
        let words = format!("DNS servers must be at most {MAX_SERVERS_CHARS} characters long.");
        return Err(("dnsServers", words));
    }
    match DnsPolicy::from_inputs(mode, servers) {
        Ok(DnsPolicy::System) => Ok(("system", servers.to_owned())),
        Ok(DnsPolicy::Custom(_)) => Ok(("custom", servers.to_owned())),
        Err(error @ DnsInputError::Mode(_)) => Err(("dnsMode", format!("{error}."))),
        Err(error) => Err(("dnsServers", format!("{error}."))),
    }
}

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address in its canonical form.
    pub url: String,
    /// Its host alone.
    pub host: String,
    /// `system` or `custom`.
    pub dns_mode: String,
    /// The list as typed.
    pub dns_servers: String,
}

/// Why the address was not changed, or not yet everywhere.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Setup, an update or another change is under way.
    #[error("something else is changing this appliance")]
    Busy(#[source] LockError),
    /// `release-selection.json` cannot be read; it is as it was.
    #[error("the record of the release cannot be read")]
    Unreadable(#[source] StateFileError),
    /// There is no installation whose address could be changed.
    #[error("nothing is installed yet")]
    NotInstalled,
    /// The values in the cluster have no place for an address; nothing was changed.
    #[error("{object}: {reason}")]
    Values {
        /// The `ConfigMap`.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk.
    #[error("the address was not recorded")]
    Store(#[source] StateFileError),
    /// The cluster did not do a step.
    #[error("{step}")]
    Cluster {
        /// Which.
        step: String,
        /// Whether the address is recorded, so that the step is tried again by itself.
        recorded: bool,
        /// What the cluster said.
        source: ClusterError,
    },
    /// The process is ending.
    #[error("the process is ending")]
    Ending,
}

impl Manage {
    /// Changes the address. Changing it to what it is brings the cluster to it once more.
    ///
    /// # Errors
    /// [`AddressError`]; nothing was changed but for [`AddressError::Cluster`] that says `recorded`.
    pub async fn change_address(&self, change: AddressChange) -> Result<Address, AddressError> {
        let manage = self.clone();
        // In a task of its own: a client that stops waiting stops nothing half-way.
        let changing = tokio::spawn(async move {
            let result = manage.change_address_now(change).await;
            if let Err(error) = &result {
                tracing::warn!(
                    error = chain(error),
                    "the application's address was not changed everywhere"
                );
                if matches!(error, AddressError::Cluster { recorded: true, .. }) {
                    manage.beside(Self::take_up_address);
                }
            }
            result
        });
        changing.await.unwrap_or(Err(AddressError::Ending))
    }

    async fn change_address_now(&self, change: AddressChange) -> Result<Address, AddressError> {
        let _lock = self.lock("application address").map_err(AddressError::Busy)?;
        let selection = self.selection().await?.ok_or(AddressError::NotInstalled)?;
        if selection.installed_at.is_none() && self.setup_is_unfinished().await {
            return Err(AddressError::NotInstalled);
        }
        let unreachable = |source| AddressError::Cluster {
            step: "reaching the cluster".to_owned(),
            recorded: false,
            source,
        };
        let cluster = self.cluster().await.map_err(unreachable)?;
        // Before anything is written: both have a place for it.
        Plan::read(cluster, &change.url)
            .await
            .map_err(|error| error.recorded(false))?;
        let mut selection = with(selection, &change);
        let now = iso_millis(self.0.clock.now());
        selection.updated_at.clone_from(&now);
        runtime(&mut selection).pending_since = Some(now);
        self.store(selection.clone()).await?;
        self.bring_about(selection, &change.url).await
    }

    /// Brings the cluster to a recorded address. The caller holds the lock.
    async fn bring_about(
        &self,
        mut selection: ReleaseSelection,
        url: &AppUrl,
    ) -> Result<Address, AddressError> {
        let unreachable = |source| AddressError::Cluster {
            step: "reaching the cluster".to_owned(),
            recorded: true,
            source,
        };
        let cluster = self.cluster().await.map_err(unreachable)?;
        let now = self.0.clock.now();
        converge::converge(cluster, url, now)
            .await
            .map_err(|error| error.recorded(true))?;
        let runtime = runtime(&mut selection);
        runtime.pending_since = None;
        let address = Address {
            url: url.as_str().to_owned(),
            host: url.host().to_owned(),
            dns_mode: runtime.dns_mode.clone(),
            dns_servers: runtime.dns_servers.clone(),
        };
        selection.updated_at = iso_millis(now);
        self.store(selection).await?;
        Ok(address)
    }

    /// Brings an address about that is recorded and not in the cluster yet, until it is there.
    pub(super) async fn take_up_address(self) {
        let Ok(_only_one) = self.0.taking_up.try_lock() else {
            return;
        };
        let mut pause = FIRST_PAUSE;
        while let Some(wait) = self.take_up_once().await {
            tokio::time::sleep(wait.unwrap_or(pause)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// One try; nothing when there is no more to do, else how long to wait where that is known.
    async fn take_up_once(&self) -> Option<Option<Duration>> {
        let is_pending = |selection: &ReleaseSelection| {
            let runtime = selection.runtime.as_ref();
            runtime.is_some_and(|runtime| runtime.pending_since.is_some())
        };
        // A file that cannot be read says nothing of an address.
        self.selection().await.ok().flatten().filter(is_pending)?;
        let Ok(_lock) = self.lock("application address") else {
            return Some(Some(FIRST_PAUSE));
        };
        let selection = self.selection().await.ok().flatten().filter(is_pending)?;
        let address = selection
            .runtime
            .as_ref()
            .map(|runtime| runtime.app_hostname.clone());
        let url = AppUrl::parse(&address?).ok()?;
        match self.bring_about(selection, &url).await {
            Ok(address) => {
                tracing::info!(address.url, "the application's address is in the cluster now");
                None
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the application's address is not in the cluster yet"
                );
                Some(None)
            }
        }
    }

    async fn selection(&self) -> Result<Option<ReleaseSelection>, AddressError> {
        let file = self.selection_file();
        let loaded = tokio::task::spawn_blocking(move || file.load()).await;
        loaded
            .map_err(|_| AddressError::Ending)?
            .map_err(AddressError::Unreadable)
    }

    async fn store(&self, selection: ReleaseSelection) -> Result<(), AddressError> {
        let file = self.selection_file();
        let stored = tokio::task::spawn_blocking(move || file.store(&selection)).await;
        stored
            .map_err(|_| AddressError::Ending)?
            .map_err(AddressError::Store)
    }

    /// Whether setup has begun here and would write an address of its own later.
    async fn setup_is_unfinished(&self) -> bool {
        let file = StateFile::<Value>::at(&self.0.settings.state_file);
        let loaded = tokio::task::spawn_blocking(move || file.load()).await;
        matches!(loaded, Ok(Ok(Some(document))) if !document["run"].is_null())
    }
}

/// The selection with what is wanted.
fn with(mut selection: ReleaseSelection, change: &AddressChange) -> ReleaseSelection {
    let runtime = runtime(&mut selection);
    change.url.as_str().clone_into(&mut runtime.app_hostname);
    match &change.dns {
        Some((mode, servers)) => {
            (*mode).clone_into(&mut runtime.dns_mode);
            runtime.dns_servers.clone_from(servers);
        }
        None if runtime.dns_mode.is_empty() => "system".clone_into(&mut runtime.dns_mode),
        None => {}
    }
    selection
}

fn runtime(selection: &mut ReleaseSelection) -> &mut Runtime {
    selection.runtime.get_or_insert_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(url: &str, mode: Option<&str>, servers: Option<&str>) -> Vec<&'static str> {
        AddressChange::check(url, mode, servers)
            .map_or_else(|problems| problems.into_keys().collect(), |_| vec![])
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_and_by_its_field() {
        for bad in [
            "javascript:alert(1)",
            "http://",
            "https://u:p@h",
            "https://h:99999",
            "a b c",
            "ftp://h",
            "https://h/path?x",
            "",
        ] {
            assert_eq!(problems(bad, None, None), ["appHostname"], "{bad:?}");
        }
        let fine = "http://192.168.1.50:3000";
        assert_eq!(problems(fine, None, None), [""; 0]);
        assert_eq!(
            problems(fine, Some("custom"), Some("10.0.0.53, 10.0.0.54")),
            [""; 0]
        );
        assert_eq!(problems(fine, Some("auto"), None), ["dnsMode"]);
        assert_eq!(problems(fine, Some("custom"), Some("")), ["dnsServers"]);
        assert_eq!(
            problems("", Some("custom"), Some("box.lan")),
            ["appHostname", "dnsServers"]
        );
        assert_eq!(
            problems(fine, Some("system"), Some(&"1".repeat(2000))),
            ["dnsServers"]
        );
    }

    #[test]
    fn only_what_was_asked_for_changes_in_the_record() {
        let live: ReleaseSelection = serde_json::from_value(serde_json::json!({
            "selectedChannel": "nightly", "manifestDigest": "sha256:ab", "future": 1,
            "runtime": {"appHostname": "https://old.example", "dnsMode": "custom", "dnsServers": "10.0.0.53", "note": 2},
        }))
        .unwrap();
        let changed = |dns: Option<&str>| {
            let change = AddressChange::check("https://new.example", dns, None).unwrap();
            serde_json::to_value(with(live.clone(), &change)).unwrap()
        };
        let mut expected = serde_json::to_value(&live).unwrap();
        expected["runtime"]["appHostname"] = "https://new.example".into();
        assert_eq!(changed(None), expected);
        expected["runtime"]["dnsMode"] = "system".into();
        expected["runtime"]["dnsServers"] = "".into();
        assert_eq!(changed(Some("system")), expected);
    }
}
