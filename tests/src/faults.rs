//! Installs that meet faults: proxies that disturb requests, a state volume that fails, kills at any line
//! of the journal. See `docs/faults.md`.

mod body;
mod clear;
pub mod disk;
mod drive;
mod end;
pub mod fault;
mod lane;
mod objects;
pub mod proxy;
mod random;
pub mod report;
pub mod script;
pub mod soak;
pub mod table;
pub(crate) mod tls;
pub mod trouble;
mod truth;

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use futures::future::try_join_all;

use crate::tools::Tools;
use disk::StateVolume;
use drive::Drive;
use end::End;
use lane::Lane;
pub use lane::before_the_api;
use report::Report;
use trouble::Cell;

/// How many installs run at once, each with servers of its own.
pub const LANES: usize = 2;

/// Whether a state volume can go wrong on this machine, or why not.
///
/// # Errors
/// What the system said.
pub fn can_mount() -> Result<()> {
    StateVolume::small().map(drop)
}

/// Where cells come from: the next one, until there is none.
type Source<'a> = Mutex<Box<dyn FnMut() -> Option<Cell> + 'a>>;

/// Runs cells until there are no more, and prints a line for each.
///
/// The engine must not go on before its reader has seen a line of the journal, so this belongs on a
/// runtime with one thread.
///
/// # Errors
/// The harness itself does not work; a promise that is broken is in the reports.
pub async fn run<'a>(
    tools: &Tools,
    next: impl FnMut() -> Option<Cell> + 'a,
    out: &mut (dyn Write + Send),
) -> Result<Vec<Report>> {
    let mut lanes = try_join_all((0..LANES).map(|_| Lane::start(tools))).await?;
    let source: Source<'_> = Mutex::new(Box::new(next));
    let sink = Mutex::new((out, Vec::new()));
    try_join_all(lanes.iter_mut().map(|lane| follow(lane, &source, &sink))).await?;
    let (_, reports) = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(reports)
}

/// What an install leaves on this lane when nothing goes wrong.
async fn undisturbed(lane: &mut Lane) -> Result<End> {
    let quiet = Cell {
        name: "undisturbed".to_owned(),
        troubles: Vec::new(),
        must_happen: false,
    };
    let (report, end) = Drive::begin(lane, &quiet).await?.finish(None).await?;
    end.with_context(|| format!("an undisturbed install fails: {:?}", report.broken))
}

async fn follow(
    lane: &mut Lane,
    source: &Source<'_>,
    sink: &Mutex<(&mut (dyn Write + Send), Vec<Report>)>,
) -> Result<()> {
    let undisturbed = undisturbed(lane).await?;
    loop {
        let next = (source.lock().unwrap_or_else(PoisonError::into_inner))();
        let Some(cell) = next else { return Ok(()) };
        let drive = Drive::begin(lane, &cell).await;
        let (report, _) = drive
            .with_context(|| cell.name.clone())?
            .finish(Some(&undisturbed))
            .await
            .with_context(|| cell.name.clone())?;
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(sink.0, "{}", report.line())?;
        for (kind, words) in &report.broken {
            writeln!(sink.0, "    {kind:?}: {words}")?;
        }
        sink.1.push(report);
    }
}

/// The given cells, one after the other; those that need a mount only where one can be had.
pub fn each(cells: Vec<Cell>, can_mount: bool) -> impl FnMut() -> Option<Cell> {
    let fits = |cell: &Cell| can_mount || !cell.needs_a_mount();
    let mut cells: VecDeque<Cell> = cells.into_iter().filter(fits).collect();
    move || cells.pop_front()
}
