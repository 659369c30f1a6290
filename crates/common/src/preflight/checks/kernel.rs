//! The kernel, its modules and its control groups.

use super::Source::{Present, Text};
use super::{Check, Group::Kernel};
use crate::findings::FindingId as Id;
use crate::preflight::facts::{Facts, OS_RELEASE};
use crate::preflight::verdict::{Gap, Judged, at_least, bad, good, none_of};

const RELEASE: &str = "proc/sys/kernel/osrelease";
const CONTROLLERS: &str = "sys/fs/cgroup/cgroup.controllers";
const CGROUPS: &str = "proc/cgroups";
const FILESYSTEMS: &str = "proc/filesystems";
const APPARMOR: &str = "sys/module/apparmor/parameters/enabled";
const PARSERS: [&str; 2] = ["sbin/apparmor_parser", "usr/sbin/apparmor_parser"];
const SELINUX_DIR: &str = "sys/fs/selinux";
const SELINUX: &str = "sys/fs/selinux/enforce";

const MIN_KERNEL: (u32, u32) = (5, 4);
const GOOD_KERNEL: (u32, u32) = (5, 15);
/// Without these the kubelet does not start.
const NEEDED_CONTROLLERS: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];
/// What kube-proxy's rules are made of; `k3s check-config` looks for the same.
const NETFILTER: [&str; 4] = ["br_netfilter", "nf_conntrack", "xt_comment", "xt_multiport"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Kernel, Id::KernelVersion, "Kernel version", version)
        .blocking()
        .reading(&[Text(RELEASE)])
        .why(
            "Older kernels lack what containers and control groups rely on, or have it with known defects.",
            "Install Ubuntu Server 24.04, or at least a kernel of 5.15.",
        ),
    Check::new(Kernel, Id::OsRelease, "Operating system", os)
        .reading(&[Text(OS_RELEASE)])
        .why(
            "The appliance is built and tested on Ubuntu 24.04; elsewhere its updates are untested.",
            "Use the appliance's own installer image.",
        ),
    Check::new(Kernel, Id::CgroupVersion, "Control groups", cgroup_version)
        .reading(&[Present(CONTROLLERS)])
        .why(
            "Kubernetes leaves version 1 behind: a later update of k3s will not start on it.",
            "Boot with systemd.unified_cgroup_hierarchy=1.",
        ),
    Check::new(Kernel, Id::CgroupControllers, "Control group controllers", controllers)
        .strict()
        .reading(&[Present(CONTROLLERS), Text(CONTROLLERS), Text(CGROUPS)])
        .why(
            "Without cpu, cpuset, memory and pids the kubelet refuses to start.",
            "Add cgroup_enable=memory cgroup_enable=cpuset to the kernel's command line and reboot.",
        ),
    Check::new(Kernel, Id::KernelOverlayfs, "Overlay file system", overlay)
        .strict()
        .reading(&[Text(FILESYSTEMS)])
        .why("Container images are unpacked on it.", "modprobe overlay; install linux-modules-extra if that fails.")
        .automatic("Load the module `overlay` now and at each boot."),
    Check::new(Kernel, Id::KernelNetfilter, "Packet filter modules", netfilter)
        .blocking()
        .why(
            "Services inside the cluster are rules of the packet filter; without its modules nothing reaches them.",
            "modprobe br_netfilter nf_conntrack xt_comment xt_multiport",
        )
        .automatic("Load the modules now and at each boot."),
    Check::new(Kernel, Id::KernelVxlan, "VXLAN module", vxlan)
        .blocking()
        .why("The pod network (flannel) is a VXLAN.", "modprobe vxlan; install linux-modules-extra if that fails.")
        .automatic("Load the module `vxlan` now and at each boot."),
    Check::new(Kernel, Id::ApparmorParser, "AppArmor tools", apparmor)
        .blocking()
        .reading(&[Text(APPARMOR), Present(APPARMOR), Present(PARSERS[0]), Present(PARSERS[1])])
        .why(
            "Where AppArmor is on and its parser is missing, containerd starts no container.",
            "apt-get install apparmor",
        ),
    Check::new(Kernel, Id::SelinuxEnforcing, "SELinux", selinux)
        .reading(&[Present(SELINUX_DIR), Text(SELINUX)])
        .why(
            "Enforcing SELinux without the k3s policy denies containers their volumes.",
            "Install k3s-selinux, or set SELINUX=permissive in /etc/selinux/config.",
        ),
];

