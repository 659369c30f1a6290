//! Which version of a controller is wanted, which one runs, and which of them is newer. Pure.

use std::cmp::Ordering;

use kube::api::DynamicObject;
use serde_json::Value;

/// Label that Flux puts its version under, on every object of an install.
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// How a controller that runs compares with the one of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none.
    Absent,
    /// The same version.
    Same,
    /// An older one runs.
    Older,
    /// A newer one runs: that one, and the manifest's.
    Newer(String, String),
    /// The versions cannot be compared: what runs, and the manifest's.
    Unclear(String, String),
}

/// Compares a Deployment of the manifest with the live one.
pub(super) fn standing(wanted: &DynamicObject, live: Option<&DynamicObject>) -> Standing {
    let Some(live) = live else {
        return Standing::Absent;
    };
    let (wanted_image, live_image) = (image(wanted), image(live));
    let texts = match (label(wanted), label(live)) {
        (Some(wanted), Some(live)) => Some((wanted, live)),
        _ => tag(wanted_image).zip(tag(live_image)),
    };
    let parsed = texts.and_then(|(wanted, live)| Some((Version::parse(wanted)?, Version::parse(live)?)));
    match parsed {
        Some((wanted, live)) => match live.cmp(&wanted) {
            Ordering::Equal => Standing::Same,
            Ordering::Less => Standing::Older,
            Ordering::Greater => Standing::Newer(live.text, wanted.text),
        },
        None if wanted_image == live_image => Standing::Same,
        None => Standing::Unclear(live_image.to_owned(), wanted_image.to_owned()),
    }
}

fn label(deployment: &DynamicObject) -> Option<&str> {
    deployment
        .metadata
        .labels
        .as_ref()?
        .get(VERSION_LABEL)
        .map(String::as_str)
}

/// The image of the container `manager`, or of the first.
fn image(deployment: &DynamicObject) -> &str {
    let containers = deployment.data.pointer("/spec/template/spec/containers");
    let containers = containers
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let manager = containers.iter().find(|container| container["name"] == "manager");
    manager
        .or(containers.first())
        .and_then(|container| container["image"].as_str())
        .unwrap_or_default()
}

/// The tag of an image reference; a colon before the last slash is a port.
fn tag(image: &str) -> Option<&str> {
    let named = image.split('@').next().unwrap_or_default();
    let (_, tag) = named.rsplit('/').next()?.split_once(':')?;
    Some(tag)
}

/// A version as Flux writes them: `v2.7.1`, `2.7.1-rc.1`.
#[derive(Debug, Clone)]
struct Version {
    text: String,
    numbers: [u64; 3],
    /// Empty for a release, which is newer than all its candidates.
    candidate: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let bare = bare.split('+').next().unwrap_or_default();
        let (numbers, candidate) = bare.split_once('-').unwrap_or((bare, ""));
        let numbers: Vec<u64> = numbers
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        Some(Self {
            text: text.to_owned(),
            numbers: numbers.try_into().ok()?,
            candidate: candidate.to_owned(),
        })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let release = self.candidate.is_empty().cmp(&other.candidate.is_empty());
        self.numbers
            .cmp(&other.numbers)
            .then(release)
            .then_with(|| self.candidate.cmp(&other.candidate))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(label: Option<&str>, image: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "metadata": {"name": "c", "labels": label.map(|version| json!({VERSION_LABEL: version}))},
            "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
        }))
        .unwrap()
    }

    #[test]
    fn versions_are_taken_from_labels_or_else_from_tags() {
        let at = |version| deployment(Some(version), "r/c:v9.9.9");
        let tagged = |image| deployment(None, image);
        let newer = |live: &str, wanted: &str| Standing::Newer(live.to_owned(), wanted.to_owned());
        for (wanted, live, expected) in [
            (at("v2.7.0"), at("v2.7.0"), Standing::Same),
            (at("v2.7.0"), at("v2.6.9"), Standing::Older),
            (at("v2.7.0"), at("v2.10.0"), newer("v2.10.0", "v2.7.0")),
            (at("v2.7.0"), at("v2.7.0-rc.1"), Standing::Older),
            (
                tagged("h:5000/c:v1.7.0"),
                tagged("ghcr.io/c:v1.8.0@sha256:00"),
                newer("v1.8.0", "v1.7.0"),
            ),
            (at("v2.7.0"), tagged("r/c:v9.9.9"), Standing::Same),
            (tagged("r/c:test"), tagged("r/c:test"), Standing::Same),
        ] {
            assert_eq!(standing(&wanted, Some(&live)), expected, "{live:?}");
        }
        assert_eq!(standing(&at("v2.7.0"), None), Standing::Absent);
    }

    #[test]
    fn versions_that_cannot_be_compared_are_the_same_only_if_the_images_are() {
        let unclear = standing(
            &deployment(None, "r/c:v1.0.0"),
            Some(&deployment(None, "r/c:main")),
        );
        assert_eq!(
            unclear,
            Standing::Unclear("r/c:main".to_owned(), "r/c:v1.0.0".to_owned())
        );
        let labelled = standing(
            &deployment(Some("v2.0.0"), "r/c:a"),
            Some(&deployment(Some("edge"), "r/c:b")),
        );
        assert!(matches!(labelled, Standing::Unclear(..)));
    }
}
