//! What differs between kinds. All else of following one is the same code, and is in the program once: written
//! for each kind it took half a megabyte of memory.

use std::collections::HashSet;

use appliance_common::readiness::observed::TroubleKind;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::super::picture::{Change, Picture, Shown};
use super::decode::Identity;

/// What a follower tells of its kind: [`Shown`], with objects as the API server sent them.
pub(super) enum Told<'a> {
    /// A list begins.
    Begin,
    /// A part of the list.
    Page(Vec<&'a RawValue>),
    /// The list is whole.
    Done,
    /// The watch is open.
    Open,
    /// An object as it is now.
    Put(&'a RawValue),
    /// The key of an object that is gone.
    Gone(String),
    /// Why nothing is shown.
    Trouble(TroubleKind, String),
}

/// Makes a change of the picture of what is told.
pub(super) trait Form: Send + Sync {
    /// Cuts objects down as they are decoded; those that will not decode are noted.
    fn change(&self, told: Told<'_>, unclear: &mut Unclear) -> Change;
}

/// A kind whose objects decode as `R`.
pub(super) struct Typed<R, T> {
    /// Cuts an object down to what is kept under its key.
    pub(super) cut: fn(R) -> (String, T),
    /// Puts what is shown where it belongs.
    pub(super) show: fn(&mut Picture, Shown<T>),
}

impl<R: DeserializeOwned + 'static, T: Send + 'static> Form for Typed<R, T> {
    fn change(&self, told: Told<'_>, unclear: &mut Unclear) -> Change {
        let mut decoded = |raw: &RawValue| match serde_json::from_str(raw.get()).map(self.cut) {
            Ok((key, object)) => {
                unclear.remove(&key);
                (key, Ok(object))
            }
            Err(error) => {
                let message = error.to_string();
                (unclear.note(raw, &message), Err(message))
            }
        };
        let shown = match told {
            Told::Begin => Shown::Begin,
            Told::Page(objects) => Shown::Page(objects.into_iter().map(decoded).collect()),
            Told::Done => Shown::Done,
            Told::Open => Shown::Open,
            Told::Put(raw) => {
                let (key, object) = decoded(raw);
                Shown::Put(key, object)
            }
            Told::Gone(key) => {
                unclear.remove(&key);
                Shown::Gone(key)
            }
            Told::Trouble(kind, message) => Shown::Trouble(kind, message),
        };
        let show = self.show;
        Box::new(move |picture| show(picture, shown))
    }
}

/// Objects of a kind of which it was said that they cannot be understood.
pub(super) struct Unclear {
    kind: &'static str,
    keys: HashSet<String>,
}

impl Unclear {
    /// None of them yet.
    pub(super) fn of(kind: &'static str) -> Self {
        Self {
            kind,
            keys: HashSet::new(),
        }
    }

    fn remove(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Says once why an object cannot be understood; gives its key.
    fn note(&mut self, raw: &RawValue, error: &str) -> String {
        let identity: Identity = serde_json::from_str(raw.get()).unwrap_or_default();
        let key = identity.metadata.key();
        if self.keys.insert(key.clone()) {
            tracing::warn!(
                kind = self.kind,
                object = key,
                error,
                "an object cannot be understood"
            );
        }
        key
    }
}