fn version(facts: &Facts) -> Judged {
    let release = facts.host.text(RELEASE)?.trim();
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(Gap::Unknown(format!("{release:?} is no version of a kernel")));
    };
    at_least(&(major, minor), &MIN_KERNEL, &GOOD_KERNEL, release.to_owned())
}

fn os(facts: &Facts) -> Judged {
    let text = facts.host.text(OS_RELEASE)?;
    let value = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let (id, version) = (value("ID"), value("VERSION_ID"));
    let measured = format!("{id} {version}");
    if (id.as_str(), version.as_str()) == ("ubuntu", "24.04") {
        good(measured)
    } else {
        bad(format!("{measured}; tested is ubuntu 24.04"))
    }
}

fn cgroup_version(facts: &Facts) -> Judged {
    if facts.host.has(CONTROLLERS)? {
        good("version 2")
    } else {
        bad("version 1")
    }
}

fn controllers(facts: &Facts) -> Judged {
    let found: Vec<&str> = if facts.host.has(CONTROLLERS)? {
        facts.host.text(CONTROLLERS)?.split_whitespace().collect()
    } else {
        enabled_in(facts.host.text(CGROUPS)?)
    };
    let missing: Vec<_> = NEEDED_CONTROLLERS
        .iter()
        .filter(|name| !found.contains(name))
        .copied()
        .collect();
    if missing.is_empty() {
        good(NEEDED_CONTROLLERS.join(", "))
    } else {
        bad(format!("missing: {}", missing.join(", ")))
    }
}

/// `/proc/cgroups` of version 1: name, hierarchy, number, enabled.
fn enabled_in(text: &str) -> Vec<&str> {
    let enabled = text.lines().filter(|line| line.trim_end().ends_with('1'));
    enabled
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// Loaded, built in or installed; that one is missing can only be told where all of them can be seen.
fn has_module(facts: &Facts, name: &str) -> Result<bool, String> {
    let modules = &facts.host.modules;
    if modules.loaded.as_ref().is_ok_and(|loaded| loaded.contains(name)) {
        return Ok(true);
    }
    let installed = modules.installed.as_ref().map_err(Clone::clone)?;
    Ok(installed.contains(name))
}

fn overlay(facts: &Facts) -> Judged {
    let known = facts.host.text(FILESYSTEMS)?;
    let has = known
        .lines()
        .any(|line| line.split_whitespace().last() == Some("overlay"));
    if has || has_module(facts, "overlay")? {
        good("there")
    } else {
        bad("not in this kernel")
    }
}

fn netfilter(facts: &Facts) -> Judged {
    let mut missing = Vec::new();
    for name in NETFILTER {
        if !has_module(facts, name)? {
            missing.push(name.to_owned());
        }
    }
    none_of(&missing, "all there", "not in this kernel")
}

fn vxlan(facts: &Facts) -> Judged {
    if has_module(facts, "vxlan")? {
        good("there")
    } else {
        bad("not in this kernel")
    }
}

fn apparmor(facts: &Facts) -> Judged {
    if !facts.host.has(APPARMOR)? || facts.host.text(APPARMOR)?.trim() != "Y" {
        return good("AppArmor is off");
    }
    for path in PARSERS {
        if facts.host.has(path)? {
            return good("AppArmor is on, and its parser is there");
        }
    }
    bad("AppArmor is on, and apparmor_parser is not installed")
}

fn selinux(facts: &Facts) -> Judged {
    if !facts.host.has(SELINUX_DIR)? {
        return good("not in use");
    }
    match facts.host.text(SELINUX)?.trim() {
        "1" => bad("enforcing"),
        _ => good("permissive"),
    }
}
