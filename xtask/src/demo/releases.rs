//! The application's six releases, from the hand-over to Flux until they run.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use appliance_common::cluster::{Cluster, Judgement, Wait};
use appliance_common::names::{SERVICES, namespace};
use kube::api::{ApiResource, DynamicObject};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::story::{At, Story};
use super::summary::seconds;

/// Longest time until all of them are Ready; on an idle machine it is half a minute.
const LIMIT: Duration = Duration::from_mins(10);

/// Waits until every release is Ready; gives how long each took, in the order in which they became so.
pub(crate) async fn ready(story: &Story, cluster: &Cluster) -> Result<Map<String, Value>> {
    let began = Instant::now();
    let mut waits = JoinSet::new();
    for name in SERVICES {
        let cluster = cluster.clone();
        waits.spawn(async move { (name, one(&cluster, name).await) });
    }
    let mut times = Map::new();
    while let Some(ended) = waits.join_next().await {
        let (name, result) = ended.context("waiting for the releases")?;
        result.at(
            &format!("helm release {name}"),
            "run the demo without --headless, install, and look at the release with kubectl",
        )?;
        let time = began.elapsed();
        story.say(format_args!("{name} is ready ({:.1} s)", time.as_secs_f64()));
        times.insert(name.to_owned(), seconds(time));
    }
    Ok(times)
}

async fn one(cluster: &Cluster, name: &'static str) -> Result<()> {
    let resource = helm_release();
    let wait = Wait {
        resource: &resource,
        namespace: Some(namespace::ALGA_SYSTEM),
        names: &[name],
        limit: LIMIT,
    };
    Ok(cluster.wait_until(&wait, judge).await?)
}

fn helm_release() -> ApiResource {
    ApiResource {
        group: "helm.toolkit.fluxcd.io".to_owned(),
        version: "v2".to_owned(),
        api_version: "helm.toolkit.fluxcd.io/v2".to_owned(),
        kind: "HelmRelease".to_owned(),
        plural: "helmreleases".to_owned(),
    }
}

/// Ready, and not because of an older generation.
fn judge(release: Option<&DynamicObject>) -> Judgement {
    let Some(release) = release else {
        return Judgement::Waiting("Flux has not made it yet".to_owned());
    };
    let status = &release.data["status"];
    let observed = status["observedGeneration"].as_i64();
    let ready = status["conditions"].as_array().into_iter().flatten();
    let Some(ready) = ready.into_iter().find(|condition| condition["type"] == "Ready") else {
        return Judgement::Waiting("nothing has looked at it yet".to_owned());
    };
    if ready["status"] == "True" && observed == release.metadata.generation {
        return Judgement::Reached;
    }
    Judgement::Waiting(ready["message"].as_str().unwrap_or("not ready").to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release(observed: i64, status: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "x", "generation": 2},
            "status": {"observedGeneration": observed,
                       "conditions": [{"type": "Ready", "status": status, "message": "installing"}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_release_is_ready_when_its_newest_generation_is() {
        assert_eq!(judge(Some(&release(2, "True"))), Judgement::Reached);
        let waiting = Judgement::Waiting("installing".to_owned());
        assert_eq!(judge(Some(&release(1, "True"))), waiting);
        assert_eq!(judge(Some(&release(2, "False"))), waiting);
        assert!(matches!(judge(None), Judgement::Waiting(_)));
    }
}
