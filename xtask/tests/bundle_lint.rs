//! The shipped bundle has no findings, and each rule finds what it is there for.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;

use appliance_common::state_file::replace;
use xtask::bundle::chart::{Chart, load_all};
use xtask::bundle::lint::lint;
use xtask::bundle::lock::Lock;
use xtask::bundle::read_tree;
use xtask::bundle::render::{Bundle, render};

const CORE: &str = "base/releases/alga-core.yaml";
const KUSTOMIZATIONS: &str = "base/flux/kustomizations.yaml";
const NAMESPACES: &str = "base/namespaces.yaml";
const WORKER_VALUES: &str = "profiles/single-node/values/temporal-worker.single-node.yaml";
const CORE_VALUES: &str = "profiles/single-node/values/alga-core.single-node.yaml";

/// What is broken (file, from, to), and what is then said (file, path, message).
const BROKEN: &[(&str, &str, &str, &str)] = &[
    (
        "base/core/kustomization.yaml",
        "../releases/pgbouncer.yaml",
        "../releases/bouncer.yaml",
        "base/core/kustomization.yaml: resources: \"../releases/bouncer.yaml\" is not in the bundle",
    ),
    (
        "base/core/kustomization.yaml",
        "../releases/pgbouncer.yaml",
        "../../../pgbouncer.yaml",
        "base/core/kustomization.yaml: resources: \"../../../pgbouncer.yaml\" leaves the bundle",
    ),
    (
        "base/core/kustomization.yaml",
        "../releases/pgbouncer.yaml",
        ".",
        "base/core/kustomization.yaml: resources: it includes itself",
    ),
    (
        "base/core/kustomization.yaml",
        "  - ../releases/pgbouncer.yaml\n",
        "",
        "base/releases/pgbouncer.yaml: : no kustomization uses it",
    ),
    (
        "base/kustomization.yaml",
        "resources:",
        "namePrefix: x-\nresources:",
        "base/kustomization.yaml: namePrefix: the bundle's kustomizations list resources",
    ),
    (
        KUSTOMIZATIONS,
        "./base/core",
        "./base/cores",
        "base/cores/kustomization.yaml: resources: no such kustomization",
    ),
    (
        KUSTOMIZATIONS,
        "- name: alga-core",
        "- name: alga-cores",
        "base/flux/kustomizations.yaml: Kustomization/alga-background: spec.dependsOn: no Kustomization named",
    ),
    (
        KUSTOMIZATIONS,
        "- name: alga-platform",
        "- name: alga-background",
        "base/flux/kustomizations.yaml: Kustomization/alga-core: spec.dependsOn: it waits for itself",
    ),
    (
        KUSTOMIZATIONS,
        "kustomize.toolkit.fluxcd.io/v1",
        "kustomize.toolkit.fluxcd.io/v1beta2",
        "base/flux/kustomizations.yaml: Kustomization/alga-platform: apiVersion: \"kustomize.toolkit.fluxcd.io/v1beta2\"",
    ),
    (
        CORE,
        "helm.toolkit.fluxcd.io/v2",
        "helm.toolkit.fluxcd.io/v2beta1",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: apiVersion:",
    ),
    (
        "base/core/kustomization.yaml",
        "  - ../releases/pgbouncer.yaml\n",
        "  - ../releases/pgbouncer.yaml\n  - ../releases/temporal.yaml\n",
        "base/releases/temporal.yaml: HelmRelease/temporal: it is in the bundle twice",
    ),
    (
        NAMESPACES,
        "  name: alga-system\n",
        "",
        "base/namespaces.yaml: Namespace/: needs a kind and metadata.name",
    ),
    (
        NAMESPACES,
        "prune: disabled",
        "prune: enabled",
        "base/namespaces.yaml: Namespace/alga-system: metadata.annotations: needs `kustomize.toolkit.fluxcd.io/prune",
    ),
    (
        NAMESPACES,
        "name: msp",
        "name: msq",
        "base/namespaces.yaml: Namespace/msp: missing",
    ),
    (
        CORE,
        "name: appliance-values-alga-core",
        "name: alga-core-values",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.valuesFrom: setup writes ConfigMap \"appliance-values-alga-core\"",
    ),
    (
        CORE,
        "valuesKey: alga-core.single-node.yaml",
        "valuesKey: alga-core.yaml",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.valuesFrom: setup writes ConfigMap",
    ),
    (
        CORE,
        "chart: sebastian",
        "chart: sebastien",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.chart.spec.chart: \"sebastien\" is not in the lock",
    ),
    (
        CORE,
        "version: 0.0.1",
        "version: 0.0.2",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.chart.spec.version: \"0.0.2\", and the lock pins \"0.0.1\"",
    ),
    (
        CORE,
        "name: alga-charts",
        "name: charts",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.chart.spec.sourceRef: no HelmRepository",
    ),
    (
        CORE,
        "retries: -1",
        "retries: 0",
        "base/releases/alga-core.yaml: HelmRelease/alga-core: spec.install.remediation.retries: with no retries",
    ),
    (
        CORE_VALUES,
        "tag: \"sample-core\"",
        "tag: latest",
        "alga-core.single-node.yaml: setup.image: image \"ghcr.io/nine-minds/alga-psa-ee:latest\" floats",
    ),
    (
        WORKER_VALUES,
        "  tag: \"sample-temporal\"\n",
        "",
        "temporal-worker.single-node.yaml: image: image \"ghcr.io/nine-minds/temporal-worker:\" floats",
    ),
    (
        WORKER_VALUES,
        "algaAuthKey: \"\"",
        "algaAuthKey: change-me-in-production",
        "temporal-worker.single-node.yaml: line",
    ),
    (
        WORKER_VALUES,
        "http://alga-core-sebastian.msp",
        "http://alga-core.msp",
        "temporal-worker.single-node.yaml: applicationUrl: no Service answers at \"alga-core.msp.svc.cluster.local\"",
    ),
    (
        WORKER_VALUES,
        "iterations: \"1000\"",
        "iterations: \"10000\"",
        "temporal-worker.single-node.yaml: encryption.iterations: 10000, and alga-core hashes with 1000",
    ),
    (
        WORKER_VALUES,
        "replicaCount: 1",
        "replicaCount: 1\nreplicaCount: 2",
        "temporal-worker.single-node.yaml: : not YAML",
    ),
];

