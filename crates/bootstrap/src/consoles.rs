//! The local consoles: what is shown on them is seen by whoever stands before the machine, and kept by nobody.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use nix::fcntl::OFlag;

/// Which they are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Consoles {
    /// Local consoles, separated by commas
    #[arg(
        long,
        env = "ALGA_APPLIANCE_CONSOLE_TTYS",
        value_name = "PATHS",
        default_value = ""
    )]
    console_ttys: String,
}

impl Consoles {
    /// Shows a text on each, and says what became of it.
    pub(crate) fn show(&self, text: &str) -> Vec<(PathBuf, io::Result<()>)> {
        let names = self.console_ttys.split(',').map(str::trim);
        let paths = names.filter(|name| !name.is_empty()).map(PathBuf::from);
        paths
            .map(|path| {
                let shown = append(&path, text);
                (path, shown)
            })
            .collect()
    }
}

/// Appends to a console that exists; it never becomes ours, and one that does not take it is not waited for.
fn append(console: &Path, text: &str) -> io::Result<()> {
    let flags = (OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits();
    let mut console = OpenOptions::new()
        .append(true)
        .custom_flags(flags)
        .open(console)?;
    console.write_all(format!("\n{text}\n").as_bytes())
}
