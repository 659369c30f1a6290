//! Events, the newest of however many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use k8s_openapi::api::core::v1::Event;
use serde::Serialize;
use utoipa::ToSchema;

use super::{created, iso};

/// What a controller has said of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    // First: rows are ordered by it.
    /// When it was said last; ISO-8601.
    #[schema(required)]
    pub timestamp: Option<String>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What, in one word.
    pub reason: String,
    /// Namespace of the object.
    #[schema(required)]
    pub namespace: Option<String>,
    /// `Kind/name` of the object.
    pub involved_object: String,
    /// What, in words.
    pub message: String,
    /// How often it was said.
    pub count: i32,
}

impl From<Event> for EventRow {
    fn from(event: Event) -> Self {
        let about = &event.involved_object;
        let name = |part: &Option<String>| part.clone().unwrap_or_default();
        let series = event.series.as_ref();
        Self {
            involved_object: format!("{}/{}", name(&about.kind), name(&about.name)),
            namespace: about
                .namespace
                .clone()
                .or_else(|| event.metadata.namespace.clone()),
            timestamp: series
                .and_then(|series| series.last_observed_time.as_ref())
                .map(|time| time.0.to_string())
                .or_else(|| event.last_timestamp.as_ref().map(iso))
                .or_else(|| event.event_time.as_ref().map(|time| time.0.to_string()))
                .or_else(|| created(&event.metadata)),
            count: series
                .and_then(|series| series.count)
                .or(event.count)
                .unwrap_or(1),
            kind: event.type_.unwrap_or_else(|| "Normal".to_owned()),
            reason: event.reason.unwrap_or_else(|| "Event".to_owned()),
            message: event.message.unwrap_or_default(),
        }
    }
}

/// The newest rows of all that are added.
#[derive(Debug)]
pub(in super::super) struct Newest {
    limit: usize,
    rows: BinaryHeap<Reverse<EventRow>>,
}

impl Newest {
    /// So many of them.
    pub(in super::super) fn of(limit: usize) -> Self {
        Self {
            limit,
            rows: BinaryHeap::new(),
        }
    }

    pub(in super::super) fn add(&mut self, row: EventRow) {
        self.rows.push(Reverse(row));
        if self.rows.len() > self.limit {
            self.rows.pop();
        }
    }

    /// Oldest first.
    pub(in super::super) fn ascending(self) -> Vec<EventRow> {
        let mut rows: Vec<_> = self.rows.into_iter().map(|Reverse(row)| row).collect();
        rows.sort();
        rows
    }
}
