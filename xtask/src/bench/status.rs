//! Status: what a look costs, what readers weigh, how soon a change is told. Its cluster has two hundred
//! objects, or twenty thousand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::control_plane::Place;
use appliance_tests::faults::before_the_api;
use appliance_tests::faults::fault::Fault;
use appliance_tests::faults::script::{Rule, Script, Stage, Verb};
use appliance_tests::{apply, crowd, flux};
use serde_json::json;
use tokio::time::sleep;

use super::cores::{Cores, on};
use super::figure::{Figure, Goal};
use super::load;
use super::server::{self, idle_memory, memory};
use crate::demo::api::Api;
use crate::demo::appliance::Appliance;
use crate::demo::build::Built;
use crate::demo::install;
use crate::demo::story::Story;

const STATUS: &str = "/api/status";
const STREAM: &str = "/api/status/stream";

/// Objects of the ordinary box, beside those that every API server has.
const PODS: usize = 140;
const EVENTS: usize = 60;
/// Objects of the crowded one.
const MANY_PODS: usize = 2_000;
const MANY_EVENTS: usize = 20_000;

const LOAD_TIME: Duration = Duration::from_secs(2);
/// Looks whose times are counted.
const LOOKS: usize = 2_000;
/// Changes whose times are counted.
const CHANGES: u32 = 50;
/// Streams that one session may have.
const OF_SESSION: usize = 16;
/// How long an idle process is watched.
const IDLE_TIME: Duration = Duration::from_secs(20);
/// Longest time until the server has read everything.
const READ_LIMIT: Duration = Duration::from_mins(2);

/// A server that has read its cluster, and somebody who is signed in.
struct Watched {
    server: Appliance,
    api: Api,
    password: String,
    address: SocketAddr,
}

impl Watched {
    async fn start(built: &Built, cluster: &TestCluster, place: &Place, cores: Cores) -> Result<Self> {
        let mut server = on(cores.server, || Appliance::spawn(&built.control_plane, place))?;
        server.until_it_listens().await?;
        let mut api = Api::new(server.url())?;
        let password = install::sign_in(&mut api, server.token()).await?;
        let pods = crowd::pods(cluster).await?;
        let deadline = Instant::now() + READ_LIMIT;
        loop {
            let status = api.get(STATUS).await?;
            let newest = status["recentEvents"].as_array().map_or(0, Vec::len);
            if status["kubernetes"]["podCount"] == pods && newest == 40 {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "not everything was read: {:#}",
                status["errors"]
            );
            sleep(Duration::from_millis(50)).await;
        }
        let address = server::address(&server)?;
        Ok(Self {
            server,
            api,
            password,
            address,
        })
    }

    /// Opens streams; each session has as many as it may.
    async fn streams(&mut self, count: usize) -> Result<Vec<TcpStream>> {
        let mut open = Vec::new();
        while open.len() < count {
            if open.len() % OF_SESSION == 0 {
                self.api
                    .post("/api/auth/login", &json!({"password": self.password}))
                    .await?;
            }
            open.push(stream(self.address, &self.api.cookies())?);
        }
        Ok(open)
    }
}

/// Opens a stream and reads up to the end of its snapshot.
fn stream(server: SocketAddr, cookies: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {STREAM} HTTP/1.1\r\nhost: {server}\r\ncookie: {cookies}\r\n\r\n"
    )?;
    until(&mut stream, "\"ageSeconds\":")?;
    Ok(stream)
}

/// Reads until a text was sent.
fn until(stream: &mut TcpStream, text: &str) -> Result<()> {
    let (mut seen, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let read = stream.read(&mut buffer).context("reading a stream")?;
        if read == 0 {
            bail!("a stream ended: {}", String::from_utf8_lossy(&seen));
        }
        seen.extend_from_slice(&buffer[..read]);
        if seen.windows(text.len()).any(|part| part == text.as_bytes()) {
            return Ok(());
        }
    }
}

pub(crate) async fn measure(story: &Story, built: &Built, cores: Cores, runs: u16) -> Result<Vec<Figure>> {
    let cluster = cluster(built, PODS, EVENTS).await?;
    let mut figures = ordinary(story, built, (&cluster, cores), runs).await?;
    figures.push(changes(built, &cluster, cores).await?);
    drop(cluster);
    figures.push(crowded(built, cores).await?);
    Ok(figures)
}

/// A server that has lived through what an ordinary box has: it has read its cluster, somebody has signed in,
/// looked, and been told a change on a stream.
pub(crate) async fn lived(built: &Built) -> Result<(TestCluster, Appliance)> {
    let cluster = cluster(built, PODS, EVENTS).await?;
    let place = server::place(cluster.kubeconfig());
    let mut server = Watched::start(built, &cluster, &place, Cores::two()?).await?;
    let mut stream = server.streams(1).await?.remove(0);
    let text = crowd::happens(&cluster.client().await?, 0).await?;
    tokio::task::spawn_blocking(move || until(&mut stream, &text)).await??;
    Ok((cluster, server.server))
}

