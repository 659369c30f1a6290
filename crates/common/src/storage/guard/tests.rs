use proptest::prelude::*;

use super::*;

fn volume(
    namespace: Option<&str>,
    class: Option<&str>,
    policy: Option<&str>,
    maker: Option<&str>,
) -> PersistentVolume {
    let mut volume = json!({
        "metadata": {"name": "pv-1", "uid": "u-1"},
        "spec": {"storageClassName": class, "persistentVolumeReclaimPolicy": policy},
    });
    if let Some(namespace) = namespace {
        volume["spec"]["claimRef"] = json!({"namespace": namespace, "name": "c"});
    }
    if let Some(maker) = maker {
        volume["metadata"]["annotations"] = json!({PROVISIONED_BY: maker});
    }
    serde_json::from_value(volume).unwrap()
}

#[test]
fn a_volume_of_the_test_is_let_go_by_a_patch_that_tests_whose_it_is() {
    let ours = volume(
        Some("storage-smoke"),
        Some("local-path"),
        Some("Retain"),
        Some(PROVISIONER),
    );
    let Ok(Release::Flip(patch)) = releasable(&ours) else {
        panic!("refused");
    };
    assert_eq!(
        *patch.operations(),
        json!([
            {"op": "test", "path": "/metadata/uid", "value": "u-1"},
            {"op": "test", "path": "/spec/persistentVolumeReclaimPolicy", "value": "Retain"},
            {"op": "test", "path": "/spec/claimRef/namespace", "value": "storage-smoke"},
            {"op": "replace", "path": "/spec/persistentVolumeReclaimPolicy", "value": "Delete"},
        ])
    );
    let deleting = volume(Some("storage-smoke"), Some("local-path"), Some("Delete"), None);
    assert_eq!(releasable(&deleting), Ok(Release::GoesByItself));
}

#[test]
fn every_other_volume_is_refused_by_name() {
    let words = |namespace, class, policy, maker| {
        let volume = volume(namespace, class, policy, maker);
        releasable(&volume).unwrap_err().to_string()
    };
    let (smoke, ours) = (Some("storage-smoke"), Some("local-path"));
    assert_eq!(
        words(Some("msp"), ours, Some("Retain"), None),
        "volume pv-1 belongs to msp, not to the storage test; it is left alone"
    );
    assert_eq!(
        words(None, ours, Some("Delete"), None),
        "volume pv-1 belongs to nobody, not to the storage test; it is left alone"
    );
    assert_eq!(
        words(smoke, ours, Some("Recycle"), None),
        "volume pv-1 has the unexpected reclaim policy Recycle; it is left alone"
    );
    assert_eq!(
        words(smoke, Some("nfs"), Some("Retain"), None),
        "volume pv-1 was made by StorageClass nfs, not by the appliance's provisioner; it is left alone"
    );
    assert_eq!(
        words(smoke, ours, Some("Retain"), Some("x.io/y")),
        "volume pv-1 was made by x.io/y, not by the appliance's provisioner; it is left alone"
    );
}

fn any_volume() -> impl Strategy<Value = PersistentVolume> {
    let pick = |texts: &'static [&'static str]| prop::option::of(prop::sample::select(texts));
    (
        pick(&[
            "storage-smoke",
            "msp",
            "storage-smok",
            "default",
            "storage-smoke2",
        ]),
        pick(&["local-path", "", "nfs"]),
        pick(&["Retain", "Delete", "Recycle"]),
        pick(&[PROVISIONER, "other.io/x"]),
    )
        .prop_map(|(namespace, class, policy, maker)| volume(namespace, class, policy, maker))
}

proptest! {
    #[test]
    fn no_volume_but_the_tests_own_is_ever_let_go(volume in any_volume()) {
        let release = releasable(&volume);
        if claim_namespace(&volume) != Some("storage-smoke") {
            let refused = matches!(release, Err(Refused::Foreign { .. }));
            prop_assert!(refused);
        }
        if let Ok(Release::Flip(patch)) = release {
            let claimed = json!({
                "op": "test", "path": "/spec/claimRef/namespace", "value": "storage-smoke",
            });
            prop_assert!(patch.operations().as_array().unwrap().contains(&claimed));
        }
    }

    #[test]
    fn what_is_kept_never_loses_its_policy_and_keeping_twice_changes_nothing(volume in any_volume()) {
        if let Some(patch) = retainable(&volume) {
            let last = patch.operations().as_array().unwrap().last().unwrap().clone();
            prop_assert_eq!(&last["value"], "Retain");
            prop_assert_eq!(volume.spec.as_ref().unwrap().storage_class_name.as_deref(), Some("local-path"));
            let mut kept = volume.clone();
            kept.spec.as_mut().unwrap().persistent_volume_reclaim_policy = Some("Retain".to_owned());
            prop_assert_eq!(retainable(&kept), None);
        }
    }
}
