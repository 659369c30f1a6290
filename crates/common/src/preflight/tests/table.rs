//! What makes each check warn or fail.

use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::findings::FindingId as Id;
use crate::outbound::Transport;

/// Check, file, its text, how the check comes out, and words of what it says.
const FILES: &[(Id, &str, &str, Outcome, &str)] = &[
    (
        Id::CpuArchitecture,
        "proc/sys/kernel/arch",
        "aarch64\n",
        Outcome::Fail,
        "aarch64",
    ),
    (
        Id::CpuCores,
        "proc/cpuinfo",
        "processor : 0\n",
        Outcome::Fail,
        "1 (needed: 2",
    ),
    (
        Id::CpuCores,
        "proc/cpuinfo",
        "processor : 0\nprocessor : 1\n",
        Outcome::Warn,
        "2 ",
    ),
    (
        Id::CpuFeatures,
        "proc/cpuinfo",
        "processor : 0\nflags : cx16 ssse3\n",
        Outcome::Warn,
        "lahf_lm",
    ),
    (
        Id::CpuLoad,
        "proc/loadavg",
        "9.50 1 1 1/1 1\n",
        Outcome::Warn,
        "9.5 on 4",
    ),
    (
        Id::MemoryTotal,
        "proc/meminfo",
        "MemTotal: 4000000 kB\n",
        Outcome::Fail,
        "3906 MiB",
    ),
    (
        Id::MemoryTotal,
        "proc/meminfo",
        "MemTotal: 6100000 kB\n",
        Outcome::Warn,
        "5957 MiB",
    ),
    (
        Id::MemoryPressure,
        "proc/meminfo",
        "MemTotal: 16000000 kB\nMemAvailable: 900000 kB\n",
        Outcome::Warn,
        "5 %",
    ),
    (
        Id::SwapOff,
        "proc/swaps",
        "Filename\n/swap.img file 1 0 -2\n",
        Outcome::Warn,
        "/swap.img",
    ),
    (
        Id::KernelVersion,
        "proc/sys/kernel/osrelease",
        "4.18.0-553.el8\n",
        Outcome::Fail,
        "4.18",
    ),
    (
        Id::KernelVersion,
        "proc/sys/kernel/osrelease",
        "5.10.0\n",
        Outcome::Warn,
        "5.10",
    ),
    (
        Id::KernelVersion,
        "proc/sys/kernel/osrelease",
        "mine\n",
        Outcome::Unknown,
        "mine",
    ),
    (
        Id::OsRelease,
        "etc/os-release",
        "ID=debian\nVERSION_ID=\"12\"\n",
        Outcome::Warn,
        "debian 12",
    ),
    (
        Id::CgroupControllers,
        "sys/fs/cgroup/cgroup.controllers",
        "cpu io\n",
        Outcome::Fail,
        "cpuset, memory, pids",
    ),
    (
        Id::SelinuxEnforcing,
        "sys/fs/selinux/enforce",
        "1",
        Outcome::Warn,
        "enforcing",
    ),
    (
        Id::SysctlIpForward,
        "proc/sys/net/ipv4/ip_forward",
        "0\n",
        Outcome::Fail,
        "net.ipv4.ip_forward = 0",
    ),
    (
        Id::SysctlIpForward,
        "proc/sys/net/ipv4/ip_forward",
        "yes\n",
        Outcome::Unknown,
        "no number",
    ),
    (
        Id::SysctlBridgeNetfilter,
        "proc/sys/net/bridge/bridge-nf-call-iptables",
        "0\n",
        Outcome::Fail,
        "= 0",
    ),
    (
        Id::SysctlRpFilter,
        "proc/sys/net/ipv4/conf/all/rp_filter",
        "1\n",
        Outcome::Warn,
        "= 1",
    ),
    (
        Id::SysctlInotify,
        "proc/sys/fs/inotify/max_user_instances",
        "100\n",
        Outcome::Warn,
        "100 instances",
    ),
    (
        Id::SysctlInotify,
        "proc/sys/fs/inotify/max_user_watches",
        "8192\n",
        Outcome::Warn,
        "8192 watches",
    ),
    (
        Id::SysctlOpenFiles,
        "proc/sys/fs/nr_open",
        "65536\n",
        Outcome::Fail,
        "65536",
    ),
    (
        Id::SysctlPidMax,
        "proc/sys/kernel/pid_max",
        "4096\n",
        Outcome::Warn,
        "4096",
    ),
    (
        Id::SysctlOvercommit,
        "proc/sys/vm/overcommit_memory",
        "2\n",
        Outcome::Warn,
        "= 2",
    ),
    (
        Id::SysctlRootMaxkeys,
        "proc/sys/kernel/keys/root_maxkeys",
        "200\n",
        Outcome::Warn,
        "200",
    ),
    (
        Id::SysctlPanicOnOom,
        "proc/sys/vm/panic_on_oom",
        "1\n",
        Outcome::Warn,
        "= 1",
    ),
    (
        Id::DiskFilesystem,
        "proc/mounts",
        "a / ext4 rw\nb /var nfs4 rw\nc /var/log xfs rw\n",
        Outcome::Fail,
        "nfs4",
    ),
    (
        Id::NetworkCidrOverlap,
        "proc/net/route",
        OVERLAPPING,
        Outcome::Fail,
        "10.43.128.0/24 at eth1",
    ),
    (
        Id::NetworkCidrOverlap,
        "proc/net/route",
        WIDE,
        Outcome::Fail,
        "10.0.0.0/8 at eth1",
    ),
    (
        Id::NetworkDefaultRoute,
        "proc/net/route",
        "Iface\n",
        Outcome::Fail,
        "there is none",
    ),
    (
        Id::NetworkDefaultRoute,
        "proc/net/route",
        TWO_WAYS,
        Outcome::Warn,
        "eth0 and eth1",
    ),
    (
        Id::NetworkAddress,
        "proc/net/fib_trie",
        " |-- 169.254.7.7\n   /32 host LOCAL\n",
        Outcome::Fail,
        "169.254.7.7",
    ),
    (
        Id::NetworkAddress,
        "proc/net/fib_trie",
        " |-- 10.42.0.1\n   /32 host LOCAL\n",
        Outcome::Fail,
        "none",
    ),
    (
        Id::NetworkAddressStability,
        "run/systemd/netif/leases/2",
        "ADDRESS=192.0.2.10\n",
        Outcome::Warn,
        "DHCP",
    ),
    (
        Id::NetworkMtu,
        "sys/class/net/eth0/mtu",
        "1400\n",
        Outcome::Warn,
        "1400 bytes at eth0",
    ),
    (
        Id::NetworkPorts,
        "proc/net/udp",
        "sl\n 0: 00000000:2118 00000000:0000 07\n",
        Outcome::Fail,
        "8472",
    ),
    (
        Id::NetworkFirewall,
        "etc/ufw/ufw.conf",
        "ENABLED=yes\n",
        Outcome::Warn,
        "ufw",
    ),
    (
        Id::NetworkFirewall,
        "etc/ufw/ufw.conf",
        "ENABLED=no\n",
        Outcome::Pass,
        "none",
    ),
    (
        Id::NetworkFirewall,
        "etc/systemd/system/multi-user.target.wants/firewalld.service",
        "",
        Outcome::Warn,
        "firewalld",
    ),
    (
        Id::NetworkCloudSetup,
        "etc/systemd/system/timers.target.wants/nm-cloud-setup.timer",
        "",
        Outcome::Fail,
        "enabled",
    ),
    (
        Id::DnsSearchDomains,
        "etc/resolv.conf",
        "search a b c d e f g\n",
        Outcome::Warn,
        "7: a",
    ),
    (
        Id::DnsLoopbackStub,
        "run/systemd/resolve/resolv.conf",
        "# nothing\n",
        Outcome::Warn,
        "no server",
    ),
    (
        Id::DnsLoopbackStub,
        "etc/resolv.conf",
        "nameserver 192.0.2.53\n",
        Outcome::Pass,
        "real",
    ),
    (
        Id::DnsServerLimit,
        "etc/resolv.conf",
        FOUR_SERVERS,
        Outcome::Warn,
        "4",
    ),
    (
        Id::HostnameValid,
        "proc/sys/kernel/hostname",
        "Alga_Box\n",
        Outcome::Fail,
        "Alga_Box",
    ),
    (
        Id::HostnameValid,
        "proc/sys/kernel/hostname",
        "localhost\n",
        Outcome::Fail,
        "every machine",
    ),
    (
        Id::HostnameResolves,
        "etc/hosts",
        "127.0.1.1 other # alga-appliance\n",
        Outcome::Warn,
        "does not know",
    ),
    (
        Id::MachineId,
        "etc/machine-id",
        "uninitialized\n",
        Outcome::Fail,
        "not initialised",
    ),
    (
        Id::MachineId,
        "etc/machine-id",
        "00000000000000000000000000000000\n",
        Outcome::Fail,
        "not initialised",
    ),
    (
        Id::ProductUuid,
        "sys/class/dmi/id/product_uuid",
        "03000200-0400-0500-0006-000700080009\n",
        Outcome::Warn,
        "many share",
    ),
    (
        Id::SecurityAgents,
        "proc/77/comm",
        "falcon-sensor\n",
        Outcome::Warn,
        "CrowdStrike",
    ),
    (
        Id::ExecutionPolicy,
        "proc/77/comm",
        "fapolicyd\n",
        Outcome::Fail,
        "fapolicyd",
    ),
    (
        Id::PreviousK3s,
        "etc/rancher/k3s/k3s.yaml",
        "",
        Outcome::Fail,
        "/etc/rancher/k3s/k3s.yaml",
    ),
    (
        Id::PreviousKubernetes,
        "etc/kubernetes/kubelet.conf",
        "",
        Outcome::Fail,
        "kubelet.conf",
    ),
    (
        Id::PreviousKubernetes,
        "proc/77/comm",
        "kubelet\n",
        Outcome::Fail,
        "kubelet",
    ),
    (
        Id::PreviousContainerRuntime,
        "run/docker.sock",
        "",
        Outcome::Warn,
        "docker.sock",
    ),
    (
        Id::PreviousCni,
        "etc/cni/net.d/10-calico.conflist",
        "",
        Outcome::Warn,
        "/etc/cni/net.d",
    ),
    (
        Id::PreviousCni,
        "sys/class/net/docker0/mtu",
        "1500\n",
        Outcome::Warn,
        "docker0",
    ),
    (
        Id::PreviousIptables,
        "etc/iptables/rules.v4",
        ":KUBE-SERVICES - [0:0]\n",
        Outcome::Warn,
        "1 rules",
    ),
    (
        Id::StaleInstallState,
        "etc/systemd/system/multi-user.target.wants/alga-appliance.service",
        "",
        Outcome::Warn,
        "alga-appliance.service",
    ),
    (
        Id::ProxySuspected,
        "etc/environment",
        "HTTPS_PROXY=http://proxy:3128\n",
        Outcome::Warn,
        "/etc/environment",
    ),
];

