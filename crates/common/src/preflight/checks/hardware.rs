//! CPU, memory, architecture.

use super::Source::Text;
use super::{Check, Group::Hardware};
use crate::findings::FindingId as Id;
use crate::preflight::facts::Facts;
use crate::preflight::verdict::{Judged, at_least, bad, good, odd, skipped};

const CPUINFO: &str = "proc/cpuinfo";
const MEMINFO: &str = "proc/meminfo";
const LOADAVG: &str = "proc/loadavg";
const SWAPS: &str = "proc/swaps";
const ARCH: &str = "proc/sys/kernel/arch";

const MIN_CORES: usize = 2;
const GOOD_CORES: usize = 4;
/// A machine sold with 6 or 8 GiB shows a little less, because firmware and kernel keep some.
const MIN_MEMORY_KIB: u64 = 5632 * 1024;
const GOOD_MEMORY_KIB: u64 = 7680 * 1024;
/// Below this part of the memory the kernel begins to reclaim in earnest.
const MIN_AVAILABLE_PERCENT: u64 = 10;
/// Waiting work for each core.
const BUSY_PER_CORE: f64 = 2.0;
/// What x86-64-v2 adds: images built for it end with an illegal instruction elsewhere.
const X86_64_V2: [&str; 5] = ["cx16", "lahf_lm", "popcnt", "sse4_2", "ssse3"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Hardware, Id::CpuArchitecture, "CPU architecture", architecture)
        .strict()
        .reading(&[Text(ARCH)])
        .why(
            "The application's images are built for x86_64 only.",
            "Install the appliance on an x86_64 machine.",
        ),
    Check::new(Hardware, Id::CpuCores, "CPU cores", cores)
        .blocking()
        .reading(&[Text(CPUINFO)])
        .why(
            "With one core the cluster's own services starve the application; four make it comfortable.",
            "Give the virtual machine at least 2 cores, better 4.",
        ),
    Check::new(Hardware, Id::CpuFeatures, "CPU instructions", features)
        .reading(&[Text(ARCH), Text(CPUINFO)])
        .why(
            "Many images need x86-64-v2; on an older or restricted virtual CPU they end at once.",
            "Set the virtual machine's CPU type to “host” or to a model with x86-64-v2.",
        ),
    Check::new(Hardware, Id::CpuLoad, "CPU load", load)
        .reading(&[Text(CPUINFO), Text(LOADAVG)])
        .why(
            "A box that is already busy makes every step slow, and some run into their deadline.",
            "Find what is busy with `top`, or give the machine more cores.",
        ),
    Check::new(Hardware, Id::MemoryTotal, "Memory", memory)
        .blocking()
        .reading(&[Text(MEMINFO)])
        .why(
            "Database, workflow engine and application together need about 6 GiB; with less, the kernel ends them.",
            "Give the machine at least 6 GiB of memory, better 8.",
        ),
    Check::new(Hardware, Id::MemoryPressure, "Free memory", available)
        .reading(&[Text(MEMINFO)])
        .why(
            "What else runs here competes with the application for memory.",
            "Stop what does not belong on this box, or add memory.",
        ),
    Check::new(Hardware, Id::SwapOff, "Swap", swap)
        .reading(&[Text(SWAPS)])
        .why(
            "Kubernetes counts memory without swap: a database that is swapped out looks alive and answers in minutes.",
            "swapoff -a, and remove the swap line of /etc/fstab.",
        )
        .automatic("Turn swap off and take its line out of /etc/fstab."),
];

fn architecture(facts: &Facts) -> Judged {
    let found = facts.host.text(ARCH)?.trim();
    if found == "x86_64" {
        good(found)
    } else {
        bad(format!("{found}; needed: x86_64"))
    }
}

fn core_count(facts: &Facts) -> Result<usize, String> {
    let lines = facts.host.text(CPUINFO)?.lines();
    match lines.filter(|line| line.starts_with("processor")).count() {
        0 => Err(format!("/{CPUINFO} names no processor")),
        count => Ok(count),
    }
}

fn cores(facts: &Facts) -> Judged {
    let count = core_count(facts)?;
    let measured = format!("{count} (needed: {MIN_CORES}, better {GOOD_CORES})");
    at_least(&count, &MIN_CORES, &GOOD_CORES, measured)
}

fn features(facts: &Facts) -> Judged {
    if facts.host.text(ARCH)?.trim() != "x86_64" {
        return skipped("this is no x86_64");
    }
    let text = facts.host.text(CPUINFO)?;
    let flags = text
        .lines()
        .find_map(|line| line.strip_prefix("flags")?.split_once(':'));
    let (_, flags) = flags.ok_or_else(|| format!("/{CPUINFO} names no flags"))?;
    let has = |wanted: &&str| flags.split_whitespace().any(|flag| flag == *wanted);
    match X86_64_V2.iter().find(|wanted| !has(wanted)) {
        None => good("x86-64-v2"),
        Some(missing) => bad(format!("{missing} is missing, so this is less than x86-64-v2")),
    }
}

fn load(facts: &Facts) -> Judged {
    let text = facts.host.text(LOADAVG)?;
    let first = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    let load = first.ok_or_else(|| format!("/{LOADAVG} names no load"))?;
    let count = u32::try_from(core_count(facts)?).unwrap_or(u32::MAX);
    let measured = format!("{load:.1} on {count} cores over the last minute");
    if load > BUSY_PER_CORE * f64::from(count) {
        bad(measured)
    } else {
        good(measured)
    }
}

fn kib(facts: &Facts, key: &str) -> Result<u64, String> {
    let mut lines = facts.host.text(MEMINFO)?.lines();
    let found = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    found
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("/{MEMINFO} does not name {key}"))
}

fn memory(facts: &Facts) -> Judged {
    let total = kib(facts, "MemTotal")?;
    let measured = format!("{} MiB (needed: 6 GiB, better 8)", total / 1024);
    at_least(&total, &MIN_MEMORY_KIB, &GOOD_MEMORY_KIB, measured)
}

fn available(facts: &Facts) -> Judged {
    let (total, free) = (kib(facts, "MemTotal")?, kib(facts, "MemAvailable")?);
    let percent = free.saturating_mul(100) / total.max(1);
    let measured = format!("{} MiB available, {percent} %", free / 1024);
    if percent < MIN_AVAILABLE_PERCENT {
        bad(measured)
    } else {
        good(measured)
    }
}

fn swap(facts: &Facts) -> Judged {
    let devices: Vec<_> = facts
        .host
        .text(SWAPS)?
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    if devices.is_empty() {
        good("off")
    } else {
        odd(format!("on: {}", devices.join(", ")))
    }
}
