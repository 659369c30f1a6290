//! A list, and what of it could not be read.

use appliance_common::cluster::{Listed, Unclear};
use serde::Serialize;
use utoipa::ToSchema;

/// Objects that are named of those that were left out.
const NAMED: usize = 50;

/// Rows of the objects that were understood, and a word on the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// What is missing among them.
    pub left_out: LeftOut,
}

/// Objects that cannot be understood and are therefore not in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOut {
    /// How many there are.
    pub count: usize,
    /// Which; the first 50 of them.
    pub objects: Vec<LeftOutRow>,
}

/// An object that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOutRow {
    /// Its kind.
    pub kind: String,
    /// Its namespace, where its kind has one.
    #[schema(required)]
    pub namespace: Option<String>,
    /// Its name; empty where not even that can be read.
    pub name: String,
    /// What was expected of it.
    pub why: String,
}

impl<R> Found<R> {
    /// The rows of a list of this kind.
    pub(in super::super) fn of(kind: &str, listed: Listed<Vec<R>>) -> Self {
        Self::with(kind, listed.made, listed.unclear)
    }

    /// These rows, and what was left out of the list they were made of.
    pub(in super::super) fn with(kind: &str, rows: Vec<R>, unclear: Vec<Unclear>) -> Self {
        let mut found = Self {
            rows,
            left_out: LeftOut::default(),
        };
        found.leave_out(kind, unclear);
        found
    }

    /// Notes what else was left out.
    pub(in super::super) fn leave_out(&mut self, kind: &str, unclear: Vec<Unclear>) {
        self.left_out.count += unclear.len();
        let free = NAMED.saturating_sub(self.left_out.objects.len());
        let named = unclear.into_iter().take(free).map(|object| LeftOutRow {
            kind: kind.to_owned(),
            namespace: object.namespace,
            name: object.name,
            why: object.why,
        });
        self.left_out.objects.extend(named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_left_out_is_counted_and_the_first_of_it_is_named() {
        let unclear = |name: &str| Unclear {
            namespace: Some("msp".to_owned()),
            name: name.to_owned(),
            why: "expected a map".to_owned(),
        };
        let mut found = Found::with("Deployment", vec![1], vec![unclear("web")]);
        found.leave_out(
            "ReplicaSet",
            (0..60).map(|at| unclear(&format!("web-{at}"))).collect(),
        );
        assert_eq!((found.left_out.count, found.left_out.objects.len()), (61, NAMED));
        let kinds = [0, 1].map(|at| found.left_out.objects[at].kind.as_str());
        assert_eq!(kinds, ["Deployment", "ReplicaSet"]);
    }
}