/// Check, file that is not there, how the check comes out.
const GONE: &[(Id, &str, Outcome)] = &[
    (
        Id::CgroupVersion,
        "sys/fs/cgroup/cgroup.controllers",
        Outcome::Warn,
    ),
    (Id::ApparmorParser, "usr/sbin/apparmor_parser", Outcome::Fail),
    (
        Id::ApparmorParser,
        "sys/module/apparmor/parameters/enabled",
        Outcome::Pass,
    ),
    (
        Id::TimeService,
        "run/systemd/timesync/synchronized",
        Outcome::Warn,
    ),
    (Id::MachineId, "etc/machine-id", Outcome::Fail),
    (
        Id::KernelVxlan,
        "lib/modules/6.8.0-45-generic/modules.dep",
        Outcome::Pass,
    ),
    (
        Id::KernelNetfilter,
        "lib/modules/6.8.0-45-generic/modules.dep",
        Outcome::Unknown,
    ),
    (
        Id::SysctlBridgeNetfilter,
        "proc/sys/net/bridge/bridge-nf-call-iptables",
        Outcome::Unknown,
    ),
];

const OVERLAPPING: &str = "Iface\neth1 00802B0A 0 0001 0 0 0 00FFFFFF\n";
const WIDE: &str = "Iface\neth1 0000000A 0 0001 0 0 0 000000FF\n";
const TWO_WAYS: &str =
    "Iface\neth0 00000000 010200C0 3 0 0 0 00000000\neth1 00000000 010200C0 3 0 0 9 00000000\n";
