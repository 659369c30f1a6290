//! What the queue costs a child beside one that is just started: the turn, the gate, the look-up of the program,
//! the end of its group. The queue is compiled as this program is, the gate as it is shipped, so this is an
//! upper bound.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_kubectl_queue::{Gate, Lane, Launch, Queue, Starter};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::cores::{Cores, on};
use super::figure::{Figure, Goal};
use crate::demo::build::Built;
use crate::demo::story::Story;

/// A program that does nothing.
const NOTHING: &str = "/bin/true";

/// Children of each kind in one run, in turns, so that both meet the same machine.
const PAIRS: usize = 200;

pub(crate) fn measure(story: &Story, built: &Built, cores: Cores, runs: u16) -> Result<Vec<Figure>> {
    let gate = built.kubectl_queue.as_deref();
    let gate = gate.context("cargo does not say where kubectl-queue is")?;
    let (mut bare, mut overhead) = (vec![], vec![]);
    for run in 1..=runs {
        let (without, with) = on(cores.server, || medians(gate))?;
        story.say(format_args!(
            "queue, run {run} of {runs}: {with:.3} ms a child, {without:.3} ms without it"
        ));
        bare.push(without);
        overhead.push(with - without);
    }
    let figure = |what, goal, runs| Figure {
        what,
        unit: "ms",
        goal,
        runs,
    };
    Ok(vec![
        figure("queue, over a bare spawn", Goal::AtMost(1.0), overhead),
        figure("  the bare spawn", Goal::None, bare),
    ])
}

/// The median time of a bare child and of one through a queue, in milliseconds.
fn medians(gate: &Path) -> Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("starting the async runtime")?.block_on(async {
        let queue = Queue::new(
            "bench",
            Starter::new(Gate::at(gate)).context("starting a thread")?,
        );
        let (mut without, mut with) = (vec![], vec![]);
        for _ in 0..PAIRS {
            let began = Instant::now();
            bare().await?;
            without.push(began.elapsed());
            let began = Instant::now();
            queued(&queue).await?;
            with.push(began.elapsed());
        }
        Ok((median(without), median(with)))
    })
}

async fn bare() -> Result<()> {
    let mut command = Command::new(NOTHING);
    command.env_clear().stdin(Stdio::null());
    let output = command
        .output()
        .await
        .context("starting a program that does nothing")?;
    ensure!(output.status.success(), "{NOTHING} ended with {}", output.status);
    Ok(())
}

async fn queued(queue: &Queue) -> Result<()> {
    let entry = queue.submit(Lane::Change, Launch::new(NOTHING), CancellationToken::new());
    let result = entry.result().await;
    ensure!(result.ok, "{NOTHING} through the queue: {}", result.stderr);
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_times_counts() {
        let times = [9, 1, 2].map(Duration::from_millis);
        assert!((median(times.to_vec()) - 2.0).abs() < f64::EPSILON);
    }
}
