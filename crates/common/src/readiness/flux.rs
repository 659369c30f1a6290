//! Flux' objects: ready, on their way within a deadline, or failed. Conditions and generations decide,
//! never the words of a table.

use std::time::Duration;

use jiff::Timestamp;

use super::due::Due;
use super::inventory::{KUSTOMIZATIONS, PLATFORM};
use super::observed::{Cluster, Condition, FluxKind, FluxObject, Objects, Reading, TroubleKind};
use super::parts::{condition, is_true};
use super::told::{Told, not_known};
use super::verdict::Signal;
use super::wire::{Flux, FluxRow};
use super::words::{mentions, shortened};
use crate::names::{SERVICES, namespace, object};

/// Within this a controller takes up a new generation.
const PICK_UP: Duration = Duration::from_mins(5);
/// What passes between an action's own deadline and the word of its controller.
const SLACK: Duration = Duration::from_mins(1);
/// A source that fails once and then answers is not told.
const SOURCE_GRACE: Duration = Duration::from_mins(1);

/// Where an object of Flux stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is at its newest generation.
    Ready,
    /// It is on its way, and not for too long.
    Progress(String),
    /// It is on its way for longer than it should be.
    Overdue(String),
    /// It has failed.
    Failed {
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
}

/// Where `object` stands at the time of the judgement.
pub(super) fn standing(object: &FluxObject, siblings: &Objects<FluxObject>, due: &mut Due) -> Standing {
    if object.is_address {
        return Standing::Ready;
    }
    let ready = condition(&object.conditions, "Ready");
    // A controller that failed leaves `status.observedGeneration` behind (kustomize-controller after a failed
    // build); what its condition says of the newest generation counts all the same.
    let failed_at = ready
        .filter(|ready| ready.status == "False")
        .and_then(|ready| ready.observed_generation);
    let lags = object.observed_generation != object.generation && failed_at != Some(object.generation);
    let Some(ready) = ready.filter(|_| !lags) else {
        let from = object.generation_seen.or(object
            .created
            .filter(|_| ready.is_none() || object.observed_generation <= 0));
        return within(
            due,
            from,
            PICK_UP,
            "is not taken up by its controller yet".to_owned(),
        );
    };
    match ready.status.as_str() {
        "True" => Standing::Ready,
        "False" => not_ready(object, ready, siblings, due),
        _ => within(due, ready.since, limit(object), under_way(ready)),
    }
}

/// Whether `object` is at its newest generation; deadlines have no part in that.
pub(super) fn is_ready(object: &FluxObject, siblings: &Objects<FluxObject>) -> bool {
    standing(object, siblings, &mut Due::new(Timestamp::MIN)) == Standing::Ready
}

fn not_ready(
    object: &FluxObject,
    ready: &Condition,
    siblings: &Objects<FluxObject>,
    due: &mut Due,
) -> Standing {
    if ready.reason == "DependencyNotReady" {
        return waits(object, ready, siblings, due);
    }
    let is_final = is_true(&object.conditions, "Stalled");
    if !is_final && is_progress(ready) {
        return within(due, ready.since, limit(object), under_way(ready));
    }
    if object.kind.is_source() && ready.since.is_some() && !due.is_over(ready.since, SOURCE_GRACE) {
        return Standing::Progress(format!("is tried again: {}", shortened(&ready.message)));
    }
    Standing::Failed {
        reason: ready.reason.clone(),
        message: shortened(&ready.message),
    }
}

/// It waits for others: they have their own deadlines, unless they do not exist.
fn waits(object: &FluxObject, ready: &Condition, siblings: &Objects<FluxObject>, due: &mut Due) -> Standing {
    let is_missing =
        |key: &&String| !siblings.known.contains_key(*key) && !siblings.unclear.contains_key(*key);
    match object.depends_on.iter().find(is_missing) {
        Some(missing) => within(
            due,
            ready.since,
            PICK_UP,
            format!("waits for {missing}, which is not there"),
        ),
        None if object.depends_on.is_empty() => {
            Standing::Progress(format!("waits: {}", shortened(&ready.message)))
        }
        None => Standing::Progress(format!("waits for {}", object.depends_on.join(", "))),
    }
}

/// Reasons of controllers that have not given up: `False` is their word for “not yet”.
fn is_progress(ready: &Condition) -> bool {
    let waits = [
        "Progressing",
        "ProgressingWithRetry",
        "ReconciliationInProgress",
        "ArtifactFailed",
        "SourceNotReady",
    ];
    if waits.contains(&ready.reason.as_str()) {
        return !mentions(&ready.message, &["no such host", "denied", "unauthorized"]);
    }
    mentions(
        &ready.message,
        &["running 'install' action", "running 'upgrade' action"],
    ) || (mentions(&ready.message, &["dependency '"]) && mentions(&ready.message, &["is not ready"]))
}