const FOUR_SERVERS: &str = "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n";

#[test]
fn each_check_of_the_host_finds_what_it_is_for() {
    for (id, path, text, expected, says) in FILES {
        let root = healthy();
        host_root::write(root.path(), path, text).unwrap();
        let mut facts = facts(root.path());
        facts.network.proxy = ProxyFacts::default();
        let (found, measured) = outcome(&facts, *id);
        assert_eq!(found, *expected, "{id}, {path}: {measured}");
        assert!(measured.contains(says), "{id}, {path}: {measured}");
    }
    for (id, path, expected) in GONE {
        let root = healthy();
        std::fs::remove_file(root.path().join(path)).unwrap();
        let (found, measured) = outcome(&facts(root.path()), *id);
        assert_eq!(found, *expected, "{id} without {path}: {measured}");
    }
}

/// Checks whose readings are no file: each is made to find something further down.
const ELSEWHERE: [Id; 19] = [
    Id::KernelOverlayfs,
    Id::KernelNetfilter,
    Id::KernelVxlan,
    Id::DiskSpace,
    Id::DiskSpaceData,
    Id::DiskSpaceState,
    Id::InodeSpace,
    Id::DiskFsync,
    Id::DiskReadOnly,
    Id::DnsServers,
    Id::DnsServerAnswers,
    Id::DnsGhcr,
    Id::DnsWildcard,
    Id::EgressRegistry,
    Id::TlsGhcr,
    Id::CaptivePortal,
    Id::EgressLicenseService,
    Id::ClockSync,
    Id::ProxyBypass,
];

