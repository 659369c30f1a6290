//! Whether the control plane that runs is the one the release names: digests, and "unknown" where one of
//! them is not known (40 W-25). Pure.

use appliance_common::release::usable::ControlPlane;
use serde_json::{Value, json};

/// The control plane that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Running {
    /// Its image as its Deployment names it.
    pub(super) image: Option<String>,
    /// The image that its container really runs, as the kubelet says.
    pub(super) image_id: Option<String>,
}

impl Running {
    /// The digest in the reference. A kubelet also names images by the bare digest of their
    /// configuration, which is another thing than what a release names.
    fn digest(&self) -> Option<&str> {
        [&self.image, &self.image_id].into_iter().find_map(|text| {
            let (_, digest) = text.as_deref()?.split_once('@')?;
            digest.starts_with("sha256:").then_some(digest)
        })
    }
}

/// What is known of the release that is offered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Offered<'a> {
    /// It was resolved, and names this.
    Named(&'a ControlPlane),
    /// It was resolved, and cannot be used here.
    Unusable,
    /// It was not resolved.
    Unresolved,
    /// No release is installed.
    Nothing,
}

/// The part of the `controlPlane` of the wire that compares.
pub(super) fn view(running: Option<&Running>, offered: &Offered<'_>) -> Value {
    let running_digest = running.and_then(Running::digest);
    let resolved = match offered {
        Offered::Named(ControlPlane::Rollable(image)) => image.digest().map(|digest| digest.to_string()),
        Offered::Named(ControlPlane::NotPinned(_) | ControlPlane::Held { .. } | ControlPlane::Absent)
        | Offered::Unusable
        | Offered::Unresolved
        | Offered::Nothing => None,
    };
    let (state, reason) = match (running_digest, resolved.as_deref()) {
        (Some(running), Some(resolved)) if running == resolved => ("current", None),
        (Some(_), Some(_)) => ("available", None),
        (None, Some(_)) if running.is_none() => ("unknown", Some(NOT_SEEN)),
        (None, Some(_)) => ("unknown", Some(NO_DIGEST)),
        (_, None) => ("unknown", Some(unresolved(offered))),
    };
    json!({
        "runningDigest": running_digest,
        "runningImage": running.and_then(|running| running.image.as_deref()),
        "resolvedDigest": resolved,
        "upgradeAvailable": state == "available",
        "upgradeState": state,
        "reason": reason.map(|(code, _)| code),
        "reasonMessage": reason.map(|(_, message)| message),
    })
}

type Reason = (&'static str, &'static str);

const NOT_SEEN: Reason = (
    "cluster_unavailable",
    "Which control plane runs is not known: the cluster on this box did not say.",
);
const NO_DIGEST: Reason = (
    "running_image_without_digest",
    "The control plane runs the image that this box was installed with, which has no digest to compare.",
);

fn unresolved(offered: &Offered<'_>) -> Reason {
    match offered {
        Offered::Named(ControlPlane::Held { .. }) => (
            "image_not_allowed",
            "The release names a control plane that is not taken from there; the running one is kept.",
        ),
        Offered::Named(ControlPlane::Absent | ControlPlane::NotPinned(_) | ControlPlane::Rollable(_)) => (
            "release_names_no_digest",
            "The release names no control plane by its digest, so there is none to upgrade to.",
        ),
        Offered::Unusable => (
            "release_unusable",
            "The release that is offered cannot be used on this appliance.",
        ),
        Offered::Unresolved => (
            "registry_unavailable",
            "Which control plane the release names is not known: the registry was not asked with success.",
        ),
        Offered::Nothing => ("not_installed", "No release is installed on this appliance yet."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn running(image: &str, image_id: Option<&str>) -> Running {
        Running {
            image: Some(image.to_owned()),
            image_id: image_id.map(str::to_owned),
        }
    }

    fn state(running: Option<&Running>, offered: &Offered<'_>) -> (String, Value) {
        let view = view(running, offered);
        assert_eq!(
            view["upgradeAvailable"] == true,
            view["upgradeState"] == "available"
        );
        (
            view["upgradeState"].as_str().unwrap().to_owned(),
            view["reason"].clone(),
        )
    }

    #[test]
    fn only_two_digests_of_the_same_kind_are_compared() {
        let named = ControlPlane::Rollable(format!("ghcr.io/nine-minds/cp@{A}").parse().unwrap());
        let offered = Offered::Named(&named);
        let pinned = |digest: &str| running(&format!("ghcr.io/nine-minds/cp@{digest}"), None);
        let baked = |id: Option<&str>| running("alga/cp:baked", id);
        for (running, expected) in [
            (pinned(A), "current"),
            (pinned(B), "available"),
            (baked(None), "unknown"),
            (baked(Some(&format!("ghcr.io/nine-minds/cp@{B}"))), "available"),
            (baked(Some(&format!("ghcr.io/nine-minds/cp@{A}"))), "current"),
            (baked(Some(A)), "unknown"),
            (Running::default(), "unknown"),
        ] {
            assert_eq!(state(Some(&running), &offered).0, expected, "{running:?}");
        }
        assert_eq!(
            state(None, &offered),
            ("unknown".into(), "cluster_unavailable".into())
        );
    }

    #[test]
    fn what_is_not_known_is_unknown_with_its_reason_and_never_current() {
        let pinned = running(&format!("ghcr.io/nine-minds/cp@{A}"), None);
        let held = ControlPlane::Held {
            image: "x".into(),
            reason: "y".into(),
        };
        for (offered, reason) in [
            (Offered::Nothing, "not_installed"),
            (Offered::Unresolved, "registry_unavailable"),
            (Offered::Unusable, "release_unusable"),
            (Offered::Named(&ControlPlane::Absent), "release_names_no_digest"),
            (
                Offered::Named(&ControlPlane::NotPinned("1.2".into())),
                "release_names_no_digest",
            ),
            (Offered::Named(&held), "image_not_allowed"),
        ] {
            assert_eq!(state(Some(&pinned), &offered), ("unknown".into(), reason.into()));
        }
    }
}
