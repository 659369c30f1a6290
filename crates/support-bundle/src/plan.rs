//! What is collected, as data.

use std::fmt::Write;

use crate::options::{Mode, Options, Profile};

/// A kind of objects, and the files it becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Path of its API (`/apis/apps/v1`).
    pub(crate) api: &'static str,
    /// Its plural name.
    pub(crate) plural: &'static str,
    /// The shipped product's file, which support's tools read; a table, or YAML.
    pub(crate) file: Option<&'static str>,
    pub(crate) form: Form,
}

/// What is shown of a kind's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A table, and the objects.
    Table,
    /// YAML, and the objects.
    Yaml,
    /// Keys and sizes only.
    KeysOnly,
}

const fn table(api: &'static str, plural: &'static str, file: &'static str) -> Kind {
    Kind {
        api,
        plural,
        file: Some(file),
        form: Form::Table,
    }
}

const fn plain(api: &'static str, plural: &'static str) -> Kind {
    Kind {
        api,
        plural,
        file: None,
        form: Form::Table,
    }
}

const fn yaml(api: &'static str, plural: &'static str, file: &'static str) -> Kind {
    Kind {
        api,
        plural,
        file: Some(file),
        form: Form::Yaml,
    }
}

const fn keys(plural: &'static str) -> Kind {
    Kind {
        api: "/api/v1",
        plural,
        file: None,
        form: Form::KeysOnly,
    }
}

const SOURCES: &str = "/apis/source.toolkit.fluxcd.io/v1";

/// Every kind.
pub(crate) const KINDS: [Kind; 29] = [
    table("/api/v1", "nodes", "cluster/nodes.txt"),
    table("/api/v1", "namespaces", "cluster/namespaces.txt"),
    table("/api/v1", "pods", "cluster/pods.txt"),
    table("/api/v1", "events", "cluster/events.txt"),
    table("/api/v1", "persistentvolumeclaims", "cluster/pvcs.txt"),
    table("/api/v1", "persistentvolumes", "cluster/persistent-volumes.txt"),
    plain("/api/v1", "services"),
    plain("/api/v1", "serviceaccounts"),
    plain("/api/v1", "resourcequotas"),
    plain("/api/v1", "limitranges"),
    keys("configmaps"),
    keys("secrets"),
    table("/apis/apps/v1", "deployments", "cluster/deployments.txt"),
    table("/apis/apps/v1", "statefulsets", "cluster/statefulsets.txt"),
    plain("/apis/apps/v1", "daemonsets"),
    plain("/apis/apps/v1", "replicasets"),
    table("/apis/batch/v1", "jobs", "cluster/jobs.txt"),
    plain("/apis/batch/v1", "cronjobs"),
    table(
        "/apis/storage.k8s.io/v1",
        "storageclasses",
        "cluster/storage-classes.txt",
    ),
    plain("/apis/networking.k8s.io/v1", "ingresses"),
    plain("/apis/networking.k8s.io/v1", "networkpolicies"),
    plain("/apis/coordination.k8s.io/v1", "leases"),
    yaml(SOURCES, "ocirepositories", "cluster/flux-sources.txt"),
    yaml(SOURCES, "helmrepositories", "cluster/flux-helm-repositories.txt"),
    yaml(SOURCES, "helmcharts", "cluster/flux-helm-charts.txt"),
    yaml(SOURCES, "gitrepositories", "cluster/flux-git-repositories.txt"),
    yaml(
        "/apis/kustomize.toolkit.fluxcd.io/v1",
        "kustomizations",
        "cluster/flux-kustomizations.txt",
    ),
    yaml(
        "/apis/helm.toolkit.fluxcd.io/v2",
        "helmreleases",
        "cluster/helmreleases.txt",
    ),
    plain("/apis/metrics.k8s.io/v1beta1", "nodes"),
];

impl Kind {
    /// Its collector's name.
    pub(crate) fn collector(&self) -> String {
        if self.api.contains("metrics") {
            return "cluster/node-metrics".to_owned();
        }
        format!("cluster/{}", self.plural)
    }

    /// Where its objects are, one on a line.
    pub(crate) fn objects(&self) -> String {
        let name = if self.api.contains("metrics") {
            "node-metrics"
        } else {
            self.plural
        };
        format!("cluster/resources/{name}.jsonl")
    }

    /// Whether a server that does not know it is nothing to speak of.
    pub(crate) fn is_optional(&self) -> bool {
        self.api.contains("toolkit") || self.api.contains("metrics")
    }
}

/// Namespaces whose logs are read.
pub(crate) const LOG_NAMESPACES: [&str; 8] = [
    "flux-system",
    "alga-system",
    "msp",
    "alga-appliance-control-plane",
    "alga-appliance-support",
    "appliance-system",
    "local-path-storage",
    "kube-system",
];

/// Documents of the state volume, and whether only their end is kept.
pub(crate) const STATE_FILES: [&str; 12] = [
    "install-state.json",
    "release-selection.json",
    "setup-inputs.json",
    "maintenance-metadata.json",
    "update-history.json",
    "control-plane-upgrade.json",
    "reset-state.json",
    "storage-state.json",
    "setup-journal.ndjson",
    "storage-reconcile.log",
    "control-plane-upgrade.log",
    "audit.log",
];

/// The plan, for a person.
pub(crate) fn text(options: &Options) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{text}");
    };
    line(format!("mode       {}", options.mode.name()));
    if options.state_dir.is_some() {
        line(format!("state      {}", STATE_FILES.join(" ")));
    }
    match options.mode {
        Mode::Host => {
            for capture in &appliance_kubectl_queue::capture::CAPTURES {
                line(format!("{}  $ {}", capture.path, capture.command.join(" ")));
            }
        }
        Mode::Pod => line(format!(
            "host       by the agent at {}",
            options.agent_socket.display()
        )),
        Mode::Workstation => {}
    }
    for kind in KINDS {
        line(format!("{}  GET {}/{}", kind.objects(), kind.api, kind.plural));
    }
    if options.logs && options.profile > Profile::Minimal {
        line(format!("logs       {}", log_namespaces(options).join(" ")));
    }
    line(format!("network    {}", options.probes.join(" ")));
    out
}

/// Namespaces whose logs are read; empty means all.
pub(crate) fn log_namespaces(options: &Options) -> Vec<String> {
    match (options.namespaces.as_slice(), options.profile) {
        ([], Profile::Full) => Vec::new(),
        ([], _) => LOG_NAMESPACES.map(str::to_owned).to_vec(),
        (chosen, _) => chosen.to_vec(),
    }
}