#[test]
fn no_check_is_without_a_reading_that_it_finds_fault_with() {
    let is_finding = |outcome: Outcome| matches!(outcome, Outcome::Warn | Outcome::Fail);
    let files = FILES
        .iter()
        .filter(|(.., outcome, _)| is_finding(*outcome))
        .map(|(id, ..)| *id);
    let gone = GONE
        .iter()
        .filter(|(.., outcome)| is_finding(*outcome))
        .map(|(id, ..)| *id);
    let found: BTreeSet<Id> = files.chain(gone).chain(ELSEWHERE).collect();
    let missing: Vec<_> = catalogue()
        .map(|check| check.id)
        .filter(|id| !found.contains(id))
        .collect();
    assert_eq!(missing, []);
}

#[test]
fn a_module_that_this_kernel_does_not_have_is_missed() {
    let root = healthy();
    let release = "lib/modules/6.8.0-45-generic";
    for list in ["modules.dep", "modules.builtin"] {
        host_root::write(root.path(), &format!("{release}/{list}"), "").unwrap();
    }
    host_root::write(root.path(), "proc/modules", "").unwrap();
    host_root::write(root.path(), "proc/filesystems", "ext4\n").unwrap();
    for id in [Id::KernelOverlayfs, Id::KernelNetfilter, Id::KernelVxlan] {
        assert_eq!(outcome(&facts(root.path()), id).0, Outcome::Fail, "{id}");
    }
}

fn with_disks(id: Id, change: impl Fn(&mut Disks)) -> Outcome {
    let root = healthy();
    let mut facts = facts(root.path());
    change(&mut facts.host.disks);
    outcome(&facts, id).0
}

