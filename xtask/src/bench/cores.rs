//! Which core works and which one loads it.

use anyhow::{Context, Result, anyhow};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread, in the words of `sched_setaffinity(2)`.
const THIS_THREAD: Pid = Pid::from_raw(0);

/// Two cores of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    /// The server's.
    pub(crate) server: usize,
    /// The load generator's.
    pub(crate) load: usize,
}

impl Cores {
    /// The first two that we may use.
    pub(crate) fn two() -> Result<Self> {
        let ours = sched_getaffinity(THIS_THREAD).context("asking which cores we may use")?;
        let mut usable = (0..CpuSet::count()).filter(|core| ours.is_set(*core).unwrap_or(false));
        match (usable.next(), usable.next()) {
            (Some(server), Some(load)) => Ok(Self { server, load }),
            _ => Err(anyhow!(
                "the benchmark needs two cores, one for the server and one for the load: run it where there are two"
            )),
        }
    }
}

/// Runs `work` on one core, in a thread of its own; what it starts stays there too.
pub(crate) fn on<T: Send>(core: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            let mut only = CpuSet::new();
            only.set(core)
                .and_then(|()| sched_setaffinity(THIS_THREAD, &only))
                .with_context(|| format!("going to core {core}"))?;
            work()
        });
        pinned
            .join()
            .map_err(|_| anyhow!("the thread on core {core} panicked"))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_its_core_and_the_caller_stays_where_it_was() {
        let before = sched_getaffinity(THIS_THREAD).unwrap();
        let core = (0..CpuSet::count())
            .find(|core| before.is_set(*core).unwrap())
            .unwrap();
        let during = on(core, || Ok(sched_getaffinity(THIS_THREAD)?)).unwrap();
        let cores: Vec<_> = (0..CpuSet::count())
            .filter(|core| during.is_set(*core).unwrap())
            .collect();
        assert_eq!(cores, [core]);
        assert_eq!(sched_getaffinity(THIS_THREAD).unwrap(), before);
    }
}
