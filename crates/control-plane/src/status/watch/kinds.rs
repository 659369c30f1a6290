//! The kinds that are followed.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::super::link::Link;
use super::super::picture::{Feed, Picture, Shown};
use super::decode::Identity;
use super::form::Typed;
use super::{Kind, events, flux, follow, pods, workloads};

/// What each follower is given.
pub(in crate::status) struct Followers<'a> {
    pub(in crate::status) tasks: &'a mut JoinSet<()>,
    pub(in crate::status) link: &'a Link,
    pub(in crate::status) feed: &'a Feed,
    /// Deadline of one request.
    pub(in crate::status) limit: Duration,
}

impl Followers<'_> {
    /// Follows every kind, each in a task of its own.
    pub(in crate::status) fn begin(mut self) {
        self.kubernetes();
        self.flux();
        self.spawn(leases());
    }

    fn kubernetes(&mut self) {
        self.kind("nodes", "/api/v1/nodes", pods::node, Picture::show_nodes);
        self.kind("pods", "/api/v1/pods", pods::pod, Picture::show_pods);
        let claims = "/api/v1/persistentvolumeclaims";
        self.kind("claims", claims, workloads::claim, Picture::show_claims);
        self.kind("events", "/api/v1/events", events::event, Picture::show_events);
        let deployments = "/apis/apps/v1/deployments";
        self.kind(
            "deployments",
            deployments,
            workloads::workload,
            Picture::show_deployments,
        );
        let sets = "/apis/apps/v1/statefulsets";
        self.kind(
            "stateful sets",
            sets,
            workloads::workload,
            Picture::show_stateful_sets,
        );
        self.kind("jobs", "/apis/batch/v1/jobs", workloads::job, Picture::show_jobs);
    }

    fn flux(&mut self) {
        let oci = "/apis/source.toolkit.fluxcd.io/v1/ocirepositories";
        self.kind(
            "OCI repositories",
            oci,
            flux::oci_repository,
            Picture::show_oci_repositories,
        );
        let helm = "/apis/source.toolkit.fluxcd.io/v1/helmrepositories";
        self.kind(
            "Helm repositories",
            helm,
            flux::helm_repository,
            Picture::show_helm_repositories,
        );
        let kustomizations = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
        self.kind(
            "Kustomizations",
            kustomizations,
            flux::kustomization,
            Picture::show_kustomizations,
        );
        let releases = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases";
        self.kind(
            "Helm releases",
            releases,
            flux::helm_release,
            Picture::show_helm_releases,
        );
    }

    fn kind<R: DeserializeOwned + 'static, T: Send + 'static>(
        &mut self,
        name: &'static str,
        path: &'static str,
        cut: fn(R) -> (String, T),
        show: fn(&mut Picture, Shown<T>),
    ) {
        self.spawn(Kind {
            name,
            path,
            beats: false,
            form: Box::new(Typed { cut, show }),
        });
    }

    fn spawn(&mut self, kind: Kind) {
        self.tasks
            .spawn(follow(kind, self.link.clone(), self.feed.clone(), self.limit));
    }
}

/// The kubelet renews its node's Lease every ten seconds: the heartbeat of the API server. Nothing of it
/// is kept.
fn leases() -> Kind {
    Kind {
        name: "node leases",
        path: "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
        beats: true,
        form: Box::new(Typed {
            cut: |lease: Identity| (lease.metadata.key(), ()),
            show: |_, _| {},
        }),
    }
}
