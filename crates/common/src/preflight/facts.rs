//! What the checks judge: plain data, and a reason for every reading that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;

use super::checks::Stage;
use crate::agent_api;
use crate::outbound::Transport;

/// What the operating system calls itself; os-release(5).
pub(super) const OS_RELEASE: &str = "etc/os-release";

/// A reading, or why there is none.
pub type Reading<T> = Result<T, String>;

/// Everything that one run of the checks knows.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Whether the cluster is already there.
    pub stage: Stage,
    /// The host.
    pub host: HostFacts,
    /// The network, as far as it was asked.
    pub network: NetworkFacts,
    /// When the readings were taken.
    pub at: Timestamp,
}

/// Whose `/proc`, files and processes can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The host's: what is read there is certain.
    Host,
    /// A container's: `/proc` and `/sys` are hints, files and processes of the host cannot be seen.
    Container,
}

/// The host, read from a root directory.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// Whose readings they are.
    pub view: View,
    /// Files by their path below the root.
    pub texts: BTreeMap<&'static str, Reading<String>>,
    /// Whether a path exists below the root.
    pub present: BTreeMap<&'static str, Reading<bool>>,
    /// Kernel modules: loaded, built in, or there to be loaded.
    pub modules: Modules,
    /// Network interfaces and their MTU.
    pub interfaces: Reading<BTreeMap<String, u32>>,
    /// Names of the host's processes.
    pub processes: Reading<BTreeSet<String>>,
    /// Disks.
    pub disks: Disks,
}

/// Kernel modules.
#[derive(Debug, Clone)]
pub struct Modules {
    /// In use now.
    pub loaded: Reading<BTreeSet<String>>,
    /// Part of the kernel, or installed beside it.
    pub installed: Reading<BTreeSet<String>>,
}

/// Disks, by what they are for.
#[derive(Debug, Clone)]
pub struct Disks {
    /// Below the cluster's datastore and images.
    pub datastore: Reading<Space>,
    /// Below the application's volumes.
    pub data: Reading<Space>,
    /// Below the appliance's own state.
    pub state: Reading<Space>,
    /// How long the datastore's disk takes to make a write durable.
    pub fsync: Reading<Fsync>,
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that are free for us.
    pub free: u64,
    /// Inodes in all; 0 where the file system does not count them.
    pub inodes: u64,
    /// Inodes that are free.
    pub inodes_free: u64,
    /// Whether it takes no writes.
    pub read_only: bool,
}

/// Durable writes that were timed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fsync {
    /// 99 of 100 were not slower.
    pub p99: Duration,
    /// How many were timed.
    pub writes: usize,
    /// Where.
    pub path: String,
}

/// The network, as far as it was asked.
#[derive(Debug, Clone)]
pub struct NetworkFacts {
    /// The DNS servers that are asked, each with what it said for the registry.
    pub servers: Reading<Vec<(SocketAddr, Reading<Answer>)>>,
    /// The registry's host name.
    pub registry_host: String,
    /// Whether names are resolved here: the registry has one, and no proxy resolves it.
    pub resolves: bool,
    /// What a name that cannot exist resolves to.
    pub nonsense: Reading<Answer>,
    /// What `/v2/` of the registry answered.
    pub registry: Reading<Reply>,
    /// What the licence service answered; `None` when none is configured.
    pub license_service: Option<Reading<Reply>>,
    /// Whether requests go through a proxy, and which they bypass it for.
    pub proxy: ProxyFacts,
}

/// What a DNS server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These addresses.
    Addresses(Vec<IpAddr>),
    /// That there is none.
    NoAddress(String),
    /// Nothing in time.
    Silence,
}

/// What an HTTP server answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Something.
    Http {
        /// The status code.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// `Date`, and when it arrived.
        date: Option<(String, Timestamp)>,
    },
    /// No answer.
    Failed {
        /// What went wrong.
        transport: Transport,
        /// Whether the server's certificate was not trusted.
        untrusted: bool,
        /// The error in words.
        cause: String,
    },
}

/// Proxy settings of this process, without their values.
#[derive(Debug, Clone, Default)]
pub struct ProxyFacts {
    /// Whether there is one.
    pub in_use: bool,
    /// `NO_PROXY`.
    pub bypass: String,
}

