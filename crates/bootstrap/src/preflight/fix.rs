//! `preflight --fix`: what may be put right without asking anybody. Each act may be done twice.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::findings::FindingId;
use appliance_common::process::chain;
use appliance_common::state_file;
use appliance_common::systemd::{Systemd, SystemdError};
use appliance_kubectl_queue::{Launch, Starter};

use crate::command::{self, ChildFailed};
use crate::settings::Places;

/// Longest time for one program.
const LIMIT: Duration = Duration::from_mins(1);
/// Settings of ours, for each boot (sysctl.d(5)).
const SETTINGS: &str = "/etc/sysctl.d/90-alga-appliance.conf";
/// Modules of ours, for each boot (modules-load.d(5)).
const MODULES: &str = "/etc/modules-load.d/alga-appliance.conf";
/// The unit of the shipped product's server on the host.
const EARLIER: &str = "/etc/systemd/system/alga-appliance.service";
const TIME: &str = "systemd-timesyncd.service";

/// One thing that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A kernel setting, now and at each boot.
    Setting(&'static str, &'static str),
    /// Kernel modules, now and at each boot.
    Modules(&'static [&'static str]),
    SwapOff,
    /// A line for the machine's own name.
    OwnName,
    TimeService,
    MaskEarlier,
}

/// What is done about a finding; nothing where a person has to decide.
pub(super) fn acts(id: FindingId) -> &'static [Act] {
    use FindingId as Id;
    match id {
        Id::SysctlIpForward => &[Act::Setting("net.ipv4.ip_forward", "1")],
        Id::SysctlBridgeNetfilter => &[
            Act::Modules(&["br_netfilter"]),
            Act::Setting("net.bridge.bridge-nf-call-iptables", "1"),
        ],
        Id::SysctlRpFilter => &[Act::Setting("net.ipv4.conf.all.rp_filter", "2")],
        Id::SysctlInotify => &[
            Act::Setting("fs.inotify.max_user_instances", "8192"),
            Act::Setting("fs.inotify.max_user_watches", "524288"),
        ],
        Id::SysctlOpenFiles => &[Act::Setting("fs.nr_open", "1048576")],
        Id::KernelOverlayfs => &[Act::Modules(&["overlay"])],
        Id::KernelNetfilter => &[Act::Modules(&[
            "br_netfilter",
            "nf_conntrack",
            "xt_comment",
            "xt_multiport",
        ])],
        Id::KernelVxlan => &[Act::Modules(&["vxlan"])],
        Id::SwapOff => &[Act::SwapOff],
        Id::HostnameResolves => &[Act::OwnName],
        Id::ClockSync | Id::TimeService => &[Act::TimeService],
        Id::StaleInstallState => &[Act::MaskEarlier],
        _ => &[],
    }
}

/// Why something is not put right.
#[derive(Debug, thiserror::Error)]
pub(super) enum FixError {
    #[error("{doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{program} ended with {outcome}: {said}")]
    Program {
        program: String,
        outcome: &'static str,
        said: String,
    },
    #[error(transparent)]
    Systemd(SystemdError),
}

/// Puts things right on one host.
pub(super) struct Fixer<'a> {
    pub(super) places: &'a Places,
    pub(super) starter: &'a Starter,
}

impl Fixer<'_> {
    pub(super) async fn fix(&self, id: FindingId) -> Result<(), FixError> {
        for act in acts(id) {
            self.act(*act).await?;
        }
        Ok(())
    }

    async fn act(&self, act: Act) -> Result<(), FixError> {
        match act {
            Act::Setting(name, value) => {
                self.edit(SETTINGS, |text| with_setting(text, name, value))?;
                let live = self
                    .places
                    .below_root(format!("/proc/sys/{}", name.replace('.', "/")));
                set(&live, value).map_err(failed("setting", &live))
            }
            Act::Modules(names) => {
                self.edit(MODULES, |text| with_lines(text, names))?;
                let mut arguments = vec!["--all"];
                arguments.extend(names);
                self.run("modprobe", &arguments).await
            }
            Act::SwapOff => {
                self.edit("/etc/fstab", without_swap)?;
                self.run("swapoff", &["--all"]).await
            }
            Act::OwnName => {
                let path = self.places.below_root("/proc/sys/kernel/hostname");
                let name = fs::read_to_string(&path).map_err(failed("reading", &path))?;
                self.edit("/etc/hosts", |text| with_own_name(text, name.trim()))
            }
            Act::TimeService => {
                let systemd = self.systemd().await?;
                systemd.enable(TIME).await.map_err(FixError::Systemd)?;
                systemd.restart(TIME).await.map_err(FixError::Systemd)
            }
            Act::MaskEarlier => {
                mask(&self.places.below_root(EARLIER))?;
                self.systemd().await?.reload().await.map_err(FixError::Systemd)
            }
        }
    }

    async fn systemd(&self) -> Result<Systemd, FixError> {
        Systemd::connect(&self.places.host_root)
            .await
            .map_err(FixError::Systemd)
    }

    /// A file of the system with one change, whole or as it was; its mode stays.
    fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) -> Result<(), FixError> {
        let path = self.places.below_root(path);
        let (text, mode) = match fs::read_to_string(&path) {
            Ok(text) => {
                let meta = fs::metadata(&path).map_err(failed("reading", &path))?;
                (text, meta.permissions().mode() & 0o7777)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), 0o644),
            Err(error) => return Err(failed("reading", &path)(error)),
        };
        let changed = change(&text);
        if changed == text {
            return Ok(());
        }
        state_file::replace(&path, changed.as_bytes(), mode).map_err(failed("writing", &path))
    }

    /// Below another root there is no kernel of its own to be told.
    async fn run(&self, program: &str, arguments: &[&str]) -> Result<(), FixError> {
        if self.places.host_root != Path::new("/") {
            return Ok(());
        }
        let launch = Launch::new(program).args(arguments.iter().copied()).limit(LIMIT);
        let ended = command::child(self.starter, launch).await.map(drop);
        ended.map_err(|ChildFailed { outcome, said }| FixError::Program {
            program: program.to_owned(),
            outcome,
            said,
        })
    }
}

