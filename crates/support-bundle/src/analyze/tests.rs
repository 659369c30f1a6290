//! Every analyzer on what it says is wrong, and on what is as it should be.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

struct Fixture {
    id: &'static str,
    severity: &'static str,
    members: BTreeMap<&'static str, &'static str>,
}

fn fixtures() -> Vec<Fixture> {
    let blocks = include_str!("tests/fixtures.txt").split("\n== ").skip(1);
    let fixture = |block: &'static str| {
        let (head, rest) = block.split_once('\n').unwrap();
        let (id, severity) = head.split_once(' ').unwrap();
        let members = rest.strip_prefix("@ ").unwrap().split("\n@ ");
        Fixture {
            id,
            severity,
            members: members.map(|member| member.split_once('\n').unwrap()).collect(),
        }
    };
    blocks.map(fixture).collect()
}

#[test]
fn each_says_of_its_fixtures_what_they_show() {
    for fixture in fixtures() {
        let read = |member: &str| fixture.members.get(member).map(|&text| text.to_owned());
        let found = analyze(&read, &[]).findings;
        let own: BTreeSet<_> = found
            .iter()
            .filter(|finding| finding.id.as_str() == fixture.id)
            .map(|finding| {
                serde_json::to_value(finding.severity)
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let (id, wanted) = (fixture.id, fixture.severity);
        assert_eq!(own, [wanted.to_owned()].into(), "{id}: {:?}", fixture.members);
        for finding in found.iter().filter(|finding| finding.id.as_str() == id) {
            let is_told = finding.severity == Severity::Pass || !finding.evidence.is_empty();
            assert!(is_told && !finding.next_step.is_empty(), "{finding:?}");
            for place in &finding.evidence {
                let member = place.split('#').next().unwrap();
                assert!(fixture.members.contains_key(member), "{place} is no member");
            }
        }
    }
}

#[test]
fn each_has_a_fixture_that_passes_and_one_that_does_not() {
    let fixtures = fixtures();
    for analyzer in all() {
        let own = fixtures.iter().filter(|fixture| {
            fixture.id == analyzer.id.as_str() && fixture.members.contains_key(analyzer.needs)
        });
        let (good, bad): (Vec<_>, Vec<_>) = own.partition(|fixture| fixture.severity == "pass");
        let id = analyzer.id;
        assert!(!good.is_empty() && !bad.is_empty(), "{id} on {}", analyzer.needs);
    }
    assert!(all().count() >= 40);
}

/// What is likeliest comes first, and what has no file says nothing.
#[test]
fn causes_stand_before_what_follows_from_them() {
    let disk = "/dev/vda1 98G 97G 1G 99% /";
    let pods = r#"{"metadata":{"namespace":"msp","name":"p"},"status":{"reason":"Evicted","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}"#;
    let read = |member: &str| match member {
        "host/disk-usage.txt" => Some(disk.to_owned()),
        "cluster/resources/pods.jsonl" => Some(pods.to_owned()),
        _ => None,
    };
    let findings = analyze(&read, &[]).findings;
    let ids: Vec<_> = findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids[..3], ["disk-space", "crashloop", "pod-evicted"], "{ids:?}");
    assert!(!ids.contains(&"node-ready"), "{ids:?}");
}
