//! `GET /api/manage/status`: parts that are read apart and kept apart, put together without waiting for any
//! of them longer than a moment (40 §8.3, W-28). What is not known is said in `errors`.

use std::path::Path;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use futures::FutureExt;
use futures::future::{join, join3};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::cluster_view::{Administrator, ClusterView};
use super::control_plane::{self, Offered};
use super::license::{self, LicenseView};
use super::offer::{self, Offer, Question, channel};
use super::owner::{self, Liveness};
use super::part::{Keep, Part, Shown, Trouble};
use super::{Inner, Manage, app_update, upgrade};
use crate::selection::ReleaseSelection;

/// How long an answer waits for a part of which nothing is known yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the kernel shows processes.
const PROC: &str = "/proc";

/// The parts that are costly.
pub(super) struct Parts {
    pub(super) license: Part<LicenseView>,
    offer: Part<Option<Offer>>,
    cluster: Part<ClusterView>,
    /// What the registry was asked last.
    asked: Mutex<Option<Question>>,
}

impl Parts {
    pub(super) fn new(inner: &Weak<Inner>, clock: &Clock) -> Self {
        let keep = |good, failed| Keep {
            good: Duration::from_secs(good),
            failed: Duration::from_secs(failed),
        };
        let of = || (inner.clone(), clock.clone());
        let ((license, at_license), (offer, at_offer), (cluster, at_cluster)) = (of(), of(), of());
        let asks_seed = |view: &LicenseView| view.trouble.is_some();
        Self {
            license: Part::new(keep(300, 15), at_license, asks_seed, move || {
                license::read(license.clone()).boxed()
            }),
            offer: Part::new(
                keep(60, 15),
                at_offer,
                |_| false,
                move || offer::read(offer.clone()).boxed(),
            ),
            cluster: Part::new(
                keep(3, 3),
                at_cluster,
                |_| false,
                move || ClusterView::read(cluster.clone()).boxed(),
            ),
            asked: Mutex::default(),
        }
    }
}

impl Parts {
    /// The registry is asked this now.
    pub(super) fn asked(&self, question: Option<&Question>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = question.cloned();
    }
}

/// What was collected for one answer.
struct Seen {
    selection: Result<Option<ReleaseSelection>, Trouble>,
    document: Result<Value, Trouble>,
    upgrade: Result<Value, Trouble>,
    owner: Liveness,
    license: Shown<LicenseView>,
    offer: Shown<Option<Offer>>,
    cluster: Shown<ClusterView>,
    now: Timestamp,
}

/// What is not known, by its part.
#[derive(Default)]
struct Errors(Vec<Value>);

impl Errors {
    fn note(&mut self, part: &'static str, trouble: &Trouble) {
        self.0
            .push(json!({"part": part, "code": trouble.code, "message": trouble.message}));
    }

    /// The value, or nothing and a note of why.
    fn keep<'a, T>(&mut self, part: &'static str, read: &'a Result<T, Trouble>) -> Option<&'a T> {
        read.as_ref().map_err(|trouble| self.note(part, trouble)).ok()
    }
}

impl Manage {
    /// The whole status; never fails.
    pub async fn status(&self) -> Value {
        let parts = &self.0.parts;
        let selection = offer::selection(&self.0).await;
        let state_file = &self.0.settings.state_file;
        let (document, upgrade) = join(
            document(state_file),
            document(&state_file.with_file_name(file::CONTROL_PLANE_UPGRADE)),
        )
        .await;
        let question = selection.as_ref().ok().and_then(Option::as_ref).map(Question::of);
        let (license, offer, cluster) = join3(
            parts.license.ask(PATIENCE),
            self.offer(question.as_ref()),
            parts.cluster.ask(PATIENCE),
        )
        .await;
        let now = self.0.clock.now();
        let seen = Seen {
            owner: self.owner(document.as_ref().unwrap_or(&Value::Null), now),
            selection,
            document,
            upgrade,
            license,
            offer,
            cluster,
            now,
        };
        let mut wire = wire(&seen);
        wire["adminPasswordReset"]["operation"] = json!(self.reset_view());
        wire
    }

