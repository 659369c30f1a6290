//! Whether the channel's image is taken. Pure.

use appliance_common::host::ImageRecord;
use appliance_common::names::BAKED_IMAGE;

use crate::channel::Outcome;
use crate::choice::is_baked;

/// On whose wish the image is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wish {
    /// The operator's, who said now
    Requested,
    /// The box's own, after a boot
    Background,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// The image that is there already is the one.
    Unchanged,
    /// Another one is kept, and why.
    Held(String),
    /// A newer one is there, and taking it is the operator's to say.
    Offered(String),
    /// This one is tried.
    Roll(String),
}

/// What is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// Image of the live Deployment; empty when it names none.
    pub(super) running: &'a str,
    pub(super) record: &'a ImageRecord,
    /// What the channel names.
    pub(super) resolved: &'a Outcome,
    pub(super) wish: Wish,
    /// The box takes newer images by itself.
    pub(super) is_automatic: bool,
}

pub(super) fn decide(known: Known<'_>) -> Decision {
    let image = match known.resolved {
        Outcome::Image(image) => image,
        Outcome::Nothing { code: "baked", .. } if is_baked(known.running) => return Decision::Unchanged,
        Outcome::Nothing { why, .. } => return Decision::Held(why.clone()),
    };
    if image == known.running {
        return Decision::Unchanged;
    }
    if known.wish == Wish::Requested {
        return Decision::Roll(image.clone());
    }
    if let Some(pinned) = &known.record.pinned {
        return Decision::Held(format!("the operator chose {pinned}"));
    }
    let bad = known.record.quarantined.iter().find(|bad| bad.image == *image);
    if let Some(bad) = bad {
        return Decision::Held(format!(
            "{image} was tried and did not become healthy: {}",
            bad.reason
        ));
    }
    if known.is_automatic {
        Decision::Roll(image.clone())
    } else {
        Decision::Offered(image.clone())
    }
}

/// What a trial goes back to.
pub(super) fn previous(running: &str) -> String {
    if is_baked(running) {
        BAKED_IMAGE.to_owned()
    } else {
        running.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use appliance_common::host::Quarantined;

    use super::*;

    const A: &str = "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:a";
    const B: &str = "ghcr.io/nine-minds/alga-appliance-control-plane@sha256:b";

    fn nothing(code: &'static str) -> Outcome {
        Outcome::Nothing {
            code,
            why: "w".to_owned(),
        }
    }

    #[test]
    fn a_newer_image_is_taken_by_itself_only_where_nothing_speaks_against_it() {
        let newer = Outcome::Image(B.to_owned());
        let record = |pinned: bool, is_bad: bool| ImageRecord {
            pinned: pinned.then(|| BAKED_IMAGE.to_owned()),
            quarantined: is_bad
                .then(|| Quarantined {
                    image: B.to_owned(),
                    reason: "r".to_owned(),
                    at: jiff::Timestamp::UNIX_EPOCH,
                })
                .into_iter()
                .collect(),
            ..ImageRecord::default()
        };
        let of = |record: &ImageRecord, wish, is_automatic| {
            decide(Known {
                running: A,
                record,
                resolved: &newer,
                wish,
                is_automatic,
            })
        };
        let roll = || Decision::Roll(B.to_owned());
        assert_eq!(of(&record(false, false), Wish::Background, true), roll());
        assert_eq!(
            of(&record(false, false), Wish::Background, false),
            Decision::Offered(B.to_owned())
        );
        for (pinned, is_bad) in [(true, false), (false, true)] {
            let record = record(pinned, is_bad);
            assert!(matches!(of(&record, Wish::Background, true), Decision::Held(_)));
            assert_eq!(
                of(&record, Wish::Requested, false),
                roll(),
                "whoever says now has seen why not"
            );
        }
    }

    #[test]
    fn without_another_image_nothing_changes() {
        let record = ImageRecord::default();
        let of = |running, resolved: &Outcome| {
            decide(Known {
                running,
                record: &record,
                resolved,
                wish: Wish::Requested,
                is_automatic: true,
            })
        };
        assert_eq!(of(A, &Outcome::Image(A.to_owned())), Decision::Unchanged);
        assert_eq!(of(BAKED_IMAGE, &nothing("baked")), Decision::Unchanged);
        assert_eq!(of(A, &nothing("baked")), Decision::Held("w".to_owned()));
        assert_eq!(
            of(BAKED_IMAGE, &nothing("registry_unavailable")),
            Decision::Held("w".to_owned())
        );
    }
}
