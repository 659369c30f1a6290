//! What keeps one container from being ready: image, settings, volume, crash. Pure over one container and
//! the events of its pod.

use std::time::Duration;

use jiff::Timestamp;

use crate::findings::FindingId;
use crate::readiness::due::Due;
use crate::readiness::observed::{Container, ContainerState, Ended, Event};
use crate::readiness::words::{mentions, shortened};

/// A container that ended this recently, and more than once, has not recovered yet.
const UNSTABLE: Duration = Duration::from_mins(10);
/// Starts after which a container that runs and is not ready counts as crashing.
const RESTARTS: u32 = 3;

/// What is wrong with a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::readiness) struct Found {
    pub(super) id: FindingId,
    /// After the name of the workload: `cannot get its image …`.
    pub(super) what: String,
    pub(super) next: Option<&'static str>,
    pub(super) since: Option<Timestamp>,
}

impl Found {
    fn new(id: FindingId, what: String) -> Self {
        Self {
            id,
            what,
            next: None,
            since: None,
        }
    }
}

pub(super) fn look(container: &Container, events: &[&Event], due: &mut Due) -> Option<Found> {
    match &container.state {
        ContainerState::Waiting { reason, message } => waiting(container, reason, message, events),
        ContainerState::Terminated(ended) if ended.exit_code != 0 && container.restarts > 0 => {
            Some(crash(container, ended))
        }
        ContainerState::Running { .. } if !container.ready && container.restarts >= RESTARTS => {
            let ended = container.last.as_ref().filter(|ended| ended.exit_code != 0)?;
            let is_past = due.is_over(ended.at, UNSTABLE);
            (!is_past).then(|| crash(container, ended))
        }
        ContainerState::Terminated(_) | ContainerState::Running { .. } | ContainerState::Unknown => None,
    }
}

fn waiting(container: &Container, reason: &str, message: &str, events: &[&Event]) -> Option<Found> {
    match reason {
        "ImagePullBackOff"
        | "ErrImagePull"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ImageInspectError" => Some(pull(container, reason, message, events)),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" | "StartError" => {
            Some(config(message, events))
        }
        "CrashLoopBackOff" => {
            let unknown = Ended::default();
            Some(crash(container, container.last.as_ref().unwrap_or(&unknown)))
        }
        _ => None,
    }
}

/// What messages of a pull mean, those that outweigh others first.
const PULL_TROUBLES: [(FindingId, &[&str], &str); 4] = [
    (
        FindingId::DiskSpace,
        &["no space left"],
        "has no room for its image",
    ),
    (
        FindingId::DnsGhcr,
        &["no such host", "server misbehaving", "lookup "],
        "cannot get its image, because the registry's name is not resolved",
    ),
    (
        FindingId::TlsGhcr,
        &["x509", "certificate"],
        "cannot get its image over a connection it trusts",
    ),
    (
        FindingId::ImagePullSlow,
        &[
            "context canceled",
            "context deadline exceeded",
            "unexpected eof",
            "i/o timeout",
            "connection reset",
            "handshake timeout",
        ],
        "had the pull of its image cut off",
    ),
];

/// Whatever was said of this pull: a tag that is missing outweighs an attempt that was cut off.
fn pull(container: &Container, reason: &str, message: &str, events: &[&Event]) -> Found {
    let about_pull = events.iter().filter(|event| mentions(&event.message, &["pull"]));
    let texts: Vec<&str> = about_pull
        .map(|event| event.message.as_str())
        .chain([message])
        .collect();
    let telling = |words: &[&str]| texts.iter().rev().find(|text| mentions(text, words)).copied();
    let image = &container.image;
    if reason == "InvalidImageName" {
        return Found::new(
            FindingId::RegistryImageMissing,
            format!("names no image: {image}"),
        );
    }
    if telling(&["not found", "manifest unknown", "name unknown"]).is_some() {
        let what = format!("waits for an image that the registry does not have: {image}");
        return Found::new(FindingId::RegistryImageMissing, what);
    }
    for (id, words, what) in PULL_TROUBLES {
        if let Some(text) = telling(words) {
            return Found::new(id, format!("{what} ({image}): {}", shortened(text)));
        }
    }
    let refused = telling(&["unauthorized", "denied", "forbidden", "401", "403"]);
    let text = refused.or_else(|| texts.iter().rev().find(|text| !text.is_empty()).copied());
    let what = format!(
        "cannot get its image ({image}): {}",
        shortened(text.unwrap_or(reason))
    );
    let next = "The registry does not let this box read the image: check its credentials, or choose a release \
                that is public.";
    Found {
        next: refused.map(|_| next),
        ..Found::new(FindingId::ImagePullBackoff, what)
    }
}

fn config(message: &str, events: &[&Event]) -> Found {
    let failed = events.iter().rfind(|event| event.kind == "Warning");
    let text = if message.is_empty() {
        failed.map_or("", |event| event.message.as_str())
    } else {
        message
    };
    match volume_trouble(text).or_else(|| failed.and_then(|event| volume_trouble(&event.message))) {
        Some(found) => found,
        None => Found::new(
            FindingId::ContainerConfig,
            format!("cannot start from its settings: {}", shortened(text)),
        ),
    }
}

/// A directory below a volume that cannot be made, or no room for it.
pub(super) fn volume_trouble(text: &str) -> Option<Found> {
    if mentions(text, &["no space left"]) {
        return Some(Found::new(
            FindingId::DiskSpace,
            format!("has no room on its volume: {}", shortened(text)),
        ));
    }
    mentions(
        text,
        &[
            "failed to create subpath directory",
            "failed to prepare subpath",
            "subpath",
        ],
    )
    .then(|| {
        let what = format!("cannot make its directory on its volume: {}", shortened(text));
        Found::new(FindingId::VolumeSubpath, what)
    })
}

fn crash(container: &Container, ended: &Ended) -> Found {
    let last_words = ended
        .message
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .map(shortened);
    let said = last_words.map(|words| format!(": {words}")).unwrap_or_default();
    let times = match container.restarts {
        0 | 1 => "ends again and again".to_owned(),
        times => format!("has ended {times} times"),
    };
    let found = if ended.reason == "OOMKilled" {
        Found::new(FindingId::OomKills, format!("{times} for lack of memory"))
    } else if mentions(&ended.message, &["no space left on device"]) {
        Found::new(FindingId::DiskSpace, format!("has no room to write{said}"))
    } else if mentions(&ended.message, &["password authentication failed"]) {
        Found::new(
            FindingId::DbCredentialsMismatch,
            format!("is refused by the database{said}"),
        )
    } else {
        let what = format!("{times} with exit code {}{said}", ended.exit_code);
        Found {
            next: crash_step(&ended.message),
            ..Found::new(FindingId::Crashloop, what)
        }
    };
    Found {
        since: ended.at,
        ..found
    }
}

fn crash_step(message: &str) -> Option<&'static str> {
    if mentions(message, &["sql schema version compatibility check failed"]) {
        return Some("Press “Repair” for temporal: its tables are of another version than its program.");
    }
    (mentions(message, &["cannot unmarshal"]) && mentions(message, &["tcp://"])).then_some(
        "A setting collides with a variable that Kubernetes adds for a Service; make a support bundle and \
         choose another release.",
    )
}
