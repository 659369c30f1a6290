//! Which image the control plane gets at boot (50 §6.5, decision 8): what is there first. Pure.

use appliance_common::host::ImageRecord;
use appliance_common::names::BAKED_IMAGE;

/// The image that boot applies, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) image: String,
    pub(crate) why: &'static str,
}

/// Whether a reference is the image that came with the installation.
pub(crate) fn is_baked(image: &str) -> bool {
    let repository = BAKED_IMAGE
        .rsplit_once(':')
        .map_or(BAKED_IMAGE, |(repository, _)| repository);
    image.is_empty() || image == repository || image == BAKED_IMAGE
}

/// Chooses. `running` is the image of the live Deployment, `None` when the server says that there is no Deployment;
/// a server that does not answer is asked again instead, and never leads here.
pub(crate) fn choose(running: Option<&str>, record: &ImageRecord) -> Chosen {
    let is_bad = |image: &str| record.quarantined.iter().any(|bad| bad.image == image);
    let chosen = |image: &str, why| Chosen {
        image: image.to_owned(),
        why,
    };
    if let Some(pinned) = record.pinned.as_deref() {
        return chosen(pinned, "the operator chose it");
    }
    match (running, record.last_known_good.as_deref()) {
        (Some(running), Some(good)) if is_bad(running) && !is_bad(good) => {
            chosen(good, "the one before did not become healthy, and this one was")
        }
        (Some(running), _) if !is_baked(running) => chosen(running, "it runs already"),
        (Some(_), _) => chosen(BAKED_IMAGE, "it runs already"),
        (None, _) => chosen(BAKED_IMAGE, "it came with the installation, and nothing runs yet"),
    }
}

#[cfg(test)]
mod tests {
    use appliance_common::host::Quarantined;

    use super::*;

    const A: &str = "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:a";
    const B: &str = "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:b";

    #[test]
    fn what_is_there_is_kept_and_the_baked_one_is_for_the_first_boot() {
        let record = |pinned: Option<&str>, good: Option<&str>, bad: Option<&str>| ImageRecord {
            pinned: pinned.map(str::to_owned),
            last_known_good: good.map(str::to_owned),
            quarantined: bad
                .map(|image| Quarantined {
                    image: image.to_owned(),
                    reason: "it did not answer".to_owned(),
                    at: jiff::Timestamp::UNIX_EPOCH,
                })
                .into_iter()
                .collect(),
            ..ImageRecord::default()
        };
        for (running, pinned, good, bad, image) in [
            (None, None, None, None, BAKED_IMAGE),
            (Some(""), None, None, None, BAKED_IMAGE),
            (Some(BAKED_IMAGE), None, Some(A), None, BAKED_IMAGE),
            // Cases 19 and 21.
            (Some(A), None, None, None, A),
            (Some(A), None, Some(B), None, A),
            (Some(A), None, Some(B), Some(A), B),
            (Some(A), None, Some(A), Some(A), A),
            // Case 52.
            (Some(A), Some(BAKED_IMAGE), Some(A), None, BAKED_IMAGE),
            (None, Some(A), None, None, A),
        ] {
            let chosen = choose(running, &record(pinned, good, bad));
            assert_eq!(chosen.image, image, "{running:?} {pinned:?} {good:?} {bad:?}");
        }
    }

    /// Case 25.
    #[test]
    fn the_baked_repository_is_the_baked_image_with_or_without_its_tag() {
        for baked in ["", "localhost/alga-appliance-control-plane", BAKED_IMAGE] {
            assert!(is_baked(baked), "{baked}");
        }
        for other in [
            "localhost/alga-appliance-control-plane:1.2",
            "evil.io/alga-appliance-control-plane:baked",
        ] {
            assert!(!is_baked(other), "{other}");
        }
    }
}
