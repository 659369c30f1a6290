//! What an operator looks at in the cluster, against a real API server with pods that run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use appliance_common::clock::Clock;
use appliance_common::cluster::{
    ClusterError, ClusterSource, ContainerRun, InPod, Judgement, Wait, rolled_out,
};
use appliance_common::meter::Meter;
use appliance_control_plane::workloads::names::{ContainerName, NamespaceName, PodName, Scope};
use appliance_control_plane::workloads::rows::{ContainerPhase, PodRow};
use appliance_control_plane::workloads::{
    LogQuery, NoLog, PodAccess, ReadError, RestartError, WorkloadSettings, Workloads,
};
use appliance_tests::apply;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, ApiResource, PostParams};
use serde_json::json;

/// Longest time one call may take; a server that was killed is given up after it.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for pods.
const LIMIT: Duration = Duration::from_mins(1);

fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

fn workloads(kubeconfig: PathBuf, lock_file: PathBuf) -> Workloads {
    let settings = WorkloadSettings {
        cluster: ClusterSource::new(kubeconfig).with_call_limit(CALL_LIMIT),
        list_limit: LIMIT,
        log_limit: LIMIT,
        lock_file,
    };
    Workloads::new(settings, Clock::system())
}

fn one(namespace: &str) -> Result<Scope> {
    Ok(Scope::parse(namespace)?)
}

fn log_of(pod: &str, container: Option<&str>) -> Result<LogQuery> {
    Ok(LogQuery {
        namespace: NamespaceName::parse("msp")?,
        pod: PodName::parse(pod)?,
        container: container.map(ContainerName::parse).transpose()?,
        lines: 2,
        run: ContainerRun::Current,
    })
}

/// Two Deployments in `msp` that run; one is of the application.
async fn deployed(cluster: &TestCluster) -> Result<()> {
    let client = cluster.client().await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "msp"}});
    apply::yaml(&client, "test", "", &namespace.to_string()).await?;
    for (name, containers) in [("pgbouncer", 1), ("other", 2)] {
        let containers: Vec<_> = (0..containers)
            .map(|at| json!({"name": format!("c{at}"), "image": "example/image:1", "ports": [{"containerPort": 80}]}))
            .collect();
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
            },
        });
        apply::yaml(&client, "test", "msp", &deployment.to_string()).await?;
    }
    wait(cluster).await
}

async fn wait(cluster: &TestCluster) -> Result<()> {
    let watched = ClusterSource::new(cluster.kubeconfig())
        .open(Arc::new(Meter::default()))
        .await?;
    let wait = Wait {
        resource: &ApiResource::erase::<Deployment>(&()),
        namespace: Some("msp"),
        names: &["pgbouncer", "other"],
        limit: LIMIT,
    };
    Ok(watched.wait_until(&wait, rolled_out).await?)
}

fn of<'a>(pods: &'a [PodRow], prefix: &str) -> Result<&'a PodRow> {
    pods.iter()
        .find(|pod| pod.name.starts_with(prefix))
        .context("there is such a pod")
}

#[tokio::test]
async fn workloads_their_pods_and_logs_are_shown_and_one_is_restarted() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Workloads).await?;
    cluster.write_log(&["first", "second", "third"])?;
    deployed(&cluster).await?;
    let dir = tempfile::tempdir()?;
    let workloads = workloads(cluster.kubeconfig(), dir.path().join("update.lock"));

    let names: Vec<_> = workloads
        .namespaces()
        .await?
        .rows
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert!(
        names.is_sorted() && names.contains(&"msp".to_owned()),
        "{names:?}"
    );
    let deployments = workloads.deployments(&one("msp")?).await?.rows;
    let shown: Vec<_> = deployments.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(shown, ["other", "pgbouncer"]);
    assert_eq!((deployments[1].ready_replicas, deployments[1].replicas), (1, 1));
    assert_eq!(deployments[1].replica_sets.len(), 1);
    assert_eq!(deployments[1].replica_sets[0].revision.as_deref(), Some("1"));
    let pods = workloads.pods(&one("msp")?).await?.rows;
    let pod = of(&pods, "pgbouncer-")?;
    assert_eq!((pod.ready, pod.total_containers), (true, 1));
    assert_eq!(pod.containers[0].state, ContainerPhase::Running);
    assert!(workloads.pods(&Scope::Every).await?.rows.len() >= pods.len());
    assert_eq!(workloads.pods(&one("no-such-namespace")?).await?.rows, []);

    logs(&workloads, &pods).await?;

    let begun = workloads.restart("msp", "pgbouncer").await?;
    wait(&cluster).await?;
    let deployments = workloads.deployments(&one("msp")?).await?.rows;
    let revisions: Vec<_> = deployments[1]
        .replica_sets
        .iter()
        .map(|set| set.revision.as_deref())
        .collect();
    assert_eq!(revisions, [Some("2"), Some("1")], "the newest first");
    assert_eq!(begun.name, "pgbouncer");
    assert!(matches!(
        workloads.restart("msp", "temporal").await,
        Err(RestartError::Absent("temporal"))
    ));
    assert!(matches!(
        workloads.restart("msp", "other").await,
        Err(RestartError::NotAllowed)
    ));
    Ok(())
}