/// The error and its causes, for the table.
pub(super) fn told(error: &FixError) -> String {
    chain(error)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FixError {
    let path = path.to_owned();
    move |source| FixError::File { doing, path, source }
}

/// The kernel takes a setting in place, and only one that it has.
fn set(path: &Path, value: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(format!("{value}\n").as_bytes())
}

/// A unit that leads nowhere is never started (systemctl(1), `mask`). What it was is kept beside it.
fn mask(path: &Path) -> Result<(), FixError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => fs::remove_file(path).map_err(failed("masking", path))?,
        Ok(_) => {
            fs::rename(path, path.with_extension("service.masked")).map_err(failed("masking", path))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("masking", path)(error)),
    }
    symlink("/dev/null", path).map_err(failed("masking", path))
}

fn with_setting(text: &str, name: &str, value: &str) -> String {
    let is_other = |line: &&str| line.split('=').next().is_none_or(|key| key.trim() != name);
    let kept = text.lines().filter(is_other).map(str::to_owned);
    joined(kept.chain([format!("{name} = {value}")]))
}

fn with_lines(text: &str, wanted: &[&str]) -> String {
    let missing = wanted
        .iter()
        .filter(|name| !text.lines().any(|line| line.trim() == **name));
    let missing: Vec<_> = missing.map(|name| (*name).to_owned()).collect();
    joined(text.lines().map(str::to_owned).chain(missing))
}

/// Swap lines stay to be read, and are not used any more (fstab(5): the third field).
fn without_swap(text: &str) -> String {
    let line = |line: &str| {
        let is_swap = !line.trim_start().starts_with('#') && line.split_whitespace().nth(2) == Some("swap");
        if is_swap {
            format!("# {line}")
        } else {
            line.to_owned()
        }
    };
    joined(text.lines().map(line))
}

fn with_own_name(text: &str, name: &str) -> String {
    let has = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace().skip(1).any(|known| known == name)
    };
    let missing = (!name.is_empty() && !text.lines().any(has)).then(|| format!("127.0.1.1\t{name}"));
    joined(text.lines().map(str::to_owned).chain(missing))
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use appliance_common::preflight::catalogue;

    use super::*;

    #[test]
    fn exactly_what_the_catalogue_promises_is_put_right() {
        for check in catalogue() {
            let promised = check.automatic_fix.is_some();
            assert_eq!(promised, !acts(check.id).is_empty(), "{}", check.id.as_str());
        }
    }

    #[test]
    fn a_file_is_changed_once_and_the_rest_of_it_stays() {
        let fstab = "UUID=1 / ext4 defaults 0 1\n/swap.img none swap sw 0 0\n";
        let changed = without_swap(fstab);
        assert_eq!(
            changed,
            "UUID=1 / ext4 defaults 0 1\n# /swap.img none swap sw 0 0\n"
        );
        assert_eq!(without_swap(&changed), changed);

        let hosts = with_own_name("127.0.0.1 localhost # box-7\n", "box-7");
        assert_eq!(hosts, "127.0.0.1 localhost # box-7\n127.0.1.1\tbox-7\n");
        assert_eq!(with_own_name(&hosts, "box-7"), hosts);

        let settings = with_setting("# ours\nnet.ipv4.ip_forward=0\n", "net.ipv4.ip_forward", "1");
        assert_eq!(settings, "# ours\nnet.ipv4.ip_forward = 1\n");
        assert_eq!(with_setting(&settings, "net.ipv4.ip_forward", "1"), settings);
        assert_eq!(with_lines("overlay\n", &["overlay", "vxlan"]), "overlay\nvxlan\n");
    }
}
