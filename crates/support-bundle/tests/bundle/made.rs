//! What is in a bundle, and what is in none.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use appliance_tests::apply;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::scene::{Scene, collector};

/// What must be in no file, however it is written.
const CANARIES: [&str; 6] = [
    "c4nary-journal",
    "C4NARY-INSTALL-CODE",
    "c4naryXyz",
    "c4nary-known-value",
    "c4nary-by-name",
    "4821-0937-5566-1203-9987",
];

const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: msp}
---
apiVersion: v1
kind: Namespace
metadata: {name: alga-system}
---
apiVersion: v1
kind: Secret
metadata: {name: database, namespace: msp}
stringData: {banana: c4nary-known-value}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: appliance-values-alga-core, namespace: alga-system}
data: {values.yaml: "password: c4nary-by-name\nreplicas: 3\nnote: c4nary-known-value\n"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: msp}
data: {plain: not-shown-at-all}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: core
  namespace: msp
  annotations: {kept-note: "the value is c4nary-known-value"}
spec:
  selector: {matchLabels: {app: core}}
  template:
    metadata: {labels: {app: core}}
    spec:
      containers:
      - {name: app, image: alga.test/app:1, env: [{name: DB_PASSWORD, value: c4nary-by-name}, {name: LEVEL, value: kept-level}]}
"#;

fn clean(files: &BTreeMap<String, String>) -> Result<()> {
    for (name, text) in files {
        for canary in CANARIES {
            let forms = [
                canary.to_owned(),
                STANDARD.encode(canary).trim_end_matches('=').to_owned(),
            ];
            for form in forms {
                let form = &form[..form.len() - 1];
                ensure!(!text.contains(form), "{name} has {canary}");
            }
        }
    }
    Ok(())
}

fn has_extension(name: &str, wanted: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == wanted)
}

fn consistent(files: &BTreeMap<String, String>) -> Result<()> {
    let manifest: Value = serde_json::from_str(files.get("manifest.json").context("no manifest")?)?;
    ensure!(manifest["schema"] == "alga.appliance.support-bundle/v2");
    let members = manifest["members"].as_array().context("no members")?;
    ensure!(
        members.len() + 1 == files.len(),
        "{} members, {} files",
        members.len(),
        files.len()
    );
    for member in members {
        let text = files
            .get(member["path"].as_str().unwrap_or_default())
            .context("a member is missing")?;
        ensure!(member["bytes"] == text.len(), "{member}");
    }
    for (name, text) in files.iter().filter(|(name, _)| has_extension(name, "json")) {
        serde_json::from_str::<Value>(text).with_context(|| format!("{name} is no JSON"))?;
    }
    for (name, text) in files.iter().filter(|(name, _)| has_extension(name, "jsonl")) {
        for line in text.lines() {
            serde_json::from_str::<Value>(line)
                .with_context(|| format!("{name} has a line that is no JSON"))?;
        }
    }
    Ok(())
}

