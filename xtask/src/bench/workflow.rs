//! The setup workflow's own cost, from whole installs into fresh clusters.

use anyhow::Result;

use super::cores::{Cores, on};
use super::figure::{Figure, Goal};
use crate::demo::answers::Answers;
use crate::demo::appliance::Appliance;
use crate::demo::build::Built;
use crate::demo::install;
use crate::demo::story::Story;
use crate::demo::world::World;

pub(crate) async fn measure(story: &Story, built: &Built, cores: Cores, runs: u16) -> Result<Vec<Figure>> {
    let (mut own, mut requests) = (vec![], vec![]);
    for run in 1..=runs {
        let world = World::start(&built.tools, None).await?;
        world.publish().await?;
        let place = world.place();
        let mut appliance = on(cores.server, || Appliance::spawn(&built.control_plane, &place))?;
        appliance.until_it_listens().await?;
        let answers = Answers::sample().with_app_url(world.app_url());
        let handed = install::workflow(&Story::silent(), &mut appliance, &answers).await?;
        let cost = appliance.run_figures().await?;
        let overhead = handed.took.saturating_sub(cost.waited).as_secs_f64();
        story.say(format_args!(
            "workflow, run {run} of {runs}: {overhead:.3} s of {:.3} s, {} API requests",
            handed.took.as_secs_f64(),
            cost.requests
        ));
        own.push(overhead);
        // Far below 2^52.
        requests.push(f64::from(u32::try_from(cost.requests)?));
    }
    let figure = |what, unit, goal, runs| Figure {
        what,
        unit,
        goal,
        runs,
    };
    Ok(vec![
        figure("setup workflow, own time", "s", Goal::AtMost(0.5), own),
        figure("setup workflow, API requests", "", Goal::AtMost(60.0), requests),
    ])
}
