//! Each check on readings that pass, that are odd or bad, and that are missing.

mod network;
mod table;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::checks::{Severity, Stage, catalogue};
use super::facts::{Answer, Disks, Facts, Fsync, HostFacts, NetworkFacts, ProxyFacts, Reply, Space, View};
use super::{Outcome, Report, host};
use crate::agent_api;
use crate::findings::FindingId;
use crate::testing::host_root;

const GIB: u64 = 1 << 30;

fn now() -> Timestamp {
    "2026-03-04T05:06:07Z".parse().unwrap()
}

fn roomy() -> Space {
    Space {
        total: 400 * GIB,
        free: 300 * GIB,
        inodes: 1000,
        inodes_free: 900,
        read_only: false,
    }
}

fn good_disks() -> Disks {
    Disks {
        datastore: Ok(roomy()),
        data: Ok(roomy()),
        state: Ok(roomy()),
        fsync: Ok(Fsync {
            p99: Duration::from_millis(3),
            writes: 300,
            path: "/var/lib/rancher".to_owned(),
        }),
    }
}

fn server(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn answered(at: Timestamp) -> Reply {
    Reply::Http {
        status: 401,
        content_type: "application/json".to_owned(),
        date: Some((super::checks::http_date(at), now())),
    }
}

fn good_network() -> NetworkFacts {
    NetworkFacts {
        servers: Ok(vec![(
            server("10.0.0.53:53"),
            Ok(Answer::Addresses(vec![[192, 0, 2, 1].into()])),
        )]),
        registry_host: "registry.example.test".to_owned(),
        resolves: true,
        nonsense: Ok(Answer::NoAddress("no".to_owned())),
        registry: Ok(answered(now())),
        license_service: Some(Ok(answered(now()))),
        proxy: ProxyFacts {
            in_use: true,
            bypass: "10.42.0.0/16,10.43.0.0/16,.svc".to_owned(),
        },
    }
}

/// The facts of a host whose files are those below `root`.
fn facts(root: &Path) -> Facts {
    Facts {
        stage: Stage::BeforeCluster,
        host: HostFacts {
            disks: good_disks(),
            ..host::read(root)
        },
        network: good_network(),
        at: now(),
    }
}

fn healthy() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    host_root::write_healthy(root.path()).unwrap();
    root
}

fn outcome(facts: &Facts, id: FindingId) -> (Outcome, String) {
    let report = Report::of(facts, &[]);
    let check = report.check(id).unwrap();
    (check.outcome, check.measured.clone())
}

#[test]
fn a_healthy_host_passes_every_check() {
    let root = healthy();
    let report = Report::of(&facts(root.path()), &[]);
    let not_passed: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.outcome != Outcome::Pass)
        .collect();
    assert!(not_passed.is_empty(), "{not_passed:#?}");
    assert!(report.checks.len() >= 50, "{}", report.checks.len());
}