    /// The offer that answers this question; an answer to another is none.
    async fn offer(&self, question: Option<&Question>) -> Shown<Option<Offer>> {
        let parts = &self.0.parts;
        let asked = parts.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if asked.as_ref() != question {
            parts.offer.outdate();
        }
        let mut shown = parts.offer.ask(PATIENCE).await;
        let answers = |offer: &Option<Offer>| offer.as_ref().map(|offer| &offer.question) == question;
        if shown.good.as_ref().is_some_and(|(offer, _)| !answers(offer)) {
            shown.good = None;
            shown
                .trouble
                .get_or_insert_with(|| Trouble::new("not_read_yet", "This is being looked up."));
        }
        shown
    }

    fn owner(&self, document: &Value, now: Timestamp) -> Liveness {
        if !app_update::names_an_owner(document) {
            return Liveness::Live;
        }
        let settings = &self.0.settings;
        let look = |pid| owner::look(Path::new(PROC), pid);
        let owner = &document["update"]["owner"];
        owner::judge(owner, &settings.boot_id, settings.owner_max_age, now, look)
    }
}

/// A document of the state volume; null when there is none.
async fn document(path: &Path) -> Result<Value, Trouble> {
    let file = StateFile::<Value>::at(path);
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match tokio::task::spawn_blocking(move || file.load()).await {
        Ok(Ok(document)) => Ok(document.unwrap_or_default()),
        Ok(Err(error)) => {
            tracing::debug!(error = chain(&error), "a document was not read");
            Err(Trouble::new(
                "state_unreadable",
                format!("{name} cannot be read on this appliance."),
            ))
        }
        Err(_) => Err(super::cluster_view::ending()),
    }
}

fn wire(seen: &Seen) -> Value {
    let mut errors = Errors::default();
    let selection = errors.keep("selection", &seen.selection).and_then(Option::as_ref);
    let document = errors
        .keep("installState", &seen.document)
        .unwrap_or(&Value::Null);
    let cluster = seen.cluster.good.as_ref().map(|(cluster, _)| cluster.as_ref());
    if let Some(trouble) = &seen.cluster.trouble {
        errors.note("cluster", trouble);
    }
    if let Some(trouble) = &seen.offer.trouble {
        errors.note("release", trouble);
    }
    let core_ready =
        cluster.and_then(|cluster| errors.keep("coreReady", &cluster.core_ready).copied().flatten());
    let running = cluster.and_then(|cluster| errors.keep("controlPlane", &cluster.control_plane));
    let whose = cluster.and_then(|cluster| errors.keep("adminPasswordReset", &cluster.administrator));
    let mut app = app(selection, &seen.offer);
    app["update"] = app_update::view(
        document,
        seen.owner,
        core_ready.filter(|_| app_update::is_blocked(document)),
    );
    let mut control_plane = control_plane::view(running, &offered(selection, &seen.offer));
    control_plane["channel"] = json!(selection.map_or("stable", channel));
    control_plane["resolvedAt"] = resolved_at(&seen.offer);
    let upgrade = errors
        .keep("controlPlaneUpgrade", &seen.upgrade)
        .unwrap_or(&Value::Null);
    control_plane["upgrade"] = upgrade::view(upgrade, seen.now);
    json!({
        "app": app,
        "controlPlane": control_plane,
        "license": license(&seen.license, seen.now, &mut errors),
        "appUrl": app_url(selection),
        "adminPasswordReset": reset(whose),
        "support": {
            "capability": {
                "state": "unavailable",
                "available": false,
                "message": "Remote support sessions are not part of this control plane.",
            },
            "active": null,
            "history": [],
        },
        "collectedAt": iso_millis(seen.now),
        "errors": errors.0,
    })
}