fn under_way(ready: &Condition) -> String {
    if ready.message.is_empty() {
        "is at work".to_owned()
    } else {
        format!("is at work: {}", shortened(&ready.message))
    }
}

fn within(due: &mut Due, from: Option<Timestamp>, limit: Duration, what: String) -> Standing {
    if due.is_over(from, limit) {
        Standing::Overdue(what)
    } else {
        Standing::Progress(what)
    }
}

/// How long an action may take: its own time-out, or what Flux' and the bundle's defaults come to.
fn limit(object: &FluxObject) -> Duration {
    let default = match object.kind {
        FluxKind::HelmRelease => Duration::from_mins(15),
        FluxKind::Kustomization => Duration::from_mins(30),
        FluxKind::OciRepository | FluxKind::HelmRepository => Duration::from_mins(5),
    };
    object.timeout.unwrap_or(default).saturating_add(SLACK)
}

/// What is told of one object that must be there.
pub(super) fn told(kind: FluxKind, reading: &Reading<Objects<FluxObject>>, key: &str) -> Told {
    Told::of(&format!("{kind}s"), reading, |objects| {
        if let Some(why) = objects.unclear.get(key) {
            return Told::unknown(format!("{kind} {key} cannot be understood: {why}"));
        }
        let Some(object) = objects.known.get(key) else {
            return Told::not(format!("{kind} {key} is not there yet"));
        };
        // Deadlines change what is told to an operator, never whether it is ready.
        match standing(object, objects, &mut Due::new(Timestamp::MIN)) {
            Standing::Ready => Told::ready(),
            Standing::Progress(what) | Standing::Overdue(what) => Told::not(format!("{kind} {key} {what}")),
            Standing::Failed { message, .. } => Told::not(format!("{kind} {key} failed: {message}")),
        }
    })
}

/// Key of the source that a bundle comes from, and of the Kustomization that applies it.
pub(super) fn source_key() -> String {
    format!("{}/{}", namespace::FLUX_SYSTEM, object::FLUX_SOURCE)
}

/// Source and platform, once a source was applied.
pub(super) fn platform(cluster: &Cluster, is_installed: bool) -> Told {
    let key = source_key();
    let of = &cluster.sources.last;
    let was_seen = of.known.contains_key(&key) || of.unclear.contains_key(&key);
    let is_absent = match cluster.sources.current() {
        Ok(_) => true,
        // The kind itself is absent: nothing of it can have been applied.
        Err(trouble) => trouble.kind == TroubleKind::NotServed,
    };
    if !is_installed && !was_seen {
        return match cluster.sources.current() {
            Err(trouble) if !is_absent => Told::unknown(not_known("Flux' sources", trouble)),
            Ok(_) | Err(_) => Told::ready(),
        };
    }
    let platform = format!("{}/{PLATFORM}", namespace::FLUX_SYSTEM);
    told(FluxKind::OciRepository, &cluster.sources, &key).and(told(
        FluxKind::Kustomization,
        &cluster.kustomizations,
        &platform,
    ))
}

/// All releases and Kustomizations of the bundle.
pub(super) fn everything(cluster: &Cluster) -> Told {
    let releases = SERVICES.iter().map(|name| {
        let key = format!("{}/{name}", namespace::ALGA_SYSTEM);
        told(FluxKind::HelmRelease, &cluster.helm_releases, &key)
    });
    let kustomizations = KUSTOMIZATIONS.iter().map(|name| {
        let key = format!("{}/{name}", namespace::FLUX_SYSTEM);
        told(FluxKind::Kustomization, &cluster.kustomizations, &key)
    });
    Told::all(kustomizations.chain(releases))
}

/// Every object, for the page.
pub(super) fn rows(cluster: &Cluster) -> Flux {
    Flux {
        sources: rows_of(&cluster.sources),
        kustomizations: rows_of(&cluster.kustomizations),
        helm_releases: rows_of(&cluster.helm_releases),
    }
}

fn rows_of(reading: &Reading<Objects<FluxObject>>) -> Vec<FluxRow> {
    let is_current = reading.current().is_ok();
    let objects = &reading.last;
    let signal = |object: &FluxObject| {
        if !is_current {
            return Signal::Unknown;
        }
        if is_ready(object, objects) {
            Signal::Ready
        } else {
            Signal::NotReady
        }
    };
    let row = |object: &FluxObject| {
        let ready = condition(&object.conditions, "Ready");
        FluxRow {
            kind: object.kind,
            name: object.name.clone(),
            namespace: object.namespace.clone(),
            ready: ready.map(|ready| ready.status.clone()),
            reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
            message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
            revision: object.revision.clone(),
            suspended: object.suspended,
            signal: signal(object),
        }
    };
    objects.known.values().map(row).collect()
}
