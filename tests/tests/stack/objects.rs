//! The objects the tests apply, as the product and its config bundle write them.

use serde_json::{Value, json};

use appliance_tests::charts;

/// The releases: name, chart, and what each depends on.
pub(crate) const RELEASES: [(&str, &str, &[&str]); 6] = [
    ("alga-core", "sebastian", &[]),
    ("pgbouncer", "pgbouncer", &["alga-core"]),
    ("temporal", "temporal", &["alga-core"]),
    ("email-service", "email-service", &["alga-core", "pgbouncer"]),
    (
        "workflow-worker",
        "workflow-worker",
        &["alga-core", "pgbouncer", "temporal"],
    ),
    (
        "temporal-worker",
        "temporal-worker",
        &["alga-core", "pgbouncer", "temporal"],
    ),
];

pub(crate) fn source(name: &str, url: &str, digest: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"interval": "1m0s", "insecure": true, "url": url, "ref": {"digest": digest}},
    })
}

pub(crate) fn kustomization(source: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": source, "namespace": "flux-system"},
        "spec": {
            "interval": "5m0s", "path": "./base", "prune": true, "wait": true,
            "sourceRef": {"kind": "OCIRepository", "name": source},
        },
    })
}

/// What must be there before the releases: namespaces, the shared key, values and the chart repository.
pub(crate) fn before_the_releases(charts: &str) -> [Value; 5] {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    [
        namespace("msp"),
        namespace("alga-system"),
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "alga-psa-shared", "namespace": "msp"},
            "stringData": {"ALGA_AUTH_KEY": "x"},
        }),
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "appliance-values-alga-core", "namespace": "alga-system"},
            "data": {"alga-core.single-node.yaml": "appUrl: https://psa.example.com\nhost: psa.example.com\n"},
        }),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "HelmRepository",
            "metadata": {"name": "alga-charts", "namespace": "flux-system"},
            "spec": {"type": "oci", "interval": "5m", "url": charts, "insecure": true},
        }),
    ]
}

pub(crate) fn helm_release(name: &str, chart: &str, depends_on: &[&str]) -> Value {
    let core = name == "alga-core";
    let depends_on: Vec<_> = depends_on.iter().map(|name| json!({"name": name})).collect();
    let version = charts::CHARTS
        .iter()
        .find(|(known, _)| *known == chart)
        .map(|(_, version)| version);
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": "alga-system"},
        "spec": {
            "interval": "10m", "timeout": "30m", "releaseName": name, "targetNamespace": "msp",
            "dependsOn": depends_on,
            "install": {"createNamespace": true, "disableWait": core, "remediation": {"retries": 0}},
            "upgrade": {"disableWait": core, "remediation": {"retries": 0}},
            "chart": {"spec": {
                "chart": chart, "version": version,
                "sourceRef": {"kind": "HelmRepository", "name": "alga-charts", "namespace": "flux-system"},
            }},
            "valuesFrom": [{
                "kind": "ConfigMap", "name": format!("appliance-values-{name}"),
                "valuesKey": format!("{name}.single-node.yaml"), "optional": !core,
            }],
        },
    })
}
