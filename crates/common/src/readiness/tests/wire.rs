//! The whole document, as both ends read it.

use serde_json::{Value, json};

use super::healthy::*;
use crate::readiness::judge;
use crate::readiness::wire::{Document, document};

fn written(seen: &crate::readiness::Observed) -> Value {
    Value::Object(document(seen, &judge(seen)).into_map().unwrap())
}

#[test]
fn the_document_of_a_healthy_box_is_as_it_was_reviewed() {
    let page = serde_json::to_string_pretty(&written(&healthy())).unwrap() + "\n";
    let golden = include_str!("healthy.json");
    assert!(
        page == golden,
        "the document differs from healthy.json; it is now:\n{page}"
    );
}

#[test]
fn both_ends_read_the_same_document() {
    let mut broken = with(|seen| {
        down(deployment(seen, "temporal"), 900);
        application_pod_waits(seen, waiting("ErrImagePull", "not found"));
        seen.cluster
            .events
            .last
            .push(event("alga-core-sebastian-77-y", "Failed", "pull: not found", 5));
    });
    broken.install.status_url = Some("http://10.0.0.5:8080/".to_owned());
    for seen in [healthy(), broken] {
        let wire = written(&seen);
        let read: Document = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(Value::Object(read.into_map().unwrap()), wire);
    }
}

#[test]
fn the_newest_forty_events_are_shown_in_their_order() {
    let seen = with(|seen| {
        seen.cluster.events.last = (0..200).map(|number| event("x", "R", "m", number)).collect();
        seen.cluster
            .events
            .last
            .push(crate::readiness::observed::Event::default());
    });
    let events = written(&seen)["recentEvents"].as_array().unwrap().clone();
    assert_eq!(events.len(), 40);
    assert_eq!(events[0]["timestamp"], "2026-01-02T11:59:21.000Z");
    assert_eq!(events[39]["timestamp"], "2026-01-02T12:00:00.000Z");
    assert_eq!(events[39]["involvedObject"], "Pod/x");
}

#[test]
fn an_untrusted_certificate_is_reported_and_fails_nothing() {
    let wire = written(&with(|seen| {
        seen.login.as_mut().unwrap().certificate_trusted = Some(false);
    }));
    assert_eq!(wire["loginProbe"]["certificate"], "untrusted");
    assert_eq!(wire["loginProbe"]["reachable"], true);
    assert_eq!(wire["rollup"]["state"], "fully_healthy");
    let wire = written(&with(|seen| seen.login = None));
    assert_eq!(
        wire["loginProbe"],
        json!({"checked": false, "reachable": false, "statusCode": null, "location": null, "url": null,
               "checkedAt": null, "error": null, "certificate": "none"})
    );
}
