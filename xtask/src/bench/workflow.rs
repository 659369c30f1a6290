//! The setup workflow's own cost, from whole installs into fresh clusters, and what a run means for the server
//! that hosts it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_common::clock::Clock;
use appliance_common::names::namespace::STORAGE_SMOKE;
use appliance_common::storage::{Storage, StorageSettings};
use appliance_tests::process::GuardedDir;

use super::cores::{Cores, on};
use super::during::Watch;
use super::figure::{Figure, Goal};
use super::server::{self, HEALTHZ};
use crate::demo::answers::Answers;
use crate::demo::api::Api;
use crate::demo::appliance::Appliance;
use crate::demo::build::Built;
use crate::demo::install;
use crate::demo::story::Story;
use crate::demo::world::World;

/// How a run calls itself before the API server.
const AGENT: &str = "alga-appliance/";

/// What one install cost.
struct Cost {
    overhead: f64,
    requests: f64,
    /// Those of the storage test.
    storage_test: f64,
    probe: f64,
    memory: f64,
    converged: f64,
}

pub(crate) async fn measure(story: &Story, built: &Built, cores: Cores, runs: u16) -> Result<Vec<Figure>> {
    let mut costs = Vec::new();
    for run in 1..=runs {
        let cost = install(built, cores).await?;
        story.say(format_args!(
            "workflow, run {run} of {runs}: {:.3} s of its own, {:.0} API requests, probe {:.2} ms, {:.1} MiB, \
             storage again {:.3} s",
            cost.overhead, cost.requests, cost.probe, cost.memory, cost.converged
        ));
        costs.push(cost);
    }
    let figure = |what, unit, most, of: fn(&Cost) -> f64| Figure {
        what,
        unit,
        goal: Goal::AtMost(most),
        runs: costs.iter().map(of).collect(),
    };
    Ok(vec![
        figure("setup workflow, own time", "s", 0.5, |cost| cost.overhead),
        figure("setup workflow, API requests", "", 60.0, |cost| cost.requests),
        figure("  less the storage test, once a class", "", 60.0, |cost| {
            cost.requests - cost.storage_test
        }),
        figure("/healthz during a run, p99", "ms", 1.0, |cost| cost.probe),
        figure("RSS during a run, peak (VmHWM)", "MiB", 16.0, |cost| cost.memory),
        figure("storage, already converged", "s", 1.5, |cost| cost.converged),
    ])
}

async fn install(built: &Built, cores: Cores) -> Result<Cost> {
    let world = World::start(&built.tools, None).await?;
    world.publish().await?;
    let place = world.place();
    let mut appliance = on(cores.server, || Appliance::spawn(&built.control_plane, &place))?;
    appliance.until_it_listens().await?;
    let answers = Answers::sample().with_app_url(world.app_url());
    let address = server::address(&appliance)?;
    let watch = on(cores.load, || Ok(Watch::begin(address, HEALTHZ)))?;
    let mut api = Api::new(appliance.url())?;
    install::enter(&Story::silent(), &mut api, &appliance).await?;
    // A sign-in takes 16 MiB for a moment; it is no part of the run.
    server::forget_peak_memory(appliance.id())?;
    let handed = install::workflow(&Story::silent(), &mut api, &mut appliance, &answers).await?;
    let probe = watch.end()?;
    let memory = server::peak_memory(appliance.id())?;
    let cost = appliance.run_figures().await?;
    let of_the_test = world.requests_of(AGENT)?;
    let of_the_test = of_the_test.iter().filter(|request| is_of_the_test(&request.uri));
    Ok(Cost {
        overhead: handed.took.saturating_sub(cost.waited).as_secs_f64(),
        // Far below 2^52.
        requests: f64::from(u32::try_from(cost.requests)?),
        storage_test: f64::from(u32::try_from(of_the_test.count())?),
        probe,
        memory,
        converged: converged(&world).await?.as_secs_f64(),
    })
}

/// Whether a request is about the storage test's namespace, or about its volume by name.
fn is_of_the_test(uri: &str) -> bool {
    uri.contains(STORAGE_SMOKE)
        || uri.contains("/persistentvolumes/")
        || uri.contains("persistentvolumes?") && uri.contains("metadata.name")
}

/// Storage once more, on a box where it is as it should be.
async fn converged(world: &World) -> Result<Duration> {
    let dir = GuardedDir::new("alga-storage-")?;
    let settings = StorageSettings {
        settle: Duration::ZERO,
        agent: dir.path().join("host-agent.sock"),
        ..StorageSettings::in_state_dir(dir.path())
    };
    let storage = Storage::new(world.cluster().await?, settings, Clock::system());
    // What the box has proven lies on its own volume: here it is proven once more.
    storage
        .converge(&|_| {})
        .await
        .context("proving storage before it is measured")?;
    let began = Instant::now();
    let report = storage.converge(&|_| {}).await?;
    let took = began.elapsed();
    ensure!(
        report.done.is_empty(),
        "storage was changed again: {:?}",
        report.done
    );
    Ok(took)
}