async fn logs(workloads: &Workloads, pods: &[PodRow]) -> Result<()> {
    let pod = &of(pods, "pgbouncer-")?.name;
    let log = workloads.log(&log_of(pod, None)?).await?;
    assert_eq!(
        (log.lines, log.truncated),
        (vec!["second".to_owned(), "third".to_owned()], false)
    );
    let mut following = workloads.follow(&log_of(pod, Some("c0"))?).await?;
    let mut lines = Vec::new();
    while lines.len() < 2 {
        let next = tokio::time::timeout(LIMIT, following.next()).await??;
        lines.extend(next.context("the container runs")?);
    }
    assert_eq!(lines, ["second", "third"]);
    drop(following);
    let several = &of(pods, "other-")?.name;
    for (pod, container, expected) in [
        (several, None, NoLog::ContainerNotNamed),
        (several, Some("no-such"), NoLog::NoSuchContainer),
    ] {
        let refused = workloads.log(&log_of(pod, container)?).await;
        assert!(
            matches!(&refused, Err(ReadError::NoSuchLog { why, .. }) if *why == expected),
            "{refused:?}"
        );
    }
    let absent = workloads.log(&log_of("no-such-pod", None)?).await;
    assert!(matches!(absent, Err(ReadError::NoSuchPod(_))), "{absent:?}");
    Ok(())
}

#[tokio::test]
async fn of_many_events_the_newest_are_read_over_all_pages() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let namespace = cluster.own_namespace().await?;
    let events = Api::<Event>::namespaced(cluster.client().await?, &namespace);
    // More than one page.
    let made = futures::stream::iter(0..700).map(|at| {
        let (events, namespace) = (events.clone(), namespace.clone());
        async move {
            let event = serde_json::from_value(json!({
                "metadata": {"name": format!("e{at}")},
                "involvedObject": {"kind": "Pod", "name": format!("p{at}"), "namespace": namespace},
                "lastTimestamp": format!("2026-01-01T00:{:02}:{:02}Z", at / 60, at % 60),
                "reason": "Pulled", "type": "Warning", "message": "x".repeat(1000),
            }))?;
            events.create(&PostParams::default(), &event).await?;
            anyhow::Ok(())
        }
    });
    made.buffer_unordered(16).try_collect::<()>().await?;
    let dir = tempfile::tempdir()?;
    let workloads = workloads(cluster.kubeconfig(), dir.path().join("update.lock"));
    let rows = workloads.events(&one(&namespace)?).await?.rows;
    let objects: Vec<_> = rows.iter().map(|row| row.involved_object.clone()).collect();
    let expected: Vec<_> = (500..700).map(|at| format!("Pod/p{at}")).collect();
    assert_eq!(objects, expected);
    Ok(())
}

