//! What a repair does: which objects have really failed, are the release's, and may go. Pure.

use std::collections::BTreeSet;

use appliance_common::names::namespace;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde::Serialize;

use super::RepairRequest;
use super::survey::{Survey, condition, helm_name, target};
use crate::setup::handover::{BootstrapRecord, BootstrapState};
use crate::setup::pods::trouble;

/// Labels that Flux's helm-controller puts on everything it applies: the release's name and namespace.
const FLUX_OWNER: [&str; 2] = ["helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace"];
/// Annotations that Helm itself puts there.
const HELM_OWNER: [&str; 2] = ["meta.helm.sh/release-name", "meta.helm.sh/release-namespace"];
/// Troubles of pods that a new pod can end.
const REMOVABLE: [&str; 5] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "Error",
    "Evicted",
];

/// What is to be done about a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepairPlan {
    /// `alga-system/<release>`.
    pub helm_release: String,
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// What is wrong, or that nothing is.
    pub reason: String,
    /// What is taken away first.
    pub remove: Vec<Removal>,
    /// Whether Flux is made to try again.
    pub force: bool,
}

/// An object that has failed and is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Removal {
    /// `Job` or `Pod`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Exactly this one: a newer one of the name stays.
    pub uid: String,
    /// How it has failed.
    pub reason: String,
}

/// Decides.
pub(super) fn plan(
    request: &RepairRequest,
    survey: &Survey,
    bootstrap: Option<&BootstrapRecord>,
) -> RepairPlan {
    let owned = Owned::of(survey);
    let failed: Vec<_> = owned.failed_jobs().chain(owned.failed_pods()).collect();
    let ill = not_ready(&survey.release)
        .or_else(|| {
            failed
                .first()
                .map(|removal| format!("{} {} has failed: {}", removal.kind, removal.name, removal.reason))
        })
        .or_else(|| owned.bootstrap_missing(bootstrap))
        .or_else(|| owned.unavailable());
    let healthy = ill.is_none();
    RepairPlan {
        helm_release: request.helm_release(),
        healthy,
        reason: ill.unwrap_or_else(|| "nothing to repair".to_owned()),
        remove: if request.skip_cleanup { Vec::new() } else { failed },
        force: request.force || !healthy,
    }
}

/// Why Flux does not have the release as ready.
fn not_ready(release: &DynamicObject) -> Option<String> {
    let Some(ready) = condition(release, "Ready") else {
        return Some("Flux has not worked on the release yet".to_owned());
    };
    let is_new = release.data["status"]["observedGeneration"].as_i64() == release.metadata.generation;
    if ready["status"] == "True" && is_new {
        return None;
    }
    let said = [&ready["reason"], &ready["message"]].map(|text| text.as_str().unwrap_or_default());
    Some(format!("the release is not ready: {}", said.join(": ")))
}

/// The objects of one release.
struct Owned<'a> {
    survey: &'a Survey,
    uids: BTreeSet<&'a str>,
}

impl<'a> Owned<'a> {
    fn of(survey: &'a Survey) -> Self {
        let tops = survey
            .deployments
            .iter()
            .chain(&survey.stateful_sets)
            .chain(&survey.jobs);
        let mut uids: BTreeSet<_> = tops
            .filter(|object| is_owned(survey, object))
            .filter_map(uid)
            .collect();
        let replica_sets = survey.replica_sets.iter();
        let below: Vec<_> = replica_sets
            .filter(|set| controller(set).is_some_and(|owner| uids.contains(owner)))
            .filter_map(uid)
            .collect();
        uids.extend(below);
        Self { survey, uids }
    }

    fn has(&self, object: &DynamicObject) -> bool {
        uid(object).is_some_and(|uid| self.uids.contains(uid))
    }

    fn jobs(&self) -> impl Iterator<Item = &'a DynamicObject> {
        self.survey
            .jobs
            .iter()
            .filter(|job| self.has(job) && !is_going(job))
    }

    fn failed_jobs(&self) -> impl Iterator<Item = Removal> {
        self.jobs().filter_map(|job| {
            let failed = condition(job, "Failed").filter(|failed| failed["status"] == "True")?;
            let said = [&failed["reason"], &failed["message"]].map(|text| text.as_str().unwrap_or_default());
            Some(removal("Job", job, said.join(": ")))
        })
    }

    /// Pods of Jobs stay with their Job: the Job counts them.
    fn failed_pods(&self) -> impl Iterator<Item = Removal> {
        let jobs: BTreeSet<_> = self.survey.jobs.iter().filter_map(uid).collect();
        self.survey
            .pods
            .iter()
            .filter(|pod| !is_going(pod))
            .filter_map(move |pod| {
                let owner = controller(pod)?;
                if jobs.contains(owner) || !self.uids.contains(owner) {
                    return None;
                }
                let trouble = trouble(pod)?;
                let ended = pod.data["status"]["phase"] == "Failed";
                (ended || REMOVABLE.contains(&trouble.reason.as_str()))
                    .then(|| removal("Pod", pod, trouble.to_string()))
            })
    }

    /// The Job may be long gone; what was recorded of it is not. One that works is given its time.
    fn bootstrap_missing(&self, bootstrap: Option<&BootstrapRecord>) -> Option<String> {
        let is_core = self.survey.release.name_any() == "alga-core";
        let bootstrap = bootstrap.filter(|_| is_core)?;
        let works = self.jobs().any(|job| condition(job, "Complete").is_none());
        match bootstrap.state {
            BootstrapState::Complete => None,
            _ if works => None,
            BootstrapState::Failed => Some("the bootstrap has failed".to_owned()),
            BootstrapState::Pending | BootstrapState::Running | BootstrapState::Unknown => {
                Some("the bootstrap Job is gone and was not seen to succeed".to_owned())
            }
        }
    }

    fn unavailable(&self) -> Option<String> {
        let sets = self.survey.deployments.iter().chain(&self.survey.stateful_sets);
        sets.filter(|set| self.has(set)).find_map(|set| {
            let wanted = set.data["spec"]["replicas"].as_i64().unwrap_or(1);
            let ready = set.data["status"]["readyReplicas"].as_i64().unwrap_or(0);
            (ready < wanted).then(|| format!("{} has {ready} of {wanted} pods ready", set.name_any()))
        })
    }
}

fn is_owned(survey: &Survey, object: &DynamicObject) -> bool {
    let (name, helm) = (survey.release.name_any(), helm_name(&survey.release));
    let by_flux = FLUX_OWNER.map(|key| object.labels().get(key).map(String::as_str));
    let by_helm = HELM_OWNER.map(|key| object.annotations().get(key).map(String::as_str));
    by_flux == [Some(name.as_str()), Some(namespace::ALGA_SYSTEM)]
        || by_helm == [Some(helm.as_str()), Some(target(&survey.release))]
        || object.name_any() == format!("{helm}-sebastian-bootstrap")
}

fn removal(kind: &'static str, object: &DynamicObject, reason: String) -> Removal {
    Removal {
        kind,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        reason,
    }
}

fn uid(object: &DynamicObject) -> Option<&str> {
    object.metadata.uid.as_deref()
}

/// Uid of what controls an object.
pub(super) fn controller(object: &DynamicObject) -> Option<&str> {
    let mut owners = object.metadata.owner_references.iter().flatten();
    let controller = owners.find(|owner| owner.controller == Some(true))?;
    Some(&controller.uid)
}

fn is_going(object: &DynamicObject) -> bool {
    object.metadata.deletion_timestamp.is_some()
}
