//! The questions that an observation is made of, by their names on the wire.

use serde::{Deserialize, Serialize};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Question {
    /// The API server itself.
    Api,
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
    /// Deployments.
    Deployments,
    /// `StatefulSets`.
    StatefulSets,
    /// Jobs.
    Jobs,
    /// Claims for volumes.
    Claims,
    /// OCI and Helm repositories.
    Sources,
    /// Kustomizations.
    Kustomizations,
    /// Helm releases.
    HelmReleases,
    /// Events.
    Events,
    /// The shipped product's diagnostics, of which there are none.
    Diagnostics,
}

impl Question {
    /// Those that are watched all the time; the API server stands for all that follow.
    pub const WATCHED: [Self; 11] = [
        Self::Api,
        Self::Nodes,
        Self::Pods,
        Self::Deployments,
        Self::StatefulSets,
        Self::Jobs,
        Self::Claims,
        Self::Sources,
        Self::Kustomizations,
        Self::HelmReleases,
        Self::Events,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Nodes => "nodes",
            Self::Pods => "pods",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulSets",
            Self::Jobs => "jobs",
            Self::Claims => "claims",
            Self::Sources => "sources",
            Self::Kustomizations => "kustomizations",
            Self::HelmReleases => "helmReleases",
            Self::Events => "events",
            Self::Diagnostics => "diagnostics",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_written_as_it_is_named() {
        for question in Question::WATCHED.into_iter().chain([Question::Diagnostics]) {
            assert_eq!(serde_json::to_value(question).unwrap(), question.as_str());
        }
    }
}
