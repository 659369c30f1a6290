//! The release that this box could have: resolved at the registry by the same verifying pull as setup's.

use std::sync::Weak;

use appliance_common::outbound::DnsPolicy;
use appliance_common::process::chain;
use appliance_common::release::reference::Reference;
use appliance_common::release::registry::{Registry, RegistrySettings};
use appliance_common::release::usable::ControlPlane;

use super::Inner;
use super::cluster_view::ending;
use super::part::Trouble;
use crate::selection::{ReleaseSelection, SelectionFile};

/// What is asked where; an answer to one question is none to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    host: String,
    repository: String,
    reference: String,
    dns: (String, String),
}

impl Question {
    /// What is asked on a box with this selection.
    pub(super) fn of(selection: &ReleaseSelection) -> Self {
        let runtime = selection.runtime.clone().unwrap_or_default();
        let pin = selection.release_ref.clone().unwrap_or_default();
        Self {
            host: selection.registry_host.clone(),
            repository: selection.repository.clone(),
            reference: if pin.is_empty() {
                channel(selection).to_owned()
            } else {
                pin
            },
            dns: (runtime.dns_mode, runtime.dns_servers),
        }
    }
}

/// The channel that is followed, where none is named the stable one.
pub(super) fn channel(selection: &ReleaseSelection) -> &str {
    Some(selection.channel())
        .filter(|channel| !channel.is_empty())
        .unwrap_or("stable")
}

/// The release that was found.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) question: Question,
    pub(super) version: String,
    pub(super) manifest_digest: String,
    /// Nothing when the release cannot be used here.
    pub(super) control_plane: Option<ControlPlane>,
}

/// Asks the registry; nothing when no release is installed that there could be a newer one of.
pub(super) async fn read(inner: Weak<Inner>) -> Result<Option<Offer>, Trouble> {
    let inner = inner.upgrade().ok_or_else(ending)?;
    let selection = selection(&inner).await?;
    let question = selection.as_ref().map(Question::of);
    inner.parts.asked(question.as_ref());
    let Some((selection, question)) = selection.zip(question) else {
        return Ok(None);
    };
    let reference = Reference::from_inputs(
        selection.channel(),
        selection.release_ref.as_deref().unwrap_or_default(),
    )
    .map_err(|error| unusable(&error))?;
    let settings = settings(&inner, &selection, &question)?;
    let registry = Registry::open(settings).map_err(|error| unusable(&error))?;
    let resolved = registry.resolve(&reference).await.map_err(|error| {
        tracing::debug!(error = chain(&error), "the release was not resolved");
        let words = format!("{error}. {}", error.next_step());
        Trouble::new("registry_unavailable", words)
    })?;
    let usable = resolved.release.usable(&inner.settings.policy);
    if let Err(error) = &usable {
        tracing::warn!(
            error = chain(error),
            "the release that is offered cannot be used here"
        );
    }
    Ok(Some(Offer {
        question,
        version: resolved.release.version.clone(),
        manifest_digest: resolved.manifest_digest.to_string(),
        control_plane: usable.ok().map(|usable| usable.control_plane),
    }))
}

/// The selection, if there is one that can be read.
pub(super) async fn selection(inner: &Inner) -> Result<Option<ReleaseSelection>, Trouble> {
    let file = SelectionFile::at(&inner.settings.selection_file);
    let loaded = tokio::task::spawn_blocking(move || file.load()).await;
    loaded.map_err(|_| ending())?.map_err(|error| {
        tracing::debug!(error = chain(&error), "the selection was not read");
        Trouble::new(
            "selection_unreadable",
            "The record of the release this box follows (release-selection.json) cannot be read.",
        )
    })
}

fn settings(
    inner: &Inner,
    selection: &ReleaseSelection,
    question: &Question,
) -> Result<RegistrySettings, Trouble> {
    let mut settings = inner.settings.registry.clone();
    if !selection.registry_host.is_empty() {
        settings.host = selection
            .registry_host
            .parse()
            .map_err(|error| unusable(&error))?;
    }
    if !selection.repository.is_empty() {
        settings.repository = selection.repository.parse().map_err(|error| unusable(&error))?;
    }
    let (mode, servers) = &question.dns;
    if !mode.is_empty() {
        settings.dns = DnsPolicy::from_inputs(mode, servers).map_err(|error| unusable(&error))?;
    }
    Ok(settings)
}

fn unusable(error: &dyn std::error::Error) -> Trouble {
    Trouble::new(
        "selection_unusable",
        format!("The registry cannot be asked: {}.", chain(error)),
    )
}
