//! Kernel settings.

use super::Source::Text;
use super::{Check, Group::Sysctl};
use crate::findings::FindingId as Id;
use crate::preflight::facts::Facts;
use crate::preflight::verdict::{Judged, at_least, bad, good};

const IP_FORWARD: &str = "proc/sys/net/ipv4/ip_forward";
const BRIDGE: &str = "proc/sys/net/bridge/bridge-nf-call-iptables";
const RP_FILTER: &str = "proc/sys/net/ipv4/conf/all/rp_filter";
const INSTANCES: &str = "proc/sys/fs/inotify/max_user_instances";
const WATCHES: &str = "proc/sys/fs/inotify/max_user_watches";
const NR_OPEN: &str = "proc/sys/fs/nr_open";
const PID_MAX: &str = "proc/sys/kernel/pid_max";
const OVERCOMMIT: &str = "proc/sys/vm/overcommit_memory";
const MAXKEYS: &str = "proc/sys/kernel/keys/root_maxkeys";
const PANIC_ON_OOM: &str = "proc/sys/vm/panic_on_oom";

/// `LimitNOFILE=` of k3s.service; systemd does not start a unit that wants more than the kernel gives.
const OPEN_FILES: u64 = 1_048_576;
const MIN_INSTANCES: u64 = 128;
const GOOD_INSTANCES: u64 = 512;
const MIN_WATCHES: u64 = 65_536;
const MIN_PIDS: u64 = 32_768;
/// What `k3s check-config` wants: each container takes one.
const MIN_KEYS: u64 = 10_000;

pub(super) const CHECKS: &[Check] = &[
    Check::new(Sysctl, Id::SysctlIpForward, "IP forwarding", |facts| {
        must_be(facts, IP_FORWARD, 1)
    })
    .blocking()
    .reading(&[Text(IP_FORWARD)])
    .why(
        "Pods reach each other and the outside only through it.",
        "sysctl -w net.ipv4.ip_forward=1",
    )
    .automatic("Set it now and in /etc/sysctl.d/90-alga-appliance.conf."),
    Check::new(Sysctl, Id::SysctlBridgeNetfilter, "Bridged packets", |facts| {
        must_be(facts, BRIDGE, 1)
    })
    .blocking()
    .reading(&[Text(BRIDGE)])
    .why(
        "Packets between pods of one box must pass the packet filter, or Services do not work.",
        "modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1",
    )
    .automatic("Set it now and in /etc/sysctl.d/90-alga-appliance.conf."),
    Check::new(Sysctl, Id::SysctlRpFilter, "Reverse path filter", rp_filter)
        .reading(&[Text(RP_FILTER)])
        .why(
            "The strict filter drops answers that take another way than the question, as pods' answers may.",
            "sysctl -w net.ipv4.conf.all.rp_filter=2",
        )
        .automatic("Set it to 2 now and in /etc/sysctl.d/90-alga-appliance.conf."),
    Check::new(Sysctl, Id::SysctlInotify, "File watches", inotify)
        .reading(&[Text(INSTANCES), Text(WATCHES)])
        .why(
            "Kubelet and controllers watch files; when watches run out they fail with “too many open files”.",
            "sysctl -w fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=524288",
        )
        .automatic("Raise both now and in /etc/sysctl.d/90-alga-appliance.conf."),
    Check::new(Sysctl, Id::SysctlOpenFiles, "Open files", open_files)
        .blocking()
        .reading(&[Text(NR_OPEN)])
        .why(
            "k3s asks for 1048576 open files; where the kernel's limit is lower, it does not start.",
            "sysctl -w fs.nr_open=1048576",
        )
        .automatic("Raise it now and in /etc/sysctl.d/90-alga-appliance.conf."),
    Check::new(Sysctl, Id::SysctlPidMax, "Process ids", pids)
        .reading(&[Text(PID_MAX)])
        .why(
            "All containers share the host's process ids; when they run out nothing can start.",
            "sysctl -w kernel.pid_max=4194304",
        ),
    Check::new(Sysctl, Id::SysctlOvercommit, "Memory overcommit", overcommit)
        .reading(&[Text(OVERCOMMIT)])
        .why(
            "With strict accounting (2) databases and Redis fail to get memory although there is some.",
            "sysctl -w vm.overcommit_memory=1",
        ),
    Check::new(Sysctl, Id::SysctlRootMaxkeys, "Kernel keys", keys)
        .reading(&[Text(MAXKEYS)])
        .why(
            "Each container takes a key; when they run out no further one starts (“disk quota exceeded”).",
            "sysctl -w kernel.keys.root_maxkeys=1000000",
        ),
    Check::new(
        Sysctl,
        Id::SysctlPanicOnOom,
        "Reaction to lack of memory",
        |facts| must_be(facts, PANIC_ON_OOM, 0),
    )
    .reading(&[Text(PANIC_ON_OOM)])
    .why(
        "With panic_on_oom one greedy container takes the whole box down.",
        "sysctl -w vm.panic_on_oom=0",
    ),
];

/// The setting's name as `sysctl` has it.
fn name(path: &str) -> String {
    path.trim_start_matches("proc/sys/").replace('/', ".")
}

fn must_be(facts: &Facts, path: &str, wanted: u64) -> Judged {
    let value = facts.host.number(path)?;
    let measured = format!("{} = {value}", name(path));
    if value == wanted {
        good(measured)
    } else {
        bad(format!("{measured}, needed: {wanted}"))
    }
}

fn rp_filter(facts: &Facts) -> Judged {
    let value = facts.host.number(RP_FILTER)?;
    let measured = format!("{} = {value}", name(RP_FILTER));
    if value == 1 { bad(measured) } else { good(measured) }
}

fn inotify(facts: &Facts) -> Judged {
    let (instances, watches) = (facts.host.number(INSTANCES)?, facts.host.number(WATCHES)?);
    let measured = format!("{instances} instances, {watches} watches for each user");
    if watches < MIN_WATCHES {
        return bad(measured);
    }
    at_least(&instances, &MIN_INSTANCES, &GOOD_INSTANCES, measured)
}

fn enough(facts: &Facts, path: &str, needed: u64) -> Judged {
    let value = facts.host.number(path)?;
    at_least(
        &value,
        &needed,
        &needed,
        format!("{} = {value}, needed: {needed}", name(path)),
    )
}

fn open_files(facts: &Facts) -> Judged {
    enough(facts, NR_OPEN, OPEN_FILES)
}

fn pids(facts: &Facts) -> Judged {
    enough(facts, PID_MAX, MIN_PIDS)
}

fn keys(facts: &Facts) -> Judged {
    enough(facts, MAXKEYS, MIN_KEYS)
}

fn overcommit(facts: &Facts) -> Judged {
    let value = facts.host.number(OVERCOMMIT)?;
    let measured = format!("{} = {value}", name(OVERCOMMIT));
    if value == 2 { bad(measured) } else { good(measured) }
}