fn resolved_at(offer: &Shown<Option<Offer>>) -> Value {
    let resolved = offer.good.as_ref().filter(|(offer, _)| offer.is_some());
    resolved.map_or(Value::Null, |(_, at)| iso_millis(*at).into())
}

fn app(selection: Option<&ReleaseSelection>, offer: &Shown<Option<Offer>>) -> Value {
    let pinned = selection.and_then(|selection| selection.manifest_digest.as_deref());
    let found = offer.good.as_ref().and_then(|(offer, _)| offer.as_ref().as_ref());
    let resolved = found.map(|offer| offer.manifest_digest.as_str());
    let state = match (pinned, resolved) {
        (Some(pinned), Some(resolved)) if pinned == resolved => "current",
        (Some(_), Some(_)) => "available",
        (None, _) | (_, None) => "unknown",
    };
    let available = state == "available";
    let version = selection.map(|selection| selection.selected_release_version.as_str());
    json!({
        "version": version.filter(|version| !version.is_empty()),
        "channel": selection.map_or("stable", channel),
        "updateAvailable": available,
        "availableVersion": found.filter(|_| available).map(|offer| &offer.version),
        "pinnedReleaseDigest": pinned,
        "resolvedReleaseDigest": resolved,
        "resolvedAt": resolved_at(offer),
        "check": {
            "state": state,
            "checkedAt": offer.good.as_ref().map(|(_, at)| iso_millis(*at)),
            "error": offer.trouble.as_ref().map(|trouble| &trouble.message),
        },
    })
}

fn offered<'a>(selection: Option<&ReleaseSelection>, offer: &'a Shown<Option<Offer>>) -> Offered<'a> {
    match (selection, offer.good.as_ref().map(|(offer, _)| offer.as_ref())) {
        (None, _) => Offered::Nothing,
        (Some(_), Some(Some(offer))) => offer
            .control_plane
            .as_ref()
            .map_or(Offered::Unusable, Offered::Named),
        (Some(_), Some(None) | None) => Offered::Unresolved,
    }
}

fn license(shown: &Shown<LicenseView>, now: Timestamp, errors: &mut Errors) -> Value {
    let good = shown.good.as_ref().map(|(view, _)| view.as_ref());
    let troubles = [
        shown.trouble.as_ref(),
        good.and_then(|view| view.trouble.as_ref()),
    ];
    if let Some(trouble) = troubles.into_iter().flatten().next() {
        errors.note("license", trouble);
    }
    good.map_or_else(
        || json!({"edition": null, "expiresAt": null, "perpetual": false, "status": "unknown", "source": null}),
        |view| view.wire(now),
    )
}

fn app_url(selection: Option<&ReleaseSelection>) -> Value {
    let runtime = selection
        .and_then(|selection| selection.runtime.clone())
        .unwrap_or_default();
    let url = Some(runtime.app_hostname).filter(|url| !url.is_empty());
    let parsed = url.as_deref().and_then(|url| Url::parse(url).ok());
    let servers = runtime
        .dns_servers
        .split(',')
        .map(str::trim)
        .filter(|server| !server.is_empty());
    json!({
        "host": parsed.as_ref().and_then(Url::host_str),
        "url": url,
        "dnsMode": if runtime.dns_mode.is_empty() { "system" } else { runtime.dns_mode.as_str() },
        "dnsServers": servers.collect::<Vec<_>>(),
        "pendingSince": runtime.pending_since,
    })
}

