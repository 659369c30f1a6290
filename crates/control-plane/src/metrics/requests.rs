//! How requests were answered: one histogram for each route and class of status. A route is its template,
//! never what a client wrote, so that nobody can make series.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds in seconds; the product promises 2 ms for the status document.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// A request that no route took.
const NO_ROUTE: &str = "none";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    route: &'static str,
    status: &'static str,
}

pub(super) type Histograms = Family<Answered, Histogram, fn() -> Histogram>;

/// Times from a request's head to its answer's head; a stream counts when it begins.
#[derive(Debug, Clone)]
pub struct Requests(pub(super) Histograms);

impl Default for Requests {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(BUCKETS)))
    }
}

impl Requests {
    /// Counts one request.
    pub fn answered(&self, route: Option<&'static str>, status: u16, took: Duration) {
        let label = Answered {
            route: route.unwrap_or(NO_ROUTE),
            status: match status {
                100..200 => "1xx",
                200..300 => "2xx",
                300..400 => "3xx",
                400..500 => "4xx",
                _ => "5xx",
            },
        };
        self.0.get_or_create(&label).observe(took.as_secs_f64());
    }
}
