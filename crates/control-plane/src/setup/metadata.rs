//! `maintenance-metadata.json`: which OS, k3s and application versions this box has had (60 §6).

use appliance_common::clock::iso_millis;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::selection::ReleaseSelection;

const UPDATE_POLICY: &str = "manual-support-run-v1";
const LIABILITY_NOTE: &str = "Operating system and k3s security patching is manual in appliance v1.";
const V2_DIRECTION: [&str; 4] = [
    "Unattended operating system security updates",
    "Managed k3s upgrades",
    "Scheduled application updates in a maintenance window",
    "Automatic backups before updates",
];

/// Most entries of the history; the oldest go first.
const MAX_HISTORY: usize = 50;

/// The document. Unknown keys are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MaintenanceMetadata {
    updated_at: String,
    host: Host,
    k3s: K3s,
    app: App,
    maintenance: Maintenance,
    /// Newest first.
    history: Vec<Change>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Host {
    os: Option<Os>,
    update_policy: String,
    cve_liability_note: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The host's operating system, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Os {
    /// `ID` of os-release.
    pub id: Option<String>,
    /// `VERSION_ID` of os-release.
    pub version_id: Option<String>,
    /// `PRETTY_NAME` of os-release; what the API server reports as the node's `osImage`.
    pub pretty_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct K3s {
    version: Option<String>,
    update_policy: String,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct App {
    selected_channel: Option<String>,
    selected_release_version: Option<String>,
    registry_host: Option<String>,
    repository: Option<String>,
    manifest_digest: Option<String>,
    last_known_install_status: Option<String>,
    last_known_phase: Option<String>,
    last_app_update_at: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Maintenance {
    v2_direction: Vec<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Change {
    at: String,
    kind: String,
    from: Option<String>,
    to: Option<String>,
    ok: bool,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// What is known at one moment.
#[derive(Debug, Clone, Copy)]
pub struct MaintenanceFacts<'a> {
    /// The operating system; `None` when nobody could tell.
    pub os: Option<&'a Os>,
    /// The k3s version; `None` when nobody could tell.
    pub k3s_version: Option<&'a str>,
    /// The release that is installed.
    pub selection: &'a ReleaseSelection,
    /// `status` of the install state.
    pub status: &'a str,
    /// `phase` of the install state.
    pub phase: &'a str,
    /// What a changed application version is recorded as: `setup` or `app-update`.
    pub kind: &'a str,
}

impl MaintenanceMetadata {
    /// The document after `facts` were seen. What could not be told this time stays as it was.
    #[must_use]
    pub fn after(mut self, facts: &MaintenanceFacts<'_>, now: Timestamp) -> Self {
        let selection = facts.selection;
        let release = given(&selection.selected_release_version);
        self.note_changes(facts, release.as_ref(), &iso_millis(now));
        self.updated_at = iso_millis(now);
        self.host.os = facts.os.cloned().or(self.host.os);
        UPDATE_POLICY.clone_into(&mut self.host.update_policy);
        LIABILITY_NOTE.clone_into(&mut self.host.cve_liability_note);
        self.k3s.version = facts.k3s_version.map(str::to_owned).or(self.k3s.version);
        UPDATE_POLICY.clone_into(&mut self.k3s.update_policy);
        self.maintenance.v2_direction = V2_DIRECTION.map(str::to_owned).to_vec();
        let updated = (facts.status == "update-complete").then(|| iso_millis(now));
        self.app = App {
            selected_channel: given(selection.channel()),
            selected_release_version: release,
            registry_host: given(&selection.registry_host),
            repository: given(&selection.repository),
            manifest_digest: selection.manifest_digest.clone(),
            last_known_install_status: given(facts.status),
            last_known_phase: given(facts.phase),
            last_app_update_at: updated.or(self.app.last_app_update_at),
            unknown: self.app.unknown,
        };
        self
    }

    /// Puts each version that differs from the recorded one on top of the history. The first sight of an
    /// operating system or k3s is no change.
    fn note_changes(&mut self, facts: &MaintenanceFacts<'_>, release: Option<&String>, at: &str) {
        let os_name = |os: &Os| os.pretty_name.clone();
        let os = (
            self.host.os.as_ref().and_then(os_name),
            facts.os.and_then(os_name),
        );
        let k3s = (self.k3s.version.clone(), facts.k3s_version.map(str::to_owned));
        let app = (self.app.selected_release_version.clone(), release.cloned());
        let first_sight = |(from, _): &(Option<String>, Option<String>)| from.is_none();
        for (kind, versions, is_change) in [
            ("os-change", &os, !first_sight(&os)),
            ("k3s-change", &k3s, !first_sight(&k3s)),
            (facts.kind, &app, true),
        ] {
            let (from, to) = versions.clone();
            if is_change && to.is_some() && from != to {
                let (at, kind) = (at.to_owned(), kind.to_owned());
                self.history.insert(
                    0,
                    Change {
                        at,
                        kind,
                        from,
                        to,
                        ok: true,
                        unknown: Map::new(),
                    },
                );
            }
        }
        self.history.truncate(MAX_HISTORY);
    }
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(version: &str) -> ReleaseSelection {
        serde_json::from_value(json!({
            "selectedChannel": "stable", "selectedReleaseVersion": version, "registryHost": "ghcr.io",
            "repository": "nine-minds/alga-appliance-release", "manifestDigest": "sha256:ab",
        }))
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-06-01T10:20:30.456Z".parse().unwrap()
    }

    fn os(name: &str) -> Os {
        Os {
            pretty_name: Some(name.to_owned()),
            ..Os::default()
        }
    }

    fn facts<'a>(selection: &'a ReleaseSelection, os: Option<&'a Os>) -> MaintenanceFacts<'a> {
        MaintenanceFacts {
            os,
            k3s_version: Some("v1.36.3+k3s1"),
            selection,
            status: "release-config-complete",
            phase: "registry-release-source",
            kind: "setup",
        }
    }

    #[test]
    fn a_setup_records_what_the_box_has() {
        let (selection, ubuntu) = (selection("1.4.1"), os("Ubuntu 24.04 LTS"));
        let document = MaintenanceMetadata::default().after(&facts(&selection, Some(&ubuntu)), now());
        assert_eq!(
            serde_json::to_value(document).unwrap(),
            json!({
                "updatedAt": "2026-06-01T10:20:30.456Z",
                "host": {
                    "os": {"id": null, "versionId": null, "prettyName": "Ubuntu 24.04 LTS"},
                    "updatePolicy": "manual-support-run-v1", "cveLiabilityNote": LIABILITY_NOTE,
                },
                "k3s": {"version": "v1.36.3+k3s1", "updatePolicy": "manual-support-run-v1"},
                "app": {
                    "selectedChannel": "stable", "selectedReleaseVersion": "1.4.1", "registryHost": "ghcr.io",
                    "repository": "nine-minds/alga-appliance-release", "manifestDigest": "sha256:ab",
                    "lastKnownInstallStatus": "release-config-complete",
                    "lastKnownPhase": "registry-release-source", "lastAppUpdateAt": null,
                },
                "maintenance": {"v2Direction": V2_DIRECTION},
                "history": [{
                    "at": "2026-06-01T10:20:30.456Z", "kind": "setup", "from": null, "to": "1.4.1", "ok": true,
                }],
            })
        );
    }

    #[test]
    fn unknown_keys_and_what_cannot_be_told_stay() {
        let shipped: MaintenanceMetadata = serde_json::from_value(json!({
            "updatedAt": "x", "future": 1,
            "host": {"os": {"id": "ubuntu", "versionId": "24.04", "prettyName": "Ubuntu"}, "note": 2},
            "k3s": {"version": null}, "app": {"lastAppUpdateAt": "2026-01-01T00:00:00.000Z", "note": 3},
            "history": [{"at": "x", "kind": "reset", "from": null, "to": null, "ok": false, "by": "support"}],
        }))
        .unwrap();
        let release = selection("1.4.1");
        let after = shipped.after(&facts(&release, None), now());
        assert_eq!(after.host.os.as_ref().unwrap().id.as_deref(), Some("ubuntu"));
        let text = serde_json::to_value(&after).unwrap();
        assert_eq!(
            (&text["future"], &text["host"]["note"], &text["app"]["note"]),
            (&json!(1), &json!(2), &json!(3))
        );
        assert_eq!(text["app"]["lastAppUpdateAt"], "2026-01-01T00:00:00.000Z");
        assert_eq!(
            text["history"][1]["by"], "support",
            "what others wrote into the history"
        );
        let updated = after.after(
            &MaintenanceFacts {
                status: "update-complete",
                ..facts(&release, None)
            },
            now(),
        );
        assert_eq!(
            updated.app.last_app_update_at.as_deref(),
            Some("2026-06-01T10:20:30.456Z")
        );
    }

    #[test]
    fn only_changed_versions_enter_the_bounded_history() {
        let (ubuntu, release) = (os("Ubuntu 24.04"), selection("1.0.0"));
        let mut document = MaintenanceMetadata::default().after(&facts(&release, Some(&ubuntu)), now());
        document = document.after(&facts(&release, Some(&ubuntu)), now());
        assert_eq!(document.history.len(), 1, "the same versions again are no change");
        document = document.after(&facts(&release, Some(&os("Ubuntu 26.04"))), now());
        let newest = &document.history[0];
        assert_eq!(
            (newest.kind.as_str(), newest.from.as_deref()),
            ("os-change", Some("Ubuntu 24.04"))
        );
        for n in 0..MAX_HISTORY {
            document = document.after(&facts(&selection(&format!("2.0.{n}")), None), now());
        }
        assert_eq!(document.history.len(), MAX_HISTORY);
        assert_eq!(document.history[0].to.as_deref(), Some("2.0.49"), "newest first");
        assert_eq!(document.history[MAX_HISTORY - 1].to.as_deref(), Some("2.0.0"));
    }
}