/// 60, cases 1, 6, 7, 10 and 12; overview decision 13.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_a_living_box_has_everything_and_no_secret() -> Result<()> {
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
    apply::yaml(&cluster.client().await?, "test", "default", OBJECTS).await?;
    cluster.write_log(&[
        "a known c4nary-known-value in a log",
        "password=c4nary-by-name kept-line",
    ])?;
    let scene = Scene::new()?;
    let kubeconfig = cluster.kubeconfig();
    let pods_run = async {
        loop {
            let (result, files) =
                tokio::task::block_in_place(|| scene.bundle(&kubeconfig, &["--since", "3650d"]))?;
            if files
                .get("cluster/pods.txt")
                .is_some_and(|pods| pods.contains("Running"))
            {
                return anyhow::Ok((result, files));
            }
            tokio::task::yield_now().await;
        }
    };
    let (result, files) = tokio::time::timeout(std::time::Duration::from_mins(2), pods_run).await??;
    clean(&files)?;
    clean(&BTreeMap::from([("the result".to_owned(), result.to_string())]))?;
    consistent(&files)?;
    ensure!(
        result["ok"] == true && result["redaction"]["literal"].as_u64() > Some(0),
        "{result}"
    );
    let has = |name: &str, text: &str| {
        let found = files
            .get(name)
            .with_context(|| format!("no {name}: {:?}", files.keys()));
        found.and_then(|found| {
            ensure!(found.contains(text), "{name} has no {text:?}:\n{found}");
            Ok(())
        })
    };
    has("meta/summary.txt", "generatedAt=")?;
    has("meta/setup-inputs.json", "kept-tenant")?;
    has("host/appliance-journal.txt", "kept")?;
    has("cluster/nodes.txt", "Ready")?;
    has("cluster/deployments.txt", "core")?;
    has("cluster/resources/deployments.jsonl", "kept-level")?;
    has("cluster/resources/configmaps.jsonl", "replicas: 3")?;
    has("cluster/resources/secrets.jsonl", "banana")?;
    has("cluster/version.txt", "gitVersion")?;
    has("analysis.json", "disk-space")?;
    has("redaction-report.json", "secret-object").or_else(|_| has("redaction-report.json", "literal"))?;
    the_log_is_there(&files)?;
    ensure!(!files["cluster/resources/configmaps.jsonl"].contains("not-shown-at-all"));
    ensure!(
        files.values().all(|text| !text.contains("no such file")),
        "a capture failed for lack of a file"
    );
    ensure!(collector(&files, "host/ip-addresses")?["status"] == "timeout");
    ensure!(collector(&files, "cluster/pods")?["status"] == "ok");
    ensure!(collector(&files, "cluster/helmreleases")?["status"] == "skipped");
    Ok(())
}

fn the_log_is_there(files: &BTreeMap<String, String>) -> Result<()> {
    let log = files.iter().find(|(name, _)| name.starts_with("logs/msp-core-"));
    let (_, log) = log.context("no log of the application")?;
    ensure!(log.contains("a known [REDACTED:literal] in a log"), "{log}");
    Ok(())
}

/// 60, cases 2, 7 and 12: without a cluster the host's parts are there, and it is said what is not.
#[test]
fn a_bundle_of_a_box_without_a_cluster_has_the_hosts_parts() -> Result<()> {
    let scene = Scene::new()?;
    let (result, files) = scene.bundle(Path::new("/nowhere/kubeconfig"), &[])?;
    clean(&files)?;
    consistent(&files)?;
    ensure!(result["partial"] == true, "{result}");
    ensure!(
        files["analysis.txt"].starts_with("Probable cause: The Kubernetes API server"),
        "{}",
        files["analysis.txt"]
    );
    ensure!(files["host/disk-usage.txt"].contains("/dev/vda1"));
    ensure!(collector(&files, "cluster/pods")?["status"] == "failed");
    let strict = scene.at("out").join("strict.tar.gz").display().to_string();
    let run = scene
        .command(
            Path::new("/nowhere/kubeconfig"),
            &["--strict", "--output", &strict],
        )
        .output()?;
    ensure!(run.status.code() == Some(3), "{}", crate::scene::said(&run));
    Ok(())
}

/// 60, case 2, the pod's side: no agent and no cluster.
#[test]
fn a_pod_without_an_agent_tells_what_to_do_on_the_host() -> Result<()> {
    let scene = Scene::new()?;
    let out = scene.at("out/pod.tar.gz").display().to_string();
    let run = scene
        .command(Path::new("/nowhere/kubeconfig"), &["--output", &out, "--quiet"])
        .env("ALGA_APPLIANCE_MODE", "kubernetes-control-plane")
        .output()?;
    ensure!(run.status.success(), "{}", crate::scene::said(&run));
    let files = crate::scene::unpacked(Path::new(&out))?;
    clean(&files)?;
    ensure!(
        files["host/host-diagnostics-note.txt"].contains("journalctl -u alga-appliance-bootstrap.service")
    );
    ensure!(collector(&files, "host-agent")?["status"] == "failed");
    Ok(())
}