fn free(gib: u64) -> Space {
    Space {
        free: gib * GIB,
        ..roomy()
    }
}

#[test]
fn disks_are_judged_by_their_room() {
    let datastore = |gib| with_disks(Id::DiskSpace, |disks| disks.datastore = Ok(free(gib)));
    let data = |gib| with_disks(Id::DiskSpaceData, |disks| disks.data = Ok(free(gib)));
    assert_eq!(datastore(19), Outcome::Fail);
    assert_eq!(datastore(39), Outcome::Fail, "90 % used");
    assert_eq!(datastore(70), Outcome::Warn, "80 % used");
    assert_eq!(data(39), Outcome::Fail);
    assert_eq!(data(100), Outcome::Warn);
    let state = with_disks(Id::DiskSpaceState, |disks| disks.state = Ok(free(0)));
    assert_eq!(state, Outcome::Fail);
}

#[test]
fn disks_are_judged_by_inodes_writability_and_speed() {
    let inodes = |inodes_free| {
        let space = Space {
            inodes_free,
            ..roomy()
        };
        with_disks(Id::InodeSpace, |disks| disks.datastore = Ok(space))
    };
    assert_eq!(inodes(50), Outcome::Fail);
    assert_eq!(inodes(150), Outcome::Warn);
    let fsync = |ms| {
        with_disks(Id::DiskFsync, |disks| {
            disks.fsync = Ok(Fsync {
                p99: Duration::from_millis(ms),
                writes: 100,
                path: "/".to_owned(),
            });
        })
    };
    assert_eq!(fsync(101), Outcome::Fail);
    assert_eq!(fsync(11), Outcome::Warn);
    let stuck = Space {
        read_only: true,
        ..roomy()
    };
    assert_eq!(
        with_disks(Id::DiskReadOnly, |disks| disks.data = Ok(stuck)),
        Outcome::Fail
    );
}

fn failed(transport: Transport, untrusted: bool) -> Reply {
    Reply::Failed {
        transport,
        untrusted,
        cause: "the cause".to_owned(),
    }
}

fn page(status: u16, content_type: &str) -> Reply {
    Reply::Http {
        status,
        content_type: content_type.to_owned(),
        date: None,
    }
}

#[test]
fn the_registrys_answer_tells_portals_and_interception_apart() {
    let root = healthy();
    let judged = |id, reply: &Reply| {
        let mut facts = facts(root.path());
        facts.network.registry = Ok(reply.clone());
        facts.network.license_service = Some(Ok(reply.clone()));
        outcome(&facts, id).0
    };
    let (pass, fail, unknown) = (Outcome::Pass, Outcome::Fail, Outcome::Unknown);
    for (reply, registry, tls, portal, license) in [
        (page(200, "application/json"), pass, pass, pass, pass),
        (page(302, ""), fail, pass, fail, pass),
        (page(200, "text/html; charset=utf-8"), pass, pass, fail, pass),
        (page(511, "text/html"), fail, pass, fail, Outcome::Warn),
        (page(403, ""), fail, pass, pass, pass),
        (page(503, ""), fail, pass, pass, Outcome::Warn),
        (failed(Transport::Tls, true), fail, fail, unknown, Outcome::Warn),
        (
            failed(Transport::Connect, false),
            fail,
            unknown,
            unknown,
            Outcome::Warn,
        ),
        (
            failed(Transport::Timeout, false),
            fail,
            unknown,
            unknown,
            Outcome::Warn,
        ),
    ] {
        let found = [
            Id::EgressRegistry,
            Id::TlsGhcr,
            Id::CaptivePortal,
            Id::EgressLicenseService,
        ]
        .map(|id| judged(id, &reply));
        assert_eq!(found, [registry, tls, portal, license], "{reply:?}");
    }
}

