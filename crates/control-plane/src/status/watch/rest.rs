//! How long a kind is left alone after its list or watch failed. Pure.

use std::time::Duration;

use appliance_common::cluster::RawError;

/// Answers "come again later" in a row that are not worth telling: the storage of a new kind is only
/// coming up.
const RIDDEN_OUT: u32 = 10;
/// Longest pause that a server may ask for.
const MAX_ASKED: Duration = Duration::from_secs(30);

/// Failures in a row, and the pause that follows from them.
#[derive(Debug, Default)]
pub(super) struct Rest {
    failures: u32,
}

impl Rest {
    /// Something came: the next failure is the first.
    pub(super) fn over(&mut self) {
        self.failures = 0;
    }

    /// The pause before a watch that ended is opened again.
    pub(super) fn shortly(&mut self) -> Duration {
        self.doubled(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// The pause after a request that failed.
    pub(super) fn after(&mut self, error: &RawError) -> Duration {
        let seconds = Duration::from_secs;
        match error {
            RawError::Refused {
                retry_after: Some(asked),
                ..
            } => {
                self.failures = self.failures.saturating_add(1);
                (*asked).min(MAX_ASKED)
            }
            RawError::Refused { status, .. } => match status {
                401 => self.doubled(seconds(5), seconds(60)),
                403 => self.doubled(seconds(30), seconds(300)),
                _ => self.doubled(seconds(1), seconds(30)),
            },
            RawError::Silent(_) | RawError::TooLong { .. } => {
                self.doubled(Duration::from_millis(250), seconds(10))
            }
        }
    }

    /// Whether a failure passes so soon that nobody needs to be told.
    pub(super) fn is_ridden_out(&self, error: &RawError) -> bool {
        matches!(error, RawError::Refused { status: 429, .. }) && self.failures <= RIDDEN_OUT
    }

    fn doubled(&mut self, first: Duration, most: Duration) -> Duration {
        let times = 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        first.saturating_mul(times).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> RawError {
        RawError::Refused {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            message: String::new(),
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_begin_anew_once_something_came() {
        for (error, first, most) in [
            (refused(404, None), 1, 30),
            (refused(403, None), 30, 300),
            (refused(500, None), 1, 30),
        ] {
            let mut rest = Rest::default();
            let pauses: Vec<_> = (0..40).map(|_| rest.after(&error)).collect();
            assert!(pauses.is_sorted());
            assert_eq!((pauses[0].as_secs(), pauses[39].as_secs()), (first, most));
            rest.over();
            assert_eq!(rest.after(&error).as_secs(), first);
        }
    }

    #[test]
    fn a_server_that_asks_to_come_later_is_obeyed_and_not_told_of_for_a_while() {
        let (busy, mut rest) = (refused(429, Some(1)), Rest::default());
        for _ in 0..RIDDEN_OUT {
            assert_eq!(rest.after(&busy).as_secs(), 1);
            assert!(rest.is_ridden_out(&busy));
        }
        rest.after(&busy);
        assert!(!rest.is_ridden_out(&busy));
        assert_eq!(rest.after(&refused(503, Some(4000))), MAX_ASKED);
        assert!(!Rest::default().is_ridden_out(&refused(403, None)));
    }
}
