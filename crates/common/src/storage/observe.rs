//! What there is: all reads at once, then one picture. Writes nothing.

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all, try_join4};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};

use super::controllers::{self, Controllers};
use super::error::StorageError;
use super::guard::{self, VolumePatch};
use super::host::HostSide;
use super::record::StorageRecord;
use super::settings::Images;
use super::wanted::Wanted;
use crate::cluster::{Cluster, ClusterError};
use crate::names::{namespace, object};

/// Marks the class that claims without one get.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// One picture of storage.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an observation of its own")]
pub(super) struct Observed {
    pub(super) host: HostSide,
    pub(super) controllers: Controllers,
    pub(super) namespace_differs: bool,
    pub(super) application_namespace_differs: bool,
    /// The test's namespace, or a volume it claimed, is there.
    pub(super) test_left: bool,
    pub(super) to_retain: Vec<VolumePatch>,
    /// Why the class must be made anew.
    pub(super) drop_class: Option<String>,
    /// Titles of the objects that are not as wanted.
    pub(super) differing: Vec<String>,
    pub(super) class_uid: Option<String>,
    /// Whether the record proves storage as it is.
    pub(super) proven: bool,
}

impl Observed {
    /// The picture before the first reconciliation.
    pub(super) fn of_an_empty_cluster(host: HostSide) -> Self {
        Self {
            host,
            controllers: Controllers::default(),
            namespace_differs: true,
            application_namespace_differs: true,
            test_left: false,
            to_retain: Vec::new(),
            drop_class: None,
            differing: vec!["the objects of the storage provisioner".to_owned()],
            class_uid: None,
            proven: false,
        }
    }
}

/// What is looked for.
pub(super) struct Aim<'a> {
    pub(super) objects: &'a [Wanted],
    pub(super) msp: &'a Wanted,
    pub(super) record: &'a StorageRecord,
    pub(super) images: &'a Images,
}

/// Everything that was read.
struct Read {
    namespaces: Vec<DynamicObject>,
    deployments: Vec<DynamicObject>,
    volumes: Vec<PersistentVolume>,
    class: Option<DynamicObject>,
}

/// Looks at the cluster.
pub(super) async fn observe(
    cluster: &Cluster,
    aim: &Aim<'_>,
    host: HostSide,
) -> Result<Observed, StorageError> {
    let failed = StorageError::while_("looking at storage");
    let (namespaces, class) = (
        ApiResource::erase::<Namespace>(&()),
        ApiResource::erase::<StorageClass>(&()),
    );
    let (namespaces, deployments, volumes, class) = try_join4(
        cluster.list_selected(&namespaces, ""),
        async {
            cluster
                .list_selected(&controllers::resource(), &controllers::selector())
                .await
        },
        cluster.list::<PersistentVolume>(None, ""),
        cluster.get_dynamic(&class, None, object::STORAGE_CLASS),
    )
    .await
    .map_err(&failed)?;
    let read = Read {
        namespaces,
        deployments,
        volumes,
        class,
    };
    check_owner(read.class.as_ref())?;
    let differing = differing(cluster, aim, &read).await.map_err(&failed)?;
    Ok(picture(aim, host, &read, differing))
}

fn picture(aim: &Aim<'_>, host: HostSide, read: &Read, differing: Vec<String>) -> Observed {
    let namespace_differs = |wanted: &Wanted| !wanted.is_in(named(&read.namespaces, wanted.name()));
    let class_uid = read.class.as_ref().and_then(ResourceExt::uid);
    let image = aim.images.provisioner.as_str();
    Observed {
        host,
        controllers: Controllers::of(&read.deployments),
        namespace_differs: aim.objects.first().is_some_and(namespace_differs),
        application_namespace_differs: namespace_differs(aim.msp),
        test_left: named(&read.namespaces, namespace::STORAGE_SMOKE).is_some()
            || read.volumes.iter().any(guard::is_of_the_test),
        to_retain: read.volumes.iter().filter_map(guard::retainable).collect(),
        drop_class: read.class.as_ref().and_then(unchangeable_drift),
        proven: class_uid
            .as_deref()
            .is_some_and(|uid| aim.record.proves(uid, image)),
        class_uid,
        differing,
    }
}