async fn cluster(built: &Built, pods: usize, events: usize) -> Result<TestCluster> {
    let cluster = TestCluster::start(&built.tools, Parts::Api).await?;
    let client = cluster.client().await?;
    let manifest = std::fs::read_to_string(flux::manifest(&built.tools)?.path)?;
    apply::yaml(&client, "bench", "default", &manifest).await?;
    crowd::make(&cluster, pods, events).await?;
    Ok(cluster)
}

async fn ordinary(
    story: &Story,
    built: &Built,
    (cluster, cores): (&TestCluster, Cores),
    runs: u16,
) -> Result<Vec<Figure>> {
    let place = server::place(cluster.kubeconfig());
    let (mut idle, mut rates, mut late, mut cpu) = (vec![], vec![], vec![], vec![]);
    let (mut fifty, mut five_hundred, mut length) = (vec![], vec![], vec![]);
    for run in 1..=runs {
        let mut server = Watched::start(built, cluster, &place, cores).await?;
        idle.push(idle_memory(&server.server).await?.resident);
        cpu.push(cpu_share(&server.server).await?);
        let (address, cookies) = (server.address, server.api.cookies());
        let request = load::Request::new(address, STATUS, Some(&cookies));
        let rate = on(cores.load, || {
            load::requests_per_second(address, &request, LOAD_TIME)
        })?;
        rates.push(rate);
        let mut times = on(cores.load, || load::times(address, &request, LOOKS))?;
        late.push(percentile(&mut times, 99).as_secs_f64() * 1e3);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a document has far less than 2^52 bytes"
        )]
        length.push(load::once(address, &request)? as f64 / 1024.0);
        let some = server.streams(50).await?;
        fifty.push(idle_memory(&server.server).await?.resident);
        let more = server.streams(450).await?;
        five_hundred.push(memory(server.server.id())?.resident);
        drop((some, more));
        story.say(format_args!("status, run {run} of {runs}: {rate:.0} requests/s"));
    }
    let figure = |what, unit, goal, runs| Figure {
        what,
        unit,
        goal,
        runs,
    };
    Ok(vec![
        figure(
            "idle RSS, all watches open, 200 objects",
            "MiB",
            Goal::AtMost(10.0),
            idle,
        ),
        figure("idle CPU", "% of a core", Goal::AtMost(0.5), cpu),
        figure("/api/status, whole answer", "KiB", Goal::None, length),
        figure(
            "/api/status on one core",
            "requests/s",
            Goal::AtLeast(20_000.0),
            rates,
        ),
        figure("/api/status, one client, p99", "ms", Goal::AtMost(2.0), late),
        figure("RSS with 50 streams", "MiB", Goal::AtMost(16.0), fifty),
        figure("RSS with 500 streams", "MiB", Goal::AtMost(40.0), five_hundred),
    ])
}

/// From a change in the cluster to its event, while each new call to the API server takes two seconds.
async fn changes(built: &Built, cluster: &TestCluster, cores: Cores) -> Result<Figure> {
    let script = Script::new(Stage::default(), std::sync::Arc::default());
    let (proxy, kubeconfig) = before_the_api(cluster, script).await?;
    let mut server = Watched::start(built, cluster, &server::place(kubeconfig), cores).await?;
    proxy.script().delay_by(Duration::from_secs(2));
    proxy.script().arm([Rule {
        during: None,
        verb: Verb::Any,
        path: "/".to_owned(),
        nth: 1,
        fault: Fault::Delay,
        times: None,
    }]);
    let mut stream = server.streams(1).await?.remove(0);
    let client = cluster.client().await?;
    let mut times = Vec::new();
    for change in 0..CHANGES {
        let began = Instant::now();
        let text = crowd::happens(&client, change).await?;
        stream = tokio::task::spawn_blocking(move || until(&mut stream, &text).map(|()| stream)).await??;
        times.push(began.elapsed());
    }
    Ok(Figure {
        what: "change to stream, API calls take 2 s, p99",
        unit: "s",
        goal: Goal::AtMost(1.0),
        runs: vec![percentile(&mut times, 99).as_secs_f64()],
    })
}

async fn crowded(built: &Built, cores: Cores) -> Result<Figure> {
    let cluster = cluster(built, MANY_PODS, MANY_EVENTS).await?;
    let server = Watched::start(built, &cluster, &server::place(cluster.kubeconfig()), cores).await?;
    Ok(Figure {
        what: "RSS, 2000 pods and 20000 events",
        unit: "MiB",
        goal: Goal::AtMost(64.0),
        runs: vec![idle_memory(&server.server).await?.resident],
    })
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(at).copied().unwrap_or_default()
}

/// How much of a core an idle process takes, in percent.
async fn cpu_share(server: &Appliance) -> Result<f64> {
    let before = cpu_time(server.id())?;
    let began = Instant::now();
    sleep(IDLE_TIME).await;
    let spent = cpu_time(server.id())?.saturating_sub(before);
    Ok(spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}

/// Time a process has had, in the ten-millisecond ticks of `proc_pid_stat(5)`.
fn cpu_time(process: u32) -> Result<Duration> {
    let file = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    let fields = text
        .rsplit_once(") ")
        .map(|(_, fields)| fields)
        .context("no process status")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>().context("no process times")?;
    Ok(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&mut times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }

    #[test]
    fn a_process_has_had_time() {
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
