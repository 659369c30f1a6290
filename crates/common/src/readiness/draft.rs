//! A blocker before it is known how bad it is.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::catalogue::{self, Entry, Layer};
use super::inventory::{PARTS, Part};
use super::observed::Event;
use super::wire::ComponentTier;
use super::wire::{Blocker, ExplainingEvent, ObjectRef, Severity};
use super::words::shortened;
use crate::findings::FindingId;

/// Events that are shown beside a blocker.
const EVENTS_SHOWN: usize = 3;

/// What waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gates {
    /// Something that logging in needs, and that is not ready.
    Login,
    /// Knowing and mending: nobody can tell or help while it lasts.
    Appliance,
    /// A background service.
    Background,
    /// Nothing just now.
    Nothing,
}

/// A blocker before it is known how bad it is.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) id: FindingId,
    pub(super) gates: Gates,
    pub(super) component: String,
    pub(super) reason: String,
    meaning: Option<String>,
    next: Option<String>,
    since: Option<Timestamp>,
    object: Option<ObjectRef>,
    events: Vec<ExplainingEvent>,
}

impl Draft {
    pub(super) fn new(
        id: FindingId,
        gates: Gates,
        component: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            id,
            gates,
            component: component.into(),
            reason: reason.into(),
            meaning: None,
            next: None,
            since: None,
            object: None,
            events: Vec::new(),
        }
    }

    pub(super) fn means(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = Some(meaning.into());
        self
    }

    pub(super) fn next(mut self, next: Option<impl Into<String>>) -> Self {
        self.next = next.map(Into::into).filter(|next| !next.is_empty()).or(self.next);
        self
    }

    pub(super) fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    pub(super) fn object(mut self, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        self.object = Some(ObjectRef {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        });
        self
    }

    /// The newest of the warnings among `events`, oldest first.
    pub(super) fn explained_by(mut self, events: &[&Event]) -> Self {
        let warnings: Vec<_> = events.iter().filter(|event| event.kind == "Warning").collect();
        let newest = &warnings[warnings.len().saturating_sub(EVENTS_SHOWN)..];
        self.events = newest
            .iter()
            .map(|event| ExplainingEvent {
                reason: event.reason.clone(),
                message: shortened(&event.message),
                timestamp: event.at.map(Into::into),
                count: event.count.max(1),
            })
            .collect();
        self
    }

    /// The blocker, once it is known whether users can log in.
    pub(super) fn judged(self, login_is_ready: bool) -> Blocker {
        let entry = catalogue::find(self.id).map(|(_, entry)| entry);
        let severity = match self.gates {
            Gates::Login | Gates::Appliance if !login_is_ready => Severity::Critical,
            Gates::Background => Severity::Background,
            Gates::Login | Gates::Appliance | Gates::Nothing => Severity::Warning,
        };
        let blocks_login = self.gates == Gates::Login && !login_is_ready;
        let meaning = self.meaning.or(entry.map(|entry| entry.meaning.to_owned()));
        let head = match (blocks_login, login_is_ready) {
            (true, _) => "Users cannot log in before this is mended. ",
            (false, true) => "Users can log in. ",
            (false, false) => "",
        };
        Blocker {
            id: self.id,
            severity,
            layer: layer(entry, severity),
            component: self.component,
            reason: self.reason,
            meaning: format!("{head}{}", meaning.unwrap_or_default()),
            next_action: self
                .next
                .or(entry.map(|entry| entry.next.to_owned()))
                .unwrap_or_default(),
            login_blocking: blocks_login,
            since: self.since.map(Into::into),
            object: self.object,
            events: self.events,
        }
    }
}

fn layer(entry: Option<&Entry>, severity: Severity) -> Layer {
    match (severity, entry) {
        (Severity::Background, _) => Layer::Background,
        (_, Some(entry)) => entry.layer,
        (_, None) => Layer::Application,
    }
}

/// Worst first; a cause before its consequences; then what others need first; then by name.
pub(super) fn sort(blockers: &mut [Blocker]) {
    blockers.sort_by_cached_key(|blocker| {
        let rank = catalogue::find(blocker.id).map_or(usize::MAX, |(rank, _)| rank);
        let place = PARTS.iter().position(|part| part.name == blocker.component);
        (
            blocker.severity,
            depth(blocker),
            rank,
            place.unwrap_or(PARTS.len()),
            Reverse(blocker.since.is_some()),
            blocker.component.clone(),
            blocker.reason.clone(),
        )
    });
}

/// How far it is from what causes others: the box, then database and images, the bootstrap, the source, the
/// application, releases.
fn depth(blocker: &Blocker) -> u8 {
    let tier = Part::find(&blocker.component).map(|part| part.tier);
    match blocker.id {
        FindingId::RegistryImageMissing
        | FindingId::ImagePullSlow
        | FindingId::ImagePullBackoff
        | FindingId::VolumeSubpath
        | FindingId::PendingPvc => 1,
        FindingId::FluxSourceNotReady | FindingId::FluxObjectMissing => 3,
        FindingId::LoginAddress => 4,
        FindingId::HelmStorageStuck
        | FindingId::HelmreleaseFailed
        | FindingId::KustomizationNotReady
        | FindingId::FluxSuspended => 5,
        FindingId::StateUnreadable
        | FindingId::ApiUnreachable
        | FindingId::NodeReady
        | FindingId::DiskSpace
        | FindingId::InodeSpace
        | FindingId::DnsGhcr
        | FindingId::TlsGhcr
        | FindingId::EgressRegistry
        | FindingId::ReleaseSource
        | FindingId::InstallCode => 0,
        FindingId::BootstrapJobFailed
        | FindingId::SetupFlux
        | FindingId::SetupStorage
        | FindingId::SetupCluster
        | FindingId::SetupInterrupted
        | FindingId::SetupCancelled
        | FindingId::UpdateInterrupted
        | FindingId::SetupFailed => 2,
        _ => match tier {
            Some(ComponentTier::Login) => 4,
            Some(ComponentTier::Background) => 6,
            Some(ComponentTier::Core) | None => 1,
        },
    }
}
