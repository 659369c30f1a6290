//! What a run does to the server that hosts it: how long the probe waits meanwhile, and how much memory it
//! takes at its height.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::load::{Probe, Request};

/// Between two probes: a hundred times as often as the kubelet asks.
const EVERY: Duration = Duration::from_millis(10);

/// Asks the probe's route until it is told to stop.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Result<Vec<Duration>>>,
}

impl Watch {
    /// Begins to ask, on a connection that is kept.
    pub(crate) fn begin(server: SocketAddr, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = std::thread::spawn(move || {
            let mut probe = Probe::open(server, Request::new(server, path, None))?;
            let mut waits = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                probe.ask()?;
                waits.push(began.elapsed());
                std::thread::sleep(EVERY);
            }
            Ok(waits)
        });
        Self { stop, asking }
    }

    /// Stops; gives the wait that 99 of 100 probes did not exceed, in milliseconds.
    pub(crate) fn end(self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        let waits = self
            .asking
            .join()
            .map_err(|_| anyhow!("the probe's thread panicked"))?
            .context("probing the server during a run")?;
        ensure!(!waits.is_empty(), "the run was over before the first probe");
        Ok(percentile_99(waits).as_secs_f64() * 1e3)
    }
}

fn percentile_99(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    let place = (waits.len() * 99).div_ceil(100);
    waits[place.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_waits_the_second_longest_counts() {
        let waits = |count: u64| (1..=count).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile_99(waits(100)), Duration::from_millis(99));
        assert_eq!(percentile_99(waits(1000)), Duration::from_millis(990));
        assert_eq!(percentile_99(waits(1)), Duration::from_millis(1));
    }
}
