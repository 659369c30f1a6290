//! Installs that meet faults: the selection of the table that runs before each merge. The whole is
//! `cargo xtask soak --table`.

use std::path::Path;

use anyhow::{Result, ensure};
use appliance_tests::faults::report::{Report, Summary};
use appliance_tests::faults::{self, table};
use appliance_tests::tools::Tools;

#[tokio::test]
async fn every_selected_fault_ends_as_if_nothing_had_happened() -> Result<()> {
    let can_mount = faults::can_mount();
    if let Err(why) = &can_mount {
        eprintln!("not tested: a state volume that goes wrong: {why:#}");
    }
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    let cells = faults::each(table::selection(), can_mount.is_ok());
    let reports = faults::run(&tools, cells, &mut std::io::stderr()).await?;
    let summary = Summary::of(&reports);
    eprintln!("{}", summary.text());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::File::create(target.join("faults.json"))
        .map(|file| serde_json::to_writer_pretty(file, &reports))??;
    let broken: Vec<&Report> = reports.iter().filter(|report| !report.is_good()).collect();
    ensure!(
        broken.is_empty(),
        "{} cells broke a promise; see above",
        broken.len()
    );
    Ok(())
}
