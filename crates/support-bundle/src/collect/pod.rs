//! What the pod itself sees; its image has no programs, so the kernel's own files are read.

use std::fmt::Write;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::{Ended, Status};
use crate::options::Options;
use crate::staging::Staging;

const COLLECTOR: &str = "pod";
const FILES: [(&str, &str); 4] = [
    ("pod/resolv-conf.txt", "/etc/resolv.conf"),
    ("pod/routes.txt", "/proc/net/route"),
    ("pod/ip-addresses.txt", "/proc/net/fib_trie"),
    ("pod/mounts.txt", "/proc/mounts"),
];

pub(crate) fn collect(staging: &Staging, options: &Options) -> Ended {
    let mut errors = Vec::new();
    for (member, path) in FILES {
        let place = options.host_root.join(path.trim_start_matches('/'));
        let kept = std::fs::read_to_string(&place)
            .and_then(|text| staging.text(member, COLLECTOR, &format!("$ cat {path}\n{text}")));
        if let Err(error) = kept {
            errors.push(format!("{path}: {error}"));
        }
    }
    let mut usage = String::from("$ statvfs\npath size-MiB free-MiB inodes free-inodes\n");
    let places = [
        Some(Path::new("/")),
        options.state_dir.as_deref(),
        Some(&options.output_dir),
    ];
    for place in places.into_iter().flatten() {
        match statvfs(place) {
            Ok(is) => {
                let mib = |blocks: u64| (blocks * is.fragment_size()) >> 20;
                // Writing to a String does not fail.
                let _ = writeln!(
                    usage,
                    "{} {} {} {} {}",
                    place.display(),
                    mib(is.blocks()),
                    mib(is.blocks_available()),
                    is.files(),
                    is.files_available()
                );
            }
            Err(error) => errors.push(format!("{}: {error}", place.display())),
        }
    }
    if let Err(error) = staging.text("pod/disk-usage.txt", COLLECTOR, &usage) {
        errors.push(error.to_string());
    }
    if errors.is_empty() {
        Ended::ok()
    } else {
        Ended::as_is(Status::Partial, errors.join("; "))
    }
}