/// Titles of the objects that are not as wanted. Without the Deployment nothing was ever applied, or it
/// is applied anew: the small ones are looked at only when it is as wanted.
async fn differing(cluster: &Cluster, aim: &Aim<'_>, read: &Read) -> Result<Vec<String>, ClusterError> {
    let is_counted = |wanted: &&Wanted| !wanted.is_a("Namespace");
    let objects: Vec<&Wanted> = aim.objects.iter().filter(is_counted).collect();
    let live = read
        .deployments
        .iter()
        .find(|live| live.metadata.namespace.as_deref() == Some(namespace::LOCAL_PATH_STORAGE));
    if objects
        .iter()
        .any(|wanted| wanted.is_a("Deployment") && !wanted.is_in(live))
    {
        return Ok(objects.into_iter().map(Wanted::title).collect());
    }
    let class = read.class.as_ref();
    let looks = objects.into_iter().map(|wanted| differs(cluster, wanted, class));
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

/// The object's title, if it is not as wanted.
fn differs<'a>(
    cluster: &'a Cluster,
    wanted: &'a Wanted,
    class: Option<&'a DynamicObject>,
) -> BoxFuture<'a, Result<Option<String>, ClusterError>> {
    async move {
        let is_as_wanted = match wanted.resource.kind.as_str() {
            // It was looked at before.
            "Deployment" => true,
            "StorageClass" => wanted.is_in(class) && class.and_then(unchangeable_drift).is_none(),
            _ => {
                let live = cluster.get_dynamic(&wanted.resource, wanted.namespace(), wanted.name());
                wanted.is_in(live.await?.as_ref())
            }
        };
        Ok((!is_as_wanted).then(|| wanted.title()))
    }
    .boxed()
}

/// A class of our name that is somebody else's is not ours to delete.
fn check_owner(class: Option<&DynamicObject>) -> Result<(), StorageError> {
    let provisioner = class.and_then(|class| class.data["provisioner"].as_str());
    match provisioner {
        Some(other) if other != guard::PROVISIONER => Err(StorageError::ForeignClass {
            provisioner: other.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What cannot be changed in a class that exists.
fn unchangeable_drift(class: &DynamicObject) -> Option<String> {
    let text = |key: &str, default: &'static str| class.data[key].as_str().unwrap_or(default).to_owned();
    let (policy, binding) = (
        text("reclaimPolicy", "Delete"),
        text("volumeBindingMode", "Immediate"),
    );
    let is_default = class
        .annotations()
        .get(DEFAULT_CLASS)
        .is_some_and(|value| value == "true");
    if policy != "Retain" {
        Some(format!("its reclaim policy is {policy}"))
    } else if binding != "WaitForFirstConsumer" {
        Some(format!("its volume binding mode is {binding}"))
    } else if is_default {
        Some("it is marked as the default class".to_owned())
    } else {
        None
    }
}

fn named<'a>(objects: &'a [DynamicObject], name: &str) -> Option<&'a DynamicObject> {
    objects
        .iter()
        .find(|object| object.metadata.name.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn class(change: &serde_json::Value) -> DynamicObject {
        let mut class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local-path"},
            "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Retain",
        });
        for (key, value) in change.as_object().unwrap() {
            class[key] = value.clone();
        }
        serde_json::from_value(class).unwrap()
    }

    #[test]
    fn a_class_is_made_anew_for_what_cannot_be_changed_and_never_if_it_is_somebody_elses() {
        assert_eq!(unchangeable_drift(&class(&json!({}))), None);
        for (change, why) in [
            (json!({"reclaimPolicy": "Delete"}), "its reclaim policy is Delete"),
            (json!({"reclaimPolicy": null}), "its reclaim policy is Delete"),
            (
                json!({"volumeBindingMode": "Immediate"}),
                "its volume binding mode is Immediate",
            ),
            (
                json!({"metadata": {"name": "x", "annotations": {DEFAULT_CLASS: "true"}}}),
                "it is marked as the default class",
            ),
        ] {
            assert_eq!(unchangeable_drift(&class(&change)).as_deref(), Some(why));
        }
        assert!(check_owner(Some(&class(&json!({})))).is_ok());
        let foreign = check_owner(Some(&class(&json!({"provisioner": "driver.longhorn.io"}))));
        assert!(matches!(foreign, Err(StorageError::ForeignClass { .. })));
    }
}