/// A box in the field may have an API server that refuses a watch that begins with a list: it is asked once, and
/// from then on each wait takes a list and a watch.
#[tokio::test]
async fn on_a_server_that_streams_no_lists_a_wait_is_a_list_and_a_watch() -> Result<()> {
    let older = TestCluster::start(&tools()?, Parts::OlderApi).await?;
    let newer = TestCluster::start(&tools()?, Parts::Api).await?;
    let asked_by_two_waits = async |cluster: &TestCluster| {
        let source = ClusterSource::new(cluster.kubeconfig()).known_as("alga-appliance-waits");
        let opened = source.in_pod(None).open(Arc::new(Meter::default())).await?;
        let wait = Wait {
            resource: &ApiResource::erase::<Namespace>(&()),
            namespace: None,
            names: &["default"],
            limit: LIMIT,
        };
        for _ in 0..2 {
            opened
                .wait_until(&wait, |live| match live {
                    Some(_) => Judgement::Reached,
                    None => Judgement::Waiting("it is made".to_owned()),
                })
                .await?;
        }
        let requests = cluster.requests_of("alga-appliance-waits")?.into_iter();
        let told = requests.map(|one| format!("{} {}", one.verb, one.status));
        anyhow::Ok((told.collect::<Vec<_>>(), opened.meter().requests()))
    };
    let (on_older, counted) = asked_by_two_waits(&older).await?;
    let refused: Vec<_> = on_older.iter().filter(|one| *one == "watch 422").collect();
    let listed: Vec<_> = on_older.iter().filter(|one| *one == "list 200").collect();
    assert_eq!((refused.len(), listed.len()), (1, 2), "{on_older:?}");
    assert_eq!(counted, 5, "one refused, and two for each wait");
    let (on_newer, counted) = asked_by_two_waits(&newer).await?;
    assert!(on_newer.iter().all(|one| one == "watch 200"), "{on_newer:?}");
    assert_eq!(counted, 2);
    Ok(())
}

/// 40, case 46: in a pod its own account comes before any kubeconfig; without a token, or outside of a pod, the
/// kubeconfig is taken. The account here may list pods and nothing else, the kubeconfig's user everything.
#[tokio::test]
async fn in_a_pod_with_a_token_the_pods_account_is_used_and_else_the_kubeconfig() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]});
    let rules: [PolicyRule; 1] = [serde_json::from_value(rule)?];
    cluster.restricted_kubeconfig("pod", &rules).await?;
    let account_dir = cluster.account_dir("pod")?;
    let url = cluster.url();
    let address = url.strip_prefix("https://").context("no https")?;
    let (host, port) = address.rsplit_once(':').context("no port")?;
    let pod = InPod {
        host: host.to_owned(),
        port: Some(port.to_owned()),
        account_dir: account_dir.clone(),
    };
    let sees_namespaces = async |in_pod: Option<InPod>| {
        let source = ClusterSource::new(cluster.kubeconfig()).with_call_limit(CALL_LIMIT);
        let opened = source.in_pod(in_pod).open(Arc::new(Meter::default())).await?;
        opened.list::<Pod>(None, "").await?;
        match opened.list::<Namespace>(None, "").await {
            Ok(_) => anyhow::Ok(true),
            Err(ClusterError::Forbidden { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    };
    assert!(
        !sees_namespaces(Some(pod.clone())).await?,
        "the kubeconfig was taken in a pod"
    );
    assert!(sees_namespaces(None).await?, "outside of a pod");
    std::fs::remove_file(account_dir.join("token"))?;
    assert!(sees_namespaces(Some(pod)).await?, "a pod without a token");
    Ok(())
}

#[tokio::test]
async fn what_is_forbidden_is_told_apart_from_what_does_not_answer() -> Result<()> {
    let mut cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let rule = |resource: &str, verb: &str| -> Result<PolicyRule> {
        Ok(serde_json::from_value(
            json!({"apiGroups": [""], "resources": [resource], "verbs": [verb]}),
        )?)
    };
    let few = cluster
        .restricted_kubeconfig("few", &[rule("pods", "list")?, rule("pods/exec", "get")?])
        .await?;
    let more = [rule("pods/exec", "get")?, rule("pods/portforward", "get")?];
    let more = cluster.restricted_kubeconfig("more", &more).await?;
    let dir = tempfile::tempdir()?;
    let open = |kubeconfig| workloads(kubeconfig, dir.path().join("update.lock"));
    let (few, more) = (open(few), open(more));
    assert_eq!(few.pods(&Scope::Every).await?.rows, []);
    let refused = few.namespaces().await;
    assert!(
        matches!(refused, Err(ReadError::Cluster(ClusterError::Forbidden { .. }))),
        "{refused:?}"
    );
    assert!(matches!(few.pod_access().await, PodAccess::Refused));
    assert!(matches!(more.pod_access().await, PodAccess::Allowed));
    cluster.kill_api();
    assert!(matches!(more.pod_access().await, PodAccess::Unknown(_)));
    cluster.start_api().await?;
    assert!(matches!(more.pod_access().await, PodAccess::Allowed));
    Ok(())
}
