//! The edge to the host: reads facts from a root directory, which is `/`, the host's root mounted into a
//! container, or a made-up one. Blocking; every read is bounded.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

pub use disk::{FSYNC_LIMIT, read as read_disks};

use super::checks::{Source, catalogue};
use super::facts::{Disks, HostFacts, Modules, Reading, View};

/// Most bytes read of one file: `modules.dep` is the largest, with less than one.
const MAX_TEXT: u64 = 4 * 1024 * 1024;
/// Most processes and interfaces that are looked at.
const MAX_ENTRIES: usize = 65_536;
/// What `/proc/1` is called on a host; in a container it is the container's own program.
const INIT: [&str; 2] = ["systemd", "init"];
const HIDDEN: &str = "the host's files cannot be seen from this container";

/// Reads everything that the catalogue's checks want of the host, except its disks.
#[must_use]
pub fn read(root: &Path) -> HostFacts {
    let root = Root {
        path: root.to_owned(),
        view: view(root),
    };
    let sources = || catalogue().flat_map(|check| check.reads);
    let texts = sources().filter_map(|source| match source {
        Source::Text(path) => Some((*path, root.text(path))),
        Source::Present(_) => None,
    });
    let present = sources().filter_map(|source| match source {
        Source::Present(path) => Some((*path, root.exists(path))),
        Source::Text(_) => None,
    });
    HostFacts {
        view: root.view,
        texts: texts.collect(),
        present: present.collect(),
        modules: root.modules(),
        interfaces: root.interfaces(),
        processes: root.processes(),
        disks: Disks::unseen("the disks were not looked at"),
    }
}

/// Whose root this is.
#[must_use]
pub fn view(root: &Path) -> View {
    match bounded(&root.join("proc/1/comm")) {
        Ok(name) if INIT.contains(&name.trim()) => View::Host,
        _ => View::Container,
    }
}

struct Root {
    path: PathBuf,
    view: View,
}

impl Root {
    /// `/proc` and `/sys` tell of the kernel, which containers share; everything else is their own.
    fn is_visible(&self, path: &str) -> bool {
        self.view == View::Host || path.starts_with("proc/") || path.starts_with("sys/")
    }

    fn seen(&self, path: &str) -> Reading<PathBuf> {
        if self.is_visible(path) {
            Ok(self.path.join(path))
        } else {
            Err(HIDDEN.to_owned())
        }
    }

    fn text(&self, path: &str) -> Reading<String> {
        bounded(&self.seen(path)?).map_err(|error| told(path, &error))
    }

    fn exists(&self, path: &str) -> Reading<bool> {
        let full = self.seen(path)?;
        match full.symlink_metadata() {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(told(path, &error)),
        }
    }

    fn modules(&self) -> Modules {
        let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let loaded = self.text("proc/modules");
        Modules {
            loaded: loaded.map(|text| text.lines().filter_map(first_word).collect()),
            installed: self.installed_modules(),
        }
    }

    fn installed_modules(&self) -> Reading<BTreeSet<String>> {
        let release = self.text("proc/sys/kernel/osrelease")?;
        let dir = format!("lib/modules/{}", release.trim());
        let mut names = BTreeSet::new();
        for list in ["modules.builtin", "modules.dep"] {
            let text = self.text(&format!("{dir}/{list}"))?;
            names.extend(text.lines().filter_map(module_name));
        }
        Ok(names)
    }

    fn interfaces(&self) -> Reading<BTreeMap<String, u32>> {
        const DIR: &str = "sys/class/net";
        let mut found = BTreeMap::new();
        for name in self.entries(DIR)? {
            // `bonding_masters` is a file, and an interface may go while we look.
            if let Ok(text) = bounded(&self.path.join(DIR).join(&name).join("mtu"))
                && let Ok(mtu) = text.trim().parse()
            {
                found.insert(name, mtu);
            }
        }
        Ok(found)
    }

    fn processes(&self) -> Reading<BTreeSet<String>> {
        if self.view == View::Container {
            return Err("the host's processes cannot be seen from this container".to_owned());
        }
        let ids = self.entries("proc")?;
        let ids = ids.iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
        // A process may end while we look.
        let names = ids.filter_map(|id| bounded(&self.path.join("proc").join(id).join("comm")).ok());
        Ok(names.map(|name| name.trim().to_owned()).collect())
    }

    fn entries(&self, path: &str) -> Reading<Vec<String>> {
        let entries = self.seen(path)?.read_dir().map_err(|error| told(path, &error))?;
        let names = entries.take(MAX_ENTRIES).filter_map(Result::ok);
        Ok(names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect())
    }
}

/// `kernel/fs/overlayfs/overlay.ko.zst: …` is module `overlay`.
fn module_name(line: &str) -> Option<String> {
    let path = line.split(':').next()?;
    let file = path.rsplit('/').next()?;
    let (name, _) = file.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn told(path: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("/{path} is not there"),
        _ => format!("/{path} cannot be read: {error}"),
    }
}
