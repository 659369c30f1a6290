//! Builds the web pages of `ui/` and writes the table by which `http/ui/embedded.rs` takes them into the
//! program, compressed.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script has no settings, no runner and no state files: cargo's variables, node and OUT_DIR are its edges"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What the pages are built from. Tests of them change nothing here, but cargo knows directories only whole.
///
/// The last one is not there after somebody removed Node's modules: they are then installed again.
const SOURCES: [&str; 9] = [
    "src",
    "public",
    "index.html",
    "vite.config.ts",
    "tsconfig.json",
    "package.json",
    "package-lock.json",
    ".npmrc",
    INSTALLED,
];

/// A copy of the lock file that Node's modules were installed by.
const INSTALLED: &str = "node_modules/.installed";

/// The oldest Node that runs Vite; `ui/package.json` says the same.
const NODE: (u32, u32) = (20, 19);

#[path = "build/layout.rs"]
mod layout;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Outcome<()> {
    let crate_dir = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    let ui = crate_dir.join("../../ui").canonicalize()?;
    println!("cargo::rerun-if-changed=build.rs");
    layout::apply(&crate_dir, &out_dir)?;
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", ui.join(source).display());
    }
    node_is_new_enough()?;
    let pages = out_dir.join("ui");
    // Two cargo runs share the directory of Node's modules: one installs, the other waits.
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(ui.join(".build.lock"))?;
    lock.lock()?;
    install(&ui, &lock)?;
    npm(
        (&ui, &lock),
        &[
            "run",
            "--silent",
            "build",
            "--",
            "--logLevel",
            "warn",
            "--emptyOutDir",
            "--outDir",
        ],
        Some(&pages),
    )?;
    drop(lock);
    let table = table(&pages, &out_dir.join("ui-gzip"))?;
    Ok(fs::write(out_dir.join("ui_files.rs"), table)?)
}

fn node_is_new_enough() -> Outcome<()> {
    let needed = format!(
        "the web pages need Node {}.{} or newer with npm: install the packages nodejs and npm, or https://nodejs.org",
        NODE.0, NODE.1
    );
    let said = Command::new("node").arg("--version").output();
    let said = said.map_err(|error| format!("{needed} (starting node: {error})"))?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if version(&said).is_some_and(|version| version >= NODE) {
        return Ok(());
    }
    Err(format!("{needed} (this is {said})").into())
}

/// `v20.19.1` as numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Installs what the lock file says, where that is not what is there.
fn install(ui: &Path, lock: &File) -> Outcome<()> {
    let (wanted, there) = (ui.join("package-lock.json"), ui.join(INSTALLED));
    if fs::read(&there).is_ok_and(|there| fs::read(&wanted).is_ok_and(|wanted| wanted == there)) {
        return Ok(());
    }
    npm(
        (ui, lock),
        &[
            "ci",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--fetch-timeout=60000",
            "--loglevel=error",
        ],
        None,
    )?;
    fs::copy(&wanted, &there)?;
    Ok(())
}

/// Runs npm with the lock as its standard input, an empty file: a lock belongs to the open file and not to the
/// process (flock(2)), so it is held for as long as npm works, also when this program is killed before that.
fn npm((ui, lock): (&Path, &File), arguments: &[&str], last: Option<&Path>) -> Outcome<()> {
    let shown = format!("npm {}", arguments.first().copied().unwrap_or_default());
    let output = Command::new("npm")
        .args(arguments)
        .args(last)
        .current_dir(ui)
        .stdin(lock.try_clone()?)
        .output();
    let output = output.map_err(|error| format!("starting npm: {error}; install the package npm"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        println!("cargo::warning={line}");
    }
    Err(format!("`{shown}` in {} ended with {}", ui.display(), output.status).into())
}

/// The Rust text of the table: one entry for each file, in the order of their paths.
fn table(pages: &Path, gzip_dir: &Path) -> Outcome<String> {
    fs::create_dir_all(gzip_dir)?;
    let mut files = Vec::new();
    walk(pages, &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for (number, file) in files.iter().enumerate() {
        let content = fs::read(file)?;
        let compressed = gzip(&content)?;
        let gzip_file = gzip_dir.join(format!("{number}.gz"));
        fs::write(&gzip_file, &compressed)?;
        let gzip = if compressed.len() < content.len() {
            format!("Some(include_bytes!({:?}))", text(&gzip_file)?)
        } else {
            "None".to_owned()
        };
        writeln!(
            table,
            "Embedded {{ path: {:?}, tag: \"{:016x}\", plain: include_bytes!({:?}), gzip: {gzip} }},",
            format!("/{}", text(file.strip_prefix(pages)?)?),
            tag(&content),
            text(file)?
        )?;
    }
    table.push(']');
    Ok(table)
}

/// Paths become Rust string literals, so they must be text.
fn text(path: &Path) -> Outcome<&str> {
    path.to_str()
        .ok_or_else(|| format!("{} is no UTF-8", path.display()).into())
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Tells one content from another; it guards a cache, not against forgery.
fn tag(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

fn gzip(content: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
