//! How many streams may be open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Streams in all.
const MOST: usize = 512;
/// Streams of one session: tabs and windows of one person.
const MOST_OF_SESSION: usize = 16;

/// The open streams, counted; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_session: HashMap<String, usize>,
}

/// There are as many streams as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A place for one stream, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    session: String,
}

impl Streams {
    pub(super) fn place(&self, session: &str) -> Result<Place, TooMany> {
        let mut open = self.lock();
        let of_session = open.by_session.get(session).copied().unwrap_or_default();
        if open.total >= MOST || of_session >= MOST_OF_SESSION {
            return Err(TooMany);
        }
        open.total += 1;
        *open.by_session.entry(session.to_owned()).or_default() += 1;
        Ok(Place {
            streams: self.clone(),
            session: session.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_session.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                open.by_session.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_and_all_together_have_their_share_and_get_it_back() {
        let streams = Streams::default();
        let mut places: Vec<_> = (0..MOST_OF_SESSION)
            .map(|_| streams.place("one").unwrap())
            .collect();
        assert_eq!(streams.place("one").unwrap_err(), TooMany);
        places.pop();
        places.push(streams.place("one").unwrap());
        let others = (0..MOST - MOST_OF_SESSION).map(|number| streams.place(&number.to_string()).unwrap());
        places.extend(others);
        assert_eq!(streams.place("another").unwrap_err(), TooMany);
        places.clear();
        assert!(streams.lock().by_session.is_empty());
        assert!(streams.place("another").is_ok());
    }
}
