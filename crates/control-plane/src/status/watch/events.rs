//! Events: the newest of however many there are.

use std::collections::{BTreeMap, HashMap};

use appliance_common::readiness::observed::{EVENTS_KEPT, Event};
use jiff::Timestamp;
use serde::Deserialize;

use super::decode::{Meta, filled, short};

/// What is read of an event.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawEvent {
    metadata: Meta,
    #[serde(rename = "type", deserialize_with = "filled")]
    kind: String,
    #[serde(deserialize_with = "filled")]
    reason: String,
    #[serde(deserialize_with = "filled")]
    message: String,
    #[serde(deserialize_with = "filled")]
    involved_object: About,
    last_timestamp: Option<Timestamp>,
    event_time: Option<Timestamp>,
    #[serde(deserialize_with = "filled")]
    count: u32,
    series: Option<Series>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    #[serde(deserialize_with = "filled")]
    kind: String,
    #[serde(deserialize_with = "filled")]
    name: String,
    #[serde(deserialize_with = "filled")]
    uid: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    #[serde(deserialize_with = "filled")]
    count: u32,
    last_observed_time: Option<Timestamp>,
}

pub(super) fn event(raw: RawEvent) -> (String, Event) {
    let series = raw.series.unwrap_or_default();
    let event = Event {
        at: raw
            .last_timestamp
            .or(series.last_observed_time)
            .or(raw.event_time)
            .or(raw.metadata.creation_timestamp),
        kind: raw.kind,
        reason: raw.reason,
        about_kind: raw.involved_object.kind,
        about_name: raw.involved_object.name,
        about_uid: raw.involved_object.uid,
        message: short(raw.message),
        count: raw.count.max(series.count).max(1),
        namespace: raw.metadata.namespace.clone(),
    };
    (raw.metadata.key(), event)
}

/// The newest events; older ones are let go as they come.
#[derive(Debug, Default)]
pub(in crate::status) struct Newest {
    by_time: BTreeMap<(Option<Timestamp>, String), Event>,
    times: HashMap<String, Option<Timestamp>>,
}

impl Newest {
    pub(in crate::status) fn put(&mut self, key: String, event: Event) {
        self.remove(&key);
        let at = event.at;
        if self.by_time.len() >= EVENTS_KEPT {
            let is_older = self
                .by_time
                .first_key_value()
                .is_some_and(|(oldest, _)| (at, &key) < (oldest.0, &oldest.1));
            if is_older {
                return;
            }
            if let Some(((_, dropped), _)) = self.by_time.pop_first() {
                self.times.remove(&dropped);
            }
        }
        self.times.insert(key.clone(), at);
        self.by_time.insert((at, key), event);
    }

    pub(in crate::status) fn remove(&mut self, key: &str) {
        if let Some(at) = self.times.remove(key) {
            self.by_time.remove(&(at, key.to_owned()));
        }
    }

    /// All of them, oldest first.
    pub(in crate::status) fn in_order(&self) -> Vec<Event> {
        self.by_time.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Event {
        Event {
            at: Timestamp::from_second(second).ok(),
            ..Event::default()
        }
    }

    #[test]
    fn however_many_come_only_the_newest_are_kept_in_order() {
        let mut newest = Newest::default();
        // By name and not by time, as a list is.
        for number in 0..20_000_i64 {
            newest.put(format!("n/{number}"), at((number * 7919) % 20_000));
        }
        let kept = newest.in_order();
        assert_eq!((kept.len(), newest.times.len()), (EVENTS_KEPT, EVENTS_KEPT));
        let seconds: Vec<_> = kept
            .iter()
            .filter_map(|event| event.at)
            .map(Timestamp::as_second)
            .collect();
        assert!(seconds.is_sorted());
        assert_eq!(
            seconds.first(),
            Some(&(20_000 - i64::try_from(EVENTS_KEPT).unwrap()))
        );
    }

    #[test]
    fn an_event_that_is_seen_again_moves_and_one_that_is_deleted_goes() {
        let mut newest = Newest::default();
        newest.put("n/a".to_owned(), at(1));
        newest.put("n/b".to_owned(), at(2));
        newest.put("n/a".to_owned(), at(3));
        let seconds = |newest: &Newest| -> Vec<_> {
            newest
                .in_order()
                .iter()
                .filter_map(|event| event.at)
                .map(Timestamp::as_second)
                .collect()
        };
        assert_eq!(seconds(&newest), [2, 3]);
        newest.remove("n/a");
        newest.remove("n/unknown");
        assert_eq!(seconds(&newest), [2]);
    }
}