fn lock() -> Lock {
    Lock::load(&xtask::root().join("tests/fixtures/release.lock.toml")).unwrap()
}

fn shipped() -> Bundle {
    let source = read_tree(&xtask::root().join("flux"), &["base", "profiles"]).unwrap();
    render(&source, &lock(), &"ghcr.io".parse().unwrap()).unwrap()
}

/// The findings after `from` became `to` in `file`, one line each.
fn findings_after(file: &str, from: &str, to: &str) -> Vec<String> {
    let mut bundle = shipped();
    let text = bundle.files.get_mut(file).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    *text = text.replacen(from, to, 1);
    findings(&bundle)
}

fn findings(bundle: &Bundle) -> Vec<String> {
    let found = lint(bundle, &lock(), &BTreeMap::new());
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_bundle_has_no_findings() {
    assert_eq!(findings(&shipped()), Vec::<String>::new());
}

#[test]
fn tags_that_look_like_numbers_stay_tags() {
    let mut lock = lock();
    lock.images = toml::from_str(
        "algaCore = '1234567'\nworkflowWorker = '0012345'\nemailService = '12e4567'\ntemporalWorker = '1e10'",
    )
    .unwrap();
    let source = read_tree(&xtask::root().join("flux"), &["base", "profiles"]).unwrap();
    let bundle = render(&source, &lock, &"ghcr.io".parse().unwrap()).unwrap();
    assert!(lint(&bundle, &lock, &BTreeMap::new()).is_empty());
}

#[test]
fn each_broken_rule_is_found_in_its_file_at_its_path() {
    for &(file, from, to, said) in BROKEN {
        let found = findings_after(file, from, to);
        let hit = found.iter().any(|line| line.contains(said));
        assert!(hit, "{file}: {from:?} -> {to:?}\nwanted {said}\nfound {found:#?}");
    }
}

#[test]
fn a_profile_that_lacks_a_release_is_found() {
    let mut bundle = shipped();
    bundle.files.remove(WORKER_VALUES).unwrap();
    let found = findings(&bundle);
    let said = "HelmRelease/temporal-worker: spec.valuesFrom: profiles/single-node/values/temporal-worker.single-node.yaml is missing";
    assert!(found.iter().any(|line| line.contains(said)), "{found:#?}");
}

#[test]
fn a_missing_release_is_found() {
    let mut bundle = shipped();
    bundle.files.remove(CORE).unwrap();
    let found = findings(&bundle);
    let said = "HelmRelease/alga-core: missing";
    assert!(found.iter().any(|line| line.contains(said)), "{found:#?}");
}

#[test]
fn values_that_a_chart_does_not_have_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let chart = dir.path().join("pgbouncer");
    fs::create_dir(&chart).unwrap();
    let file = |name: &str, text: &str| replace(&chart.join(name), text.as_bytes(), 0o644).unwrap();
    file("Chart.yaml", "apiVersion: v2\nname: pgbouncer\nversion: 0.1.0\n");
    let values = "namespace: ''\nimage: {repository: '', tag: '', pullPolicy: ''}\nservice: {}\npostgres: {host: ''}\nauthType: ''\n";
    file("values.yaml", values);
    let charts: BTreeMap<String, Chart> = load_all(dir.path()).unwrap();

    let found = lint(&shipped(), &lock(), &charts);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let said = "pgbouncer.single-node.yaml: postgres.appUser: the chart \"pgbouncer\" has no such value";
    assert!(found.iter().any(|line| line.contains(said)), "{found:#?}");
    let known = ["postgres.host", "service.port", "image.tag"];
    let wrong = found
        .iter()
        .any(|line| known.iter().any(|path| line.contains(path)));
    assert!(!wrong, "{found:#?}");
}