#[test]
fn a_reading_that_is_missing_never_passes() {
    let unseen = Facts {
        stage: Stage::BeforeCluster,
        host: HostFacts::unseen("no light"),
        network: NetworkFacts::unasked("no light"),
        at: now(),
    };
    for check in Report::of(&unseen, &[]).checks {
        let expected = if check.id == FindingId::ProxyBypass {
            Outcome::Skipped
        } else {
            Outcome::Unknown
        };
        assert_eq!(check.outcome, expected, "{check:?}");
        assert!(!check.blocks(), "{check:?}");
        assert!(!check.measured.is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_read_is_unknown_and_says_which() {
    for check in catalogue() {
        for source in check.reads {
            let super::checks::Source::Text(path) = source else {
                continue;
            };
            let root = healthy();
            let full = root.path().join(path);
            let _ = std::fs::remove_file(&full);
            // Reading a directory fails.
            std::fs::create_dir_all(&full).unwrap();
            let (found, measured) = outcome(&facts(root.path()), check.id);
            let unread = found == Outcome::Unknown && measured.contains(path);
            // Where one of several files, or an optional one, is enough.
            let optional = ["proc/net/tcp6", "proc/net/udp6", "proc/cgroups"].contains(path)
                || [
                    "etc/ufw/ufw.conf",
                    "etc/environment",
                    "etc/iptables/rules.v4",
                    "sys/fs/selinux/enforce",
                ]
                .contains(path)
                || path.starts_with("run/systemd/resolve");
            assert!(unread || optional, "{path}: {found:?} {measured}");
        }
    }
}

#[test]
fn the_catalogue_is_whole_and_its_ids_are_unique() {
    let ids: BTreeSet<_> = catalogue().map(|check| check.id).collect();
    assert_eq!(ids.len(), catalogue().count());
    for check in catalogue() {
        assert!(
            check.why.ends_with('.') && !check.fix.is_empty() && !check.title.is_empty(),
            "{check:?}"
        );
        assert!(!check.strict || check.severity == Severity::Block, "{check:?}");
    }
    // Every id behind the analyzers of 60 §2.3 belongs to a check or is a blocker.
    let blockers: BTreeSet<_> = crate::readiness::catalogue().map(|entry| entry.id).collect();
    let first = FindingId::ALL
        .iter()
        .position(|id| *id == FindingId::CpuArchitecture)
        .unwrap();
    for id in &FindingId::ALL[first..] {
        assert!(ids.contains(id) || blockers.contains(id), "{id} is nobody's");
    }
}

#[test]
fn from_inside_a_container_host_checks_are_hints_and_hidden_files_unknown() {
    let root = healthy();
    host_root::write(root.path(), "proc/1/comm", "appliance-contr\n").unwrap();
    host_root::write(root.path(), "proc/sys/net/ipv4/ip_forward", "0\n").unwrap();
    let facts = facts(root.path());
    assert_eq!(facts.host.view, View::Container);
    let (found, measured) = outcome(&facts, FindingId::SysctlIpForward);
    assert_eq!(found, Outcome::Warn, "{measured}");
    for id in [
        FindingId::MachineId,
        FindingId::PreviousContainerRuntime,
        FindingId::SecurityAgents,
    ] {
        assert_eq!(outcome(&facts, id).0, Outcome::Unknown, "{id}");
    }
}

#[test]
fn the_host_agent_fills_in_what_a_container_cannot_see() {
    let root = healthy();
    host_root::write(root.path(), "proc/1/comm", "appliance-contr\n").unwrap();
    let mut facts = facts(root.path());
    facts.host.disks = Disks::unseen("hidden");
    assert_eq!(outcome(&facts, FindingId::OsRelease).0, Outcome::Unknown);
    facts.host.fill_in(&agent_api::HostFacts {
        os: Some(agent_api::OsRelease {
            id: Some("ubuntu".to_owned()),
            version_id: Some("24.04".to_owned()),
            pretty_name: None,
        }),
        data_disk: Some(agent_api::DiskFacts {
            path: "/var/mnt/alga-data".into(),
            total_bytes: 400 * GIB,
            free_bytes: 300 * GIB,
            total_inodes: 10,
            free_inodes: 9,
        }),
        ..agent_api::HostFacts::default()
    });
    assert_eq!(outcome(&facts, FindingId::OsRelease).0, Outcome::Pass);
    assert_eq!(outcome(&facts, FindingId::DiskSpaceData).0, Outcome::Pass);
}

#[test]
fn a_waived_check_no_longer_blocks_unless_it_is_strict() {
    let root = healthy();
    host_root::write(root.path(), "proc/cpuinfo", "processor : 0\nflags : none\n").unwrap();
    host_root::write(root.path(), "proc/sys/kernel/hostname", "Not_A_Name\n").unwrap();
    let facts = facts(root.path());
    let ids = |report: &Report| report.blockers().map(|check| check.id).collect::<Vec<_>>();
    let (cores, name) = (FindingId::CpuCores, FindingId::HostnameValid);
    assert_eq!(ids(&Report::of(&facts, &[])), [name, cores]);
    let waived = Report::of(&facts, &[cores, name]);
    assert_eq!(ids(&waived), [name]);
    assert!(waived.check(cores).unwrap().waived && !waived.check(name).unwrap().waived);
}

#[test]
fn on_a_running_cluster_its_own_ports_and_files_are_no_findings() {
    let root = healthy();
    host_root::write(
        root.path(),
        "proc/net/tcp",
        "sl\n 0: 00000000:192B 00000000:0000 0A\n",
    )
    .unwrap();
    let mut facts = facts(root.path());
    assert_eq!(
        outcome(&facts, FindingId::NetworkPorts),
        (Outcome::Fail, "in use: 6443".to_owned())
    );
    facts.stage = Stage::InCluster;
    assert_eq!(outcome(&facts, FindingId::NetworkPorts).0, Outcome::Skipped);
}
