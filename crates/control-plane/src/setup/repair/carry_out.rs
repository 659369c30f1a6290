//! Acts on a plan: saves logs, removes what failed, tells Flux, and watches until it is done.

use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::cluster::{Cluster, ClusterError, Follow};
use appliance_common::names::{REPAIR_DIR, namespace};
use appliance_common::process::chain;
use appliance_common::state_file::FileLock;
use futures::StreamExt;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::board::Turn;
use super::survey::{Survey, condition, helm_releases};
use super::{RepairCondition, RepairError, RepairPlan, RepairState, RepairView, Repaired, logs};
use crate::setup::Setup;
use crate::setup::pods::shortened;

/// Annotations by which helm-controller is asked for an attempt, at once, with its counts begun anew.
/// <https://fluxcd.io/flux/components/helm/helmreleases/#forcing-a-release>
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// How long the release is watched.
const WATCH_LIMIT: Duration = Duration::from_mins(45);

/// A plan and what it is carried out with.
pub(super) struct Order {
    pub(super) setup: Setup,
    pub(super) cluster: Cluster,
    pub(super) plan: RepairPlan,
    pub(super) survey: Survey,
}

/// Begins; the task sees it through whoever has stopped waiting. The appliance is locked while anything is
/// changed, the release is taken until the watch ends.
pub(super) async fn begin(order: Order, turn: Turn, lock: FileLock) -> Result<Repaired, RepairError> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let begun = act(&order).await;
        drop(lock);
        let requested_at = match &begun {
            Ok(Repaired::Begun { requested_at, .. }) => Some(requested_at.clone()),
            Ok(_) | Err(_) => None,
        };
        // Nobody may be waiting any more.
        let _ = tell.send(begun);
        if let Some(requested_at) = requested_at {
            watch(&order, &requested_at).await;
        }
        drop(turn);
    });
    told.await.map_err(|_| RepairError::Ending)?
}

async fn act(order: &Order) -> Result<Repaired, RepairError> {
    let logs = save_logs(order).await?;
    for removal in &order.plan.remove {
        let (cluster, place) = (&order.cluster, &removal.namespace);
        tracing::info!(
            kind = removal.kind,
            name = removal.name,
            reason = removal.reason,
            "removing what failed"
        );
        let removed = match removal.kind {
            "Job" => {
                cluster
                    .delete_exactly::<Job>(place, &removal.name, &removal.uid)
                    .await
            }
            _ => {
                cluster
                    .delete_exactly::<Pod>(place, &removal.name, &removal.uid)
                    .await
            }
        };
        removed.map_err(RepairError::Cluster)?;
    }
    let requested_at = force(order).await.map_err(RepairError::Cluster)?;
    let view = RepairView {
        helm_release: order.plan.helm_release.clone(),
        requested_at: requested_at.clone(),
        state: RepairState::Running,
        conditions: Vec::new(),
        logs: logs.clone(),
    };
    order.setup.repairs.began(&order.survey.release.name_any(), view);
    Ok(Repaired::Begun {
        plan: order.plan.clone(),
        requested_at,
        logs,
    })
}

/// Saves the logs of the Jobs that go; gives the directory, if there was anything.
async fn save_logs(order: &Order) -> Result<Option<String>, RepairError> {
    let jobs: Vec<_> = order
        .plan
        .remove
        .iter()
        .filter(|removal| removal.kind == "Job")
        .map(|removal| removal.uid.as_str())
        .collect();
    if jobs.is_empty() {
        return Ok(None);
    }
    let token = order.setup.setup_token();
    let files = logs::read(&order.cluster, &order.survey.pods, &jobs, token.as_deref()).await;
    let root = order.setup.settings().beside_state(REPAIR_DIR);
    let time = iso_millis(order.setup.clock.now()).replace(['-', ':', '.'], "");
    let saved = tokio::task::spawn_blocking(move || logs::save(&root, &time, &files)).await;
    let directory = saved
        .map_err(|_| RepairError::Ending)?
        .map_err(RepairError::Logs)?;
    Ok(Some(directory.display().to_string()))
}

/// Asks for an attempt with a time stamp that no request had before.
async fn force(order: &Order) -> Result<String, ClusterError> {
    let mut now = order.setup.clock.now();
    let before = order.survey.release.annotations().get(REQUESTED_AT);
    if before.is_some_and(|before| *before == iso_millis(now)) {
        now += Duration::from_millis(1);
    }
    let at = iso_millis(now);
    let change = json!({"metadata": {"annotations": {REQUESTED_AT: at, FORCE_AT: at, RESET_AT: at}}});
    let name = order.survey.release.name_any();
    order
        .cluster
        .merge_dynamic(&helm_releases(), Some(namespace::ALGA_SYSTEM), &name, &change)
        .await?;
    Ok(at)
}

async fn watch(order: &Order, requested_at: &str) {
    let repairs = &order.setup.repairs;
    let name = order.survey.release.name_any();
    let deadline = Instant::now() + WATCH_LIMIT;
    let mut shown = order.cluster.follow(&Follow {
        resource: &helm_releases(),
        namespace: Some(namespace::ALGA_SYSTEM),
        name: Some(&name),
    });
    let mut last = None;
    let state = loop {
        let release = match timeout_at(deadline, shown.next()).await {
            Ok(Some(Ok(live))) => live.get(&name).cloned(),
            Ok(Some(Err(error))) => {
                tracing::debug!(error = chain(&error), "the watch of the release is disturbed");
                continue;
            }
            Ok(None) | Err(_) => break RepairState::TimedOut,
        };
        let Some(release) = release else {
            break RepairState::Failed;
        };
        let said = said(&release);
        if last.as_ref() != Some(&said) {
            let at = iso_millis(order.setup.clock.now());
            repairs.say(&name, RepairCondition { at, ..said.clone() });
            last = Some(said);
        }
        if let Some(end) = end(&release, requested_at) {
            break end;
        }
    };
    tracing::info!(release = name, ?state, "repair ended");
    repairs.ended(&name, state);
}

/// What the release says of itself, without a time.
fn said(release: &DynamicObject) -> RepairCondition {
    let ready = condition(release, "Ready");
    let text = |key: &str| ready.and_then(|ready| ready[key].as_str()).unwrap_or_default();
    RepairCondition {
        at: String::new(),
        status: text("status").to_owned(),
        reason: text("reason").to_owned(),
        message: shortened(text("message")),
    }
}

/// How the attempt ended; nothing while the request was not taken up, or Flux works on it.
pub(super) fn end(release: &DynamicObject, requested_at: &str) -> Option<RepairState> {
    let status = &release.data["status"];
    let is =
        |kind: &str, wanted: &str| condition(release, kind).is_some_and(|found| found["status"] == wanted);
    if status["lastHandledReconcileAt"] != requested_at
        || status["observedGeneration"].as_i64() != release.metadata.generation
        || is("Reconciling", "True")
    {
        return None;
    }
    if is("Ready", "True") {
        return Some(RepairState::Ready);
    }
    let waits = condition(release, "Ready").is_some_and(|ready| ready["reason"] == "DependencyNotReady");
    (is("Stalled", "True") || (is("Ready", "False") && !waits)).then_some(RepairState::Failed)
}
