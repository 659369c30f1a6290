//! Sources, Kustomizations and Helm releases that have failed, take too long, rest or are missing.

use std::time::Duration;

use super::Scene;
use crate::findings::FindingId;
use crate::names::{SERVICES, namespace};
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::due::Due;
use crate::readiness::flux::{Standing, source_key, standing};
use crate::readiness::inventory::{CORE_RELEASE, KUSTOMIZATIONS};
use crate::readiness::observed::{FluxKind, FluxObject, Objects, Reading};
use crate::readiness::parts::condition;
use crate::readiness::wire::ComponentTier;
use crate::readiness::words::mentions;

/// What is ready has made what it makes.
const MADE: Duration = Duration::from_mins(1);

pub(super) fn drafts(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let cluster = &scene.seen.cluster;
    let mut drafts = Vec::new();
    for reading in [&cluster.sources, &cluster.kustomizations, &cluster.helm_releases] {
        let Ok(objects) = reading.current() else {
            continue;
        };
        let ours = |object: &&FluxObject| {
            [namespace::FLUX_SYSTEM, namespace::ALGA_SYSTEM].contains(&object.namespace.as_str())
        };
        for object in objects.known.values().filter(ours) {
            drafts.extend(draft(scene, object, objects, due));
        }
    }
    drafts.extend(missing(scene, due));
    drafts
}

fn draft(scene: &Scene, object: &FluxObject, siblings: &Objects<FluxObject>, due: &mut Due) -> Option<Draft> {
    let title = format!("{} {}", object.kind, object.name);
    let gates = gates(scene, object);
    let (id, gates, reason) = if object.suspended {
        // A rest is not a failure, and what is installed goes on.
        (
            FindingId::FluxSuspended,
            Gates::Nothing,
            format!("{title} is suspended"),
        )
    } else {
        match standing(object, siblings, due) {
            Standing::Ready | Standing::Progress(_) => return None,
            Standing::Overdue(what) => (
                id(object),
                gates,
                format!("{title} {what}, for longer than it should"),
            ),
            Standing::Failed { reason, message } => {
                let id = if is_stuck(object, &message) {
                    FindingId::HelmStorageStuck
                } else {
                    id(object)
                };
                (id, gates, format!("{title} failed ({reason}): {message}"))
            }
        }
    };
    let ready = condition(&object.conditions, "Ready");
    let events = scene
        .index
        .events_of(&object.namespace, object.kind.as_str(), &object.name);
    let draft = Draft::new(id, gates, &object.name, reason.clone());
    let draft = if id == FindingId::FluxSourceNotReady && gates == Gates::Login {
        draft.means("The release was never fetched, so that nothing can be installed.")
    } else {
        draft
    };
    Some(
        draft
            .next(next(&reason))
            .since(ready.and_then(|ready| ready.since))
            .object(object.kind.as_str(), Some(&object.namespace), &object.name)
            .explained_by(events),
    )
}

fn id(object: &FluxObject) -> FindingId {
    match object.kind {
        FluxKind::HelmRelease => FindingId::HelmreleaseFailed,
        FluxKind::Kustomization => FindingId::KustomizationNotReady,
        FluxKind::OciRepository | FluxKind::HelmRepository => FindingId::FluxSourceNotReady,
    }
}

/// Helm's own record of the release does not let it go on.
fn is_stuck(object: &FluxObject, message: &str) -> bool {
    let words = [
        "has no deployed releases",
        "another operation",
        "uninstalling",
        "pending-install",
        "pending-upgrade",
    ];
    object.kind == FluxKind::HelmRelease && mentions(message, &words)
}

fn next(reason: &str) -> Option<&'static str> {
    if mentions(reason, &["no such host", "server misbehaving", "lookup "]) {
        return Some("Check the DNS servers of this box: the registry's name is not resolved.");
    }
    mentions(reason, &["x509", "certificate signed by"])
        .then_some("Exempt the registry from inspection at the firewall, and check the clock of the box.")
}

fn gates(scene: &Scene, object: &FluxObject) -> Gates {
    let if_open = |is_ready: bool| if is_ready { Gates::Nothing } else { Gates::Login };
    let basis = scene.basis;
    let name = object.name.as_str();
    let is_installed = basis.core.is_ready() && basis.bootstrap.is_ready() && {
        let mut of_login = scene
            .parts
            .iter()
            .filter(|judged| judged.part.tier == ComponentTier::Login);
        of_login.all(|judged| judged.told.is_ready())
    };
    match object.kind {
        FluxKind::HelmRelease if name == CORE_RELEASE => if_open(is_installed),
        FluxKind::HelmRelease => match scene.parts.iter().find(|judged| judged.part.release == name) {
            Some(judged) => scene.gates(judged.part),
            None => Gates::Nothing,
        },
        FluxKind::Kustomization if name == "alga-background" => Gates::Background,
        FluxKind::Kustomization => if_open(is_installed),
        // What was fetched once is installed and stays.
        FluxKind::OciRepository | FluxKind::HelmRepository => {
            if_open(is_installed || object.revision.is_some())
        }
    }
}

/// Objects that are not there although what makes them is ready.
fn missing(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let cluster = &scene.seen.cluster;
    let mut drafts = Vec::new();
    let in_flux = |name: &str| format!("{}/{name}", namespace::FLUX_SYSTEM);
    let parent = source_key();
    if is_made(&cluster.kustomizations, std::slice::from_ref(&parent), due) {
        let made: Vec<String> = KUSTOMIZATIONS.iter().map(|name| in_flux(name)).collect();
        drafts.extend(absent(
            scene,
            FluxKind::Kustomization,
            &cluster.kustomizations,
            &made,
        ));
    }
    let makers: Vec<String> = KUSTOMIZATIONS.iter().map(|name| in_flux(name)).collect();
    if is_made(&cluster.kustomizations, &makers, due) {
        let in_system = |name: &&str| format!("{}/{name}", namespace::ALGA_SYSTEM);
        let made: Vec<String> = SERVICES.iter().map(in_system).collect();
        drafts.extend(absent(
            scene,
            FluxKind::HelmRelease,
            &cluster.helm_releases,
            &made,
        ));
    }
    drafts
}

/// All makers are ready, and have been for long enough.
fn is_made(reading: &Reading<Objects<FluxObject>>, makers: &[String], due: &mut Due) -> bool {
    let Ok(objects) = reading.current() else {
        return false;
    };
    makers.iter().all(|key| {
        let Some(object) = objects.known.get(key) else {
            return false;
        };
        let since = condition(&object.conditions, "Ready").and_then(|ready| ready.since);
        standing(object, objects, due) == Standing::Ready && (since.is_none() || due.is_over(since, MADE))
    })
}

fn absent(
    scene: &Scene,
    kind: FluxKind,
    reading: &Reading<Objects<FluxObject>>,
    keys: &[String],
) -> Vec<Draft> {
    let Ok(objects) = reading.current() else {
        return Vec::new();
    };
    let is_absent = |key: &&String| !objects.known.contains_key(*key) && !objects.unclear.contains_key(*key);
    let draft = |key: &String| {
        let (in_namespace, name) = key.split_once('/').unwrap_or_default();
        let object = FluxObject {
            kind,
            namespace: in_namespace.to_owned(),
            name: name.to_owned(),
            ..FluxObject::default()
        };
        let reason = format!("{kind} {name} is not there, although what makes it is ready");
        Draft::new(FindingId::FluxObjectMissing, gates(scene, &object), name, reason).object(
            kind.as_str(),
            Some(in_namespace),
            name,
        )
    };
    keys.iter().filter(is_absent).map(draft).collect()
}
