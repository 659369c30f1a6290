//! What was collected, as it is answered. Pure.

use appliance_common::clock::iso_millis;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::super::cluster_view::Administrator;
use super::super::control_plane::{self, Offered};
use super::super::license::LicenseView;
use super::super::offer::{Offer, channel};
use super::super::part::Shown;
use super::super::{app_update, upgrade};
use super::{Errors, Seen};
use crate::selection::ReleaseSelection;

pub(super) fn wire(seen: &Seen) -> Value {
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
mod tests;
