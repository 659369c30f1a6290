//! The server alone: how soon it answers, what it weighs, how much it answers. Its cluster is an idle
//! API server.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::control_plane::Place;
use tokio::time::sleep;

use super::cores::{Cores, on};
use super::figure::{Figure, Goal};
use super::load;
use crate::demo::appliance::Appliance;
use crate::demo::build::Built;
use crate::demo::story::Story;

/// The cheapest route.
pub(super) const HEALTHZ: &str = "/healthz";

/// How long one measurement of the throughput takes.
const LOAD_TIME: Duration = Duration::from_secs(2);

/// How often a server that starts is looked at, and how long it may take.
const LOOK_EVERY: Duration = Duration::from_micros(100);
const START_LIMIT: Duration = Duration::from_secs(10);

/// Memory is idle once it has not changed for so many looks.
const SAME_LOOKS: u32 = 10;
const MEMORY_EVERY: Duration = Duration::from_millis(100);
const MEMORY_LIMIT: Duration = Duration::from_secs(30);

/// Memory of a process, in MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Memory {
    pub(super) resident: f64,
    anonymous: f64,
}

pub(crate) async fn measure(story: &Story, built: &Built, cores: Cores, runs: u16) -> Result<Vec<Figure>> {
    let cluster = TestCluster::start(&built.tools, Parts::Api).await?;
    let place = place(cluster.kubeconfig());
    let (mut starts, mut resident, mut anonymous, mut rates) = (vec![], vec![], vec![], vec![]);
    for run in 1..=runs {
        let (server, start) = first_answer(built, &place, cores)?;
        let memory = idle_memory(&server).await?;
        let address = address(&server)?;
        let rate = on(cores.load, || {
            load::requests_per_second(address, &load::Request::new(address, HEALTHZ, None), LOAD_TIME)
        })?;
        story.say(format_args!(
            "server, run {run} of {runs}: {:.1} ms, {:.1} MiB, {rate:.0} requests/s",
            start.as_secs_f64() * 1e3,
            memory.resident
        ));
        starts.push(start.as_secs_f64() * 1e3);
        resident.push(memory.resident);
        anonymous.push(memory.anonymous);
        rates.push(rate);
    }
    let figure = |what, unit, goal, runs| Figure {
        what,
        unit,
        goal,
        runs,
    };
    Ok(vec![
        figure("start to first /healthz 200", "ms", Goal::AtMost(20.0), starts),
        figure("idle RSS (VmRSS)", "MiB", Goal::AtMost(10.0), resident),
        figure("  of it anonymous (RssAnon)", "MiB", Goal::None, anonymous),
        figure(
            "/healthz on one core, 32 connections",
            "requests/s",
            Goal::AtLeast(50_000.0),
            rates,
        ),
    ])
}

/// Starts a server on its core and asks it from the other until it answers.
fn first_answer(built: &Built, place: &Place, cores: Cores) -> Result<(Appliance, Duration)> {
    let mut server = on(cores.server, || Appliance::spawn(&built.control_plane, place))?;
    // `spawn` returns when it has let the program in.
    let began = Instant::now();
    on(cores.load, move || {
        while !server.listens()? {
            ensure!(began.elapsed() < START_LIMIT, "the server does not listen");
            std::thread::sleep(LOOK_EVERY);
        }
        let address = address(&server)?;
        load::once(address, &load::Request::new(address, HEALTHZ, None))?;
        Ok((server, began.elapsed()))
    })
}

/// A box before a cluster, with nothing installed.
pub(super) fn place(kubeconfig: PathBuf) -> Place {
    Place {
        kubeconfig,
        // Nothing asks it before somebody submits.
        registry: "127.0.0.1:1".to_owned(),
        flux_manifest: None,
        storage_proof: None,
    }
}

pub(super) fn address(server: &Appliance) -> Result<SocketAddr> {
    let url = server.url();
    let address = url.trim_start_matches("http://");
    address.parse().with_context(|| format!("{url} is no address"))
}

/// The memory once it stands still.
pub(super) async fn idle_memory(server: &Appliance) -> Result<Memory> {
    let began = Instant::now();
    let mut last = memory(server.id())?;
    let mut same = 0;
    while same < SAME_LOOKS && began.elapsed() < MEMORY_LIMIT {
        sleep(MEMORY_EVERY).await;
        let now = memory(server.id())?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

/// Begins to look for the most memory anew (`5` in `clear_refs`, proc(5)).
pub(super) fn forget_peak_memory(process: u32) -> Result<()> {
    let file = format!("/proc/{process}/clear_refs");
    let opened = OpenOptions::new().write(true).open(&file);
    opened
        .and_then(|mut file| file.write_all(b"5"))
        .with_context(|| format!("writing {file}"))
}

/// The most memory that a process has had since its start, or since that was forgotten, in MiB.
pub(super) fn peak_memory(process: u32) -> Result<f64> {
    let file = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    mebibytes(&text, "VmHWM:").with_context(|| format!("{file} has no VmHWM"))
}

pub(super) fn memory(process: u32) -> Result<Memory> {
    let file = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    let field = |name| mebibytes(&text, name).with_context(|| format!("{file} has no {name}"));
    Ok(Memory {
        resident: field("VmRSS:")?,
        anonymous: field("RssAnon:")?,
    })
}

/// A field of `proc_pid_status(5)`, which gives kB and means KiB.
fn mebibytes(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::mebibytes;

    #[test]
    fn memory_is_read_in_mebibytes() {
        let status = "Name:\tx\nVmRSS:\t    8192 kB\nRssAnon:\t     512 kB\n";
        assert_eq!(mebibytes(status, "VmRSS:"), Some(8.0));
        assert_eq!(mebibytes(status, "RssAnon:"), Some(0.5));
        assert_eq!(mebibytes(status, "VmSwap:"), None);
    }
}