#[test]
fn the_clock_is_compared_with_the_registrys() {
    let root = healthy();
    for (seconds, expected, says) in [
        (10, Outcome::Pass, "right"),
        (90, Outcome::Warn, "90 seconds behind"),
        (600, Outcome::Fail, "10 minutes behind"),
        (-7200, Outcome::Fail, "2 hours ahead of"),
        (-86400 * 365, Outcome::Fail, "365 days ahead of"),
    ] {
        let mut facts = facts(root.path());
        let told = now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        facts.network.registry = Ok(answered(told));
        let (found, measured) = outcome(&facts, Id::ClockSync);
        assert_eq!(found, expected, "{measured}");
        assert!(measured.contains(says), "{measured}");
    }
    let mut facts = facts(root.path());
    facts.network.registry = Ok(page(200, ""));
    assert_eq!(
        outcome(&facts, Id::ClockSync).0,
        Outcome::Pass,
        "the licence service tells the time too"
    );
    facts.network.license_service = None;
    assert_eq!(outcome(&facts, Id::ClockSync).0, Outcome::Unknown);
}

#[test]
fn a_dns_server_is_named_when_it_does_not_answer() {
    let root = healthy();
    let found = || Ok(Answer::Addresses(vec![[192, 0, 2, 1].into()]));
    let judged = |servers: Vec<(SocketAddr, Result<Answer, String>)>, id| {
        let mut facts = facts(root.path());
        facts.network.servers = Ok(servers);
        outcome(&facts, id)
    };
    let silent = || (server("10.0.0.53:53"), Ok(Answer::Silence));
    let none = || {
        (
            server("10.0.0.54:53"),
            Ok(Answer::NoAddress("NXDOMAIN".to_owned())),
        )
    };
    let sentence = "DNS server 10.0.0.53 does not answer for the registry".to_owned();
    assert_eq!(
        judged(vec![silent()], Id::DnsServerAnswers),
        (Outcome::Fail, sentence.clone())
    );
    let working = (server("[::1]:5353"), found());
    assert_eq!(
        judged(vec![silent(), working], Id::DnsServerAnswers),
        (Outcome::Warn, sentence)
    );
    assert_eq!(judged(vec![silent()], Id::DnsGhcr).0, Outcome::Fail);
    assert_eq!(
        judged(vec![none()], Id::DnsGhcr),
        (
            Outcome::Fail,
            "registry.example.test has no address, says 10.0.0.54".to_owned()
        )
    );
    assert_eq!(judged(vec![none()], Id::DnsServerAnswers).0, Outcome::Pass);
    assert_eq!(
        judged(Vec::new(), Id::DnsServers),
        (Outcome::Fail, "none is configured".to_owned())
    );
    assert_eq!(judged(Vec::new(), Id::DnsServerAnswers).0, Outcome::Skipped);
    let mut facts = facts(root.path());
    facts.network.nonsense = found();
    assert_eq!(outcome(&facts, Id::DnsWildcard).0, Outcome::Warn);
}

#[test]
fn where_no_name_is_resolved_dns_is_skipped_and_says_why() {
    let root = healthy();
    let mut facts = facts(root.path());
    facts.network.resolves = false;
    facts.network.servers = Ok(Vec::new());
    for id in [Id::DnsServers, Id::DnsServerAnswers, Id::DnsGhcr, Id::DnsWildcard] {
        let (found, measured) = outcome(&facts, id);
        assert_eq!(found, Outcome::Skipped, "{id}");
        assert!(measured.starts_with("no name needs resolving here"), "{measured}");
    }
    facts.network.servers = Ok(vec![(server("10.0.0.53:53"), Err("not asked".to_owned()))]);
    assert_eq!(
        outcome(&facts, Id::DnsServers),
        (Outcome::Pass, "10.0.0.53".to_owned())
    );
}

#[test]
fn a_proxy_must_not_be_asked_for_the_cluster_itself() {
    let root = healthy();
    let mut facts = facts(root.path());
    facts.network.proxy.bypass = "localhost,10.42.0.0/16".to_owned();
    let (found, measured) = outcome(&facts, Id::ProxyBypass);
    assert_eq!(
        (found, measured.as_str()),
        (Outcome::Warn, "not exempt: 10.43.0.1, kubernetes.default.svc")
    );
}