impl HostFacts {
    /// A host of which nothing could be read, and why.
    #[must_use]
    pub fn unseen(reason: &str) -> Self {
        let why = || reason.to_owned();
        Self {
            view: View::Container,
            texts: BTreeMap::new(),
            present: BTreeMap::new(),
            modules: Modules {
                loaded: Err(why()),
                installed: Err(why()),
            },
            interfaces: Err(why()),
            processes: Err(why()),
            disks: Disks::unseen(reason),
        }
    }

    /// What the host agent told, in the place of readings that are missing.
    pub fn fill_in(&mut self, told: &agent_api::HostFacts) {
        if let (Some(os), Err(_)) = (&told.os, self.text(OS_RELEASE)) {
            let value = |value: &Option<String>| value.clone().unwrap_or_default();
            let text = format!("ID={}\nVERSION_ID={}\n", value(&os.id), value(&os.version_id));
            self.texts.insert(OS_RELEASE, Ok(text));
        }
        if let (Some(disk), Err(_)) = (&told.data_disk, &self.disks.data) {
            self.disks.data = Ok(Space {
                total: disk.total_bytes,
                free: disk.free_bytes,
                inodes: disk.total_inodes,
                inodes_free: disk.free_inodes,
                read_only: false,
            });
        }
    }

    /// A file's text.
    ///
    /// # Errors
    /// Why it was not read.
    pub fn text(&self, path: &str) -> Result<&str, String> {
        let found = self
            .texts
            .get(path)
            .ok_or_else(|| format!("/{path} was not read"))?;
        found.as_deref().map_err(Clone::clone)
    }

    /// A number that is the whole text of a file, as sysctl has them.
    ///
    /// # Errors
    /// Why it was not read.
    pub fn number(&self, path: &str) -> Result<u64, String> {
        let text = self.text(path)?.trim();
        text.parse()
            .map_err(|_| format!("/{path} says {text:?}, which is no number"))
    }

    /// Whether a path exists.
    ///
    /// # Errors
    /// Why that could not be told.
    pub fn has(&self, path: &str) -> Result<bool, String> {
        let found = self.present.get(path).cloned();
        found.unwrap_or_else(|| Err(format!("/{path} was not looked for")))
    }
}

impl Disks {
    /// Disks that could not be looked at, and why.
    #[must_use]
    pub fn unseen(reason: &str) -> Self {
        Self {
            datastore: Err(reason.to_owned()),
            data: Err(reason.to_owned()),
            state: Err(reason.to_owned()),
            fsync: Err(reason.to_owned()),
        }
    }
}

impl NetworkFacts {
    /// A network that was not asked, and why.
    #[must_use]
    pub fn unasked(reason: &str) -> Self {
        Self {
            servers: Err(reason.to_owned()),
            registry_host: String::new(),
            resolves: true,
            nonsense: Err(reason.to_owned()),
            registry: Err(reason.to_owned()),
            license_service: Some(Err(reason.to_owned())),
            proxy: ProxyFacts::default(),
        }
    }
}

/// An IPv4 route of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Interface.
    pub interface: String,
    /// Network.
    pub network: Ipv4Addr,
    /// Bits of its mask.
    pub bits: u32,
}

/// The routes of `/proc/net/route`: hexadecimal, in the byte order of the machine.
#[must_use]
pub fn routes(text: &str) -> Vec<Route> {
    let address = |word: &str| u32::from_str_radix(word, 16).ok().map(u32::swap_bytes);
    let route = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (interface, network, mask) = (words.first()?, address(words.get(1)?)?, address(words.get(7)?)?);
        Some(Route {
            interface: (*interface).to_owned(),
            network: network.into(),
            bits: mask.count_ones(),
        })
    };
    text.lines().skip(1).filter_map(route).collect()
}

/// The host's own IPv4 addresses, from `/proc/net/fib_trie`.
#[must_use]
pub fn own_addresses(fib_trie: &str) -> BTreeSet<Ipv4Addr> {
    let lines: Vec<_> = fib_trie.lines().map(str::trim).collect();
    let local = lines.windows(2).filter(|pair| pair[1].contains("/32 host LOCAL"));
    local
        .filter_map(|pair| pair[0].trim_start_matches(['|', '-', '+', ' ']).parse().ok())
        .filter(|address: &Ipv4Addr| !address.is_loopback())
        .collect()
}