fn reset(whose: Option<&Administrator>) -> Value {
    let email = whose.and_then(|whose| whose.email.as_deref());
    let tenant = whose.and_then(|whose| whose.tenant_id.as_deref());
    let reason = match (whose, email, tenant) {
        (None, ..) => Some("Whose password it would be is not known: the cluster on this box did not say."),
        (Some(_), None, _) => {
            Some("The first administrator's e-mail address is not recorded on this appliance.")
        }
        (Some(_), Some(_), None) => Some("The company's id is not recorded on this appliance."),
        (Some(_), Some(_), Some(_)) => None,
    };
    json!({"available": reason.is_none(), "email": email, "reason": reason})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn not_read<T>() -> Shown<T> {
        Shown {
            good: None,
            trouble: Some(Trouble::new("registry_unavailable", "no answer")),
        }
    }

    fn selection(digest: &Value) -> ReleaseSelection {
        serde_json::from_value(json!({
            "selectedChannel": "nightly", "selectedReleaseVersion": "1.0.0", "manifestDigest": digest,
            "runtime": {"appHostname": "http://[2001:db8::1]:3000", "dnsMode": "custom", "dnsServers": "10.0.0.53, 10.0.0.54"},
        }))
        .unwrap()
    }

    fn seen(selection: Option<ReleaseSelection>, offer: Shown<Option<Offer>>) -> Value {
        wire(&Seen {
            selection: Ok(selection),
            document: Ok(Value::Null),
            upgrade: Ok(Value::Null),
            owner: Liveness::Live,
            license: not_read(),
            offer,
            cluster: not_read(),
            now: Timestamp::UNIX_EPOCH,
        })
    }

    fn offer(selection: &ReleaseSelection, digest: &str) -> Shown<Option<Offer>> {
        let offer = Offer {
            question: Question::of(selection),
            version: "1.1.0".to_owned(),
            manifest_digest: digest.to_owned(),
            control_plane: None,
        };
        Shown {
            good: Some((Arc::new(Some(offer)), Timestamp::UNIX_EPOCH)),
            trouble: None,
        }
    }

    #[test]
    fn an_update_is_available_only_when_two_known_digests_differ() {
        let installed = selection(&json!(A));
        let wire = seen(Some(installed.clone()), offer(&installed, B));
        assert_eq!(
            (
                &wire["app"]["updateAvailable"],
                &wire["app"]["availableVersion"],
                &wire["app"]["check"]["state"]
            ),
            (&json!(true), &json!("1.1.0"), &json!("available"))
        );
        let same = seen(Some(installed.clone()), offer(&installed, A));
        assert_eq!(
            (
                &same["app"]["updateAvailable"],
                &same["app"]["availableVersion"],
                &same["app"]["check"]["state"]
            ),
            (&json!(false), &Value::Null, &json!("current"))
        );
        let unpinned = selection(&Value::Null);
        let unknown = seen(Some(unpinned.clone()), offer(&unpinned, A));
        assert_eq!(unknown["app"]["check"]["state"], "unknown");
    }

    #[test]
    fn what_could_not_be_read_is_unknown_and_listed_and_the_rest_is_there() {
        let wire = seen(Some(selection(&json!(A))), not_read());
        assert_eq!(wire["app"]["updateAvailable"], false);
        assert_eq!(wire["controlPlane"]["upgradeState"], "unknown");
        assert_eq!(wire["license"]["status"], "unknown");
        assert_eq!(wire["adminPasswordReset"]["available"], false);
        let parts: Vec<_> = wire["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| &error["part"])
            .collect();
        assert_eq!(parts, ["cluster", "release", "license"]);
        assert_eq!(wire["app"]["version"], "1.0.0");
        assert_eq!(
            wire["appUrl"],
            json!({"host": "[2001:db8::1]", "url": "http://[2001:db8::1]:3000", "dnsMode": "custom",
                   "dnsServers": ["10.0.0.53", "10.0.0.54"], "pendingSince": null})
        );
    }

    #[test]
    fn a_fresh_box_has_the_whole_shape_and_no_release() {
        let wire = seen(None, not_read());
        assert_eq!(
            (&wire["app"]["version"], &wire["app"]["channel"]),
            (&Value::Null, &json!("stable"))
        );
        assert_eq!(wire["app"]["update"]["status"], "idle");
        assert_eq!(wire["controlPlane"]["reason"], "not_installed");
        assert_eq!(wire["appUrl"]["dnsMode"], "system");
        assert_eq!(wire["support"]["capability"]["available"], false);
    }
}
