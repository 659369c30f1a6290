//! A made-up root directory of a healthy host, for checks that read one.

use std::fs::{File, create_dir_all};
use std::io::{self, Write};
use std::path::Path;

/// Files of a host on which every check of the host passes, apart from its disks, which are this machine's.
const HEALTHY: [(&str, &str); 31] = [
    ("proc/1/comm", "systemd\n"),
    ("proc/2/comm", "kthreadd\n"),
    ("proc/cpuinfo", CPUINFO),
    (
        "proc/meminfo",
        "MemTotal:       16384000 kB\nMemAvailable:   12000000 kB\n",
    ),
    ("proc/loadavg", "0.10 0.20 0.30 1/300 4000\n"),
    ("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
    ("proc/filesystems", "nodev\tproc\nnodev\toverlay\n\text4\n"),
    (
        "proc/modules",
        "br_netfilter 32768 0 - Live 0x0\nvxlan 1 0 - Live 0x0\n",
    ),
    ("proc/mounts", "/dev/sda1 / ext4 rw 0 0\n"),
    ("proc/net/route", ROUTES),
    (
        "proc/net/fib_trie",
        "Local:\n  |-- 192.0.2.10\n     /32 host LOCAL\n",
    ),
    (
        "proc/net/tcp",
        "  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A\n",
    ),
    ("proc/net/udp", "  sl  local_address rem_address   st\n"),
    ("proc/sys/fs/inotify/max_user_instances", "8192\n"),
    ("proc/sys/fs/inotify/max_user_watches", "524288\n"),
    ("proc/sys/fs/nr_open", "1048576\n"),
    ("proc/sys/kernel/arch", "x86_64\n"),
    ("proc/sys/kernel/hostname", "alga-appliance\n"),
    ("proc/sys/kernel/keys/root_maxkeys", "1000000\n"),
    ("proc/sys/kernel/osrelease", "6.8.0-45-generic\n"),
    ("proc/sys/kernel/pid_max", "4194304\n"),
    ("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n"),
    ("proc/sys/net/ipv4/conf/all/rp_filter", "2\n"),
    ("proc/sys/net/ipv4/ip_forward", "1\n"),
    ("proc/sys/vm/overcommit_memory", "0\n"),
    ("proc/sys/vm/panic_on_oom", "0\n"),
    (
        "sys/fs/cgroup/cgroup.controllers",
        "cpuset cpu io memory hugetlb pids rdma\n",
    ),
    ("sys/module/apparmor/parameters/enabled", "Y\n"),
    ("sys/class/net/eth0/mtu", "1500\n"),
    (
        "lib/modules/6.8.0-45-generic/modules.builtin",
        "kernel/net/netfilter/nf_conntrack.ko\n",
    ),
    ("lib/modules/6.8.0-45-generic/modules.dep", MODULES),
];

const MORE: [(&str, &str); 8] = [
    ("usr/sbin/apparmor_parser", ""),
    ("run/systemd/timesync/synchronized", ""),
    ("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\n"),
    ("etc/resolv.conf", "nameserver 127.0.0.53\nsearch example.test\n"),
    ("etc/hosts", "127.0.0.1 localhost\n127.0.1.1 alga-appliance\n"),
    ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
    ("etc/os-release", "ID=ubuntu\nVERSION_ID=\"24.04\"\n"),
    (
        "sys/class/dmi/id/product_uuid",
        "6f1b2c3d-0000-4000-8000-000000000001\n",
    ),
];

const CPUINFO: &str =
    "processor : 0\nflags : cx16 lahf_lm popcnt sse4_2 ssse3\nprocessor : 1\nprocessor : 2\nprocessor : 3\n";

const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
    eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
    eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n\
    cni0\t00002A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

const MODULES: &str = "kernel/net/netfilter/xt_comment.ko.zst:\nkernel/net/netfilter/xt_multiport.ko.zst:\n\
    kernel/fs/overlayfs/overlay.ko.zst:\nkernel/drivers/net/vxlan/vxlan.ko.zst: kernel/net/ipv4/udp_tunnel.ko.zst\n";

/// Writes the files of a healthy host below `root`.
///
/// # Errors
/// When they cannot be written.
pub fn write_healthy(root: &Path) -> io::Result<()> {
    for (path, text) in HEALTHY.iter().chain(&MORE) {
        write(root, path, text)?;
    }
    Ok(())
}

/// Writes one file below `root`.
///
/// # Errors
/// When it cannot be written.
pub fn write(root: &Path, path: &str, text: &str) -> io::Result<()> {
    let full = root.join(path);
    if let Some(dir) = full.parent() {
        create_dir_all(dir)?;
    }
    File::create(full)?.write_all(text.as_bytes())
}
