use super::*;
use crate::storage::controllers::Controllers;

fn converged() -> Observed {
    Observed {
        host: HostSide::InPlace,
        controllers: Controllers {
            bundled: false,
            ours: Judgement::Reached,
        },
        namespace_differs: false,
        application_namespace_differs: false,
        test_left: false,
        to_retain: Vec::new(),
        drop_class: None,
        differing: Vec::new(),
        class_uid: Some("u".to_owned()),
        proven: true,
    }
}

#[test]
fn a_converged_box_needs_nothing_also_when_nobody_knows_the_host() {
    assert!(Plan::of(&converged()).is_empty());
    let host = HostSide::Unknown("no agent".to_owned());
    assert!(Plan::of(&Observed { host, ..converged() }).is_empty());
}

#[test]
fn a_fresh_cluster_needs_everything_in_the_order_of_the_contract() {
    let lines = unseen().lines();
    let starts = [
        "putting right on the host: the data directory",
        "preparing namespace local-path-storage",
        "applying ",
        "preparing namespace msp",
        "waiting for the storage provisioner",
        "watching that no second",
        "testing that a volume",
    ];
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn each_drift_needs_its_own_part_and_no_more() {
    use SubStep::{DropBundled, DropClass, Rollout, Settle, Sweep, Test};

    let bundled = Controllers {
        bundled: true,
        ours: Judgement::Reached,
    };
    let stopped = Controllers {
        bundled: false,
        ours: Judgement::Waiting("0 of 1".to_owned()),
    };
    let steps = |seen: Observed| Plan::of(&seen).0;
    let base = converged;
    assert_eq!(
        steps(Observed {
            controllers: bundled,
            ..base()
        }),
        [DropBundled, Rollout, Settle]
    );
    assert_eq!(
        steps(Observed {
            controllers: stopped,
            ..base()
        }),
        [Rollout, Settle]
    );
    assert_eq!(
        steps(Observed {
            test_left: true,
            ..base()
        }),
        [Rollout, Sweep]
    );
    assert_eq!(
        steps(Observed {
            proven: false,
            ..base()
        }),
        [Rollout, Settle, Test]
    );
    let why = "its reclaim policy is Delete".to_owned();
    let dropped = steps(Observed {
        drop_class: Some(why.clone()),
        differing: vec!["StorageClass local-path".to_owned()],
        ..base()
    });
    assert_eq!(dropped[0], DropClass(why));
    assert_eq!(dropped.last(), Some(&Test), "a new class is tested anew");
}
