//! The whole appliance on this machine's loopback: cluster, registry, a sample release and the real
//! control plane, for a person with a browser or, headless, for a script.

pub(crate) mod answers;
pub(crate) mod api;
pub(crate) mod appliance;
pub(crate) mod build;
mod examples;
pub(crate) mod install;
mod needs;
mod objects;
mod releases;
pub(crate) mod story;
mod summary;
pub(crate) mod world;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::answers::Answers;
use self::appliance::Appliance;
use self::build::{Built, Profile};
use self::examples::Examples;
use self::story::{At, Story};
pub use self::world::Breakage;
use self::world::World;

/// How the demo runs.
#[derive(Debug, Args)]
#[command(after_help = "\
With --kubeconfig the registry, the application's page and the control plane run here, the rest there. The \
players of the Flux controllers and of the volume provisioner are started too, unless Flux is installed there \
already; on nodes that really run pods it must be, and they must reach this machine's loopback.")]
pub struct Demo {
    /// Install over the HTTP API, print a JSON summary and end
    #[arg(long)]
    pub headless: bool,
    /// JSON object with the fields of POST /api/setup, sent as it is; without `appHostname` it gets the
    /// address of the page that plays the application
    #[arg(long, value_name = "FILE", requires = "headless")]
    pub answers: Option<PathBuf>,
    /// Use a cluster that is already there instead of a fresh one
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Take the development build of the control plane: made in seconds after a change
    #[arg(long)]
    pub dev: bool,
    /// Break something on purpose before the install, and see what the product says about it
    #[arg(long = "break", value_name = "WHAT")]
    pub breakage: Option<Breakage>,
    /// Write there what the plan, the checks and the records of this run said; with --break, what the plan
    /// said when it stopped. This makes docs/examples
    #[arg(long, value_name = "DIR", requires = "headless")]
    pub examples: Option<PathBuf>,
}

/// Runs the demo until it has installed (headless) or somebody ends it.
///
/// # Errors
/// Something is missing on this machine, or the demo stopped: the message has the step, the cause and
/// what to do. Nothing of it runs on.
pub async fn demo(options: &Demo, out: &mut dyn Write) -> Result<()> {
    let stopped = tokio::select! {
        result = play(options, out) => return result,
        stopped = interrupted() => stopped,
    };
    let signal = stopped?;
    if options.headless {
        bail!("the demo was ended by {signal}; what it had started is stopped");
    }
    eprintln!("\nThe demo is over: everything it had started is stopped, and its data is removed.");
    Ok(())
}

async fn play(options: &Demo, out: &mut dyn Write) -> Result<()> {
    let story = Story::begin();
    let answers = Answers::read(options.answers.as_deref())?;
    let profile = if options.dev {
        Profile::Dev
    } else {
        Profile::Release
    };
    let built = prepare(&story, profile).await?;
    let kubeconfig = options.kubeconfig.as_deref();
    let mut world = World::start(&built.tools, kubeconfig)
        .await
        .at("servers", "mend what the message names and run this again")?;
    story.say(format_args!(
        "cluster, registry {} and players are up",
        world.registry()
    ));
    let published = world
        .publish()
        .await
        .at("publish", "mend flux/ or tests/fixtures as the message says")?;
    story.say(format_args!(
        "published {} as {}",
        published.release.reference, published.release.digest
    ));
    let appliance = Appliance::start(&built.control_plane, &world.place())
        .await
        .at("control plane", "mend what its log says and run this again")?;
    if let Some(breakage) = options.breakage {
        world
            .break_on_purpose(breakage)
            .at("break", "leave out --break or --kubeconfig")?;
        story.say(format_args!("broken on purpose: {breakage}"));
    }
    if options.headless {
        let answers = answers.with_app_url(world.app_url());
        let examples = options.examples.as_deref();
        let examples = examples.map(|dir| Examples::new(dir, &appliance, &world));
        let given = install::Given {
            world: &world,
            answers: &answers,
            published: &published,
            examples: examples.as_ref(),
        };
        let installed = install::run(&story, &given, appliance)
            .await
            .at("summary", "run this again; if it stops here again, it is a bug")?;
        serde_json::to_writer_pretty(&mut *out, &installed)?;
        return Ok(writeln!(out)?);
    }
    invite(&appliance, &world)?;
    Err(appliance.ended().await)
}

/// What every run needs: programs of this machine, and ours.
pub(crate) async fn prepare(story: &Story, profile: Profile) -> Result<Built> {
    needs::check(story).await?;
    let again = "mend what the message names and run this again; what is built stays built";
    let built = build::build(profile).await.at("build", again)?;
    story.say("our programs and the tools are built");
    Ok(built)
}

/// Tells a person what to do now.
fn invite(appliance: &Appliance, world: &World) -> Result<()> {
    let url = appliance.url();
    let (token, app) = (appliance.token(), world.app_url());
    eprintln!(
        "
The appliance waits to be set up.

  Address       {url}/setup
  Setup token   {token}
  Kubeconfig    {}
  Log           {}

Open the address in a browser, type the token, choose a password and answer the questions; as the
application's address (under “Advanced”) take {app}
The page follows the install and ends with “Open Alga PSA”. With `--headless` this command does all of that
over the API itself. Ctrl-C ends everything.",
        world.kubeconfig().display(),
        appliance.log().display(),
    );
    std::io::stderr().flush().context("writing to the terminal")
}

/// The signal that ends the demo.
async fn interrupted() -> Result<&'static str> {
    let listen = |kind| signal(kind).context("watching for stop signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "Ctrl-C",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    })
}
