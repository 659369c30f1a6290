use std::sync::Arc;

use super::super::super::offer::Question;
use super::super::super::owner::Liveness;
use super::super::super::part::Trouble;
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
