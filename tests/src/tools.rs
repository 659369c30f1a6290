//! The Kubernetes, Flux and registry programs the tests run, built once from the Go module proxy.
//!
//! They live outside the checkout in a directory named after everything that decides what they are, so a
//! changed pin builds anew and two checkouts share. `KUBEBUILDER_ASSETS` (the convention of envtest)
//! replaces `etcd` and `kube-apiserver` when it is set.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};

mod crds;
mod go;

pub(crate) use go::write_whole;

/// The module that pins every tool; it is copied into the cache, so a build never edits the checkout.
const GO_MOD: &str = include_str!("../tools/go.mod");
const GO_SUM: &str = include_str!("../tools/go.sum");

/// Built in this order: what everything else shares comes first.
const PROGRAMS: [Program; 8] = [
    Program {
        name: "kube-apiserver",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
    },
    Program {
        name: "kube-controller-manager",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    Program {
        name: "kube-scheduler",
        package: "k8s.io/kubernetes/cmd/kube-scheduler",
    },
    Program {
        name: "etcd",
        package: "go.etcd.io/etcd/server/v3",
    },
    Program {
        name: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
    },
    Program {
        name: "helm",
        package: "helm.sh/helm/v3/cmd/helm",
    },
    Program {
        name: "kustomize-controller",
        package: "github.com/fluxcd/kustomize-controller",
    },
    Program {
        name: "registry",
        package: "github.com/distribution/distribution/v3/cmd/registry",
    },
];

/// How often a wait is reported, and how often what is waited for is looked at.
const REPORT_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Program {
    name: &'static str,
    package: &'static str,
}

/// What is being made and for how long already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The tool.
    pub tool: &'static str,
    /// Time spent on it so far.
    pub elapsed: Duration,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        write!(f, "building {}, ", self.tool)?;
        if minutes > 0 {
            write!(f, "{minutes} min ")?;
        }
        write!(f, "{seconds} s so far")
    }
}

/// Where to look and what to build with; [`Locations::of_this_machine`] is the usual one.
#[derive(Debug, Clone)]
pub struct Locations {
    /// The cache directory of this product.
    pub cache: PathBuf,
    /// Directory with ready-made `etcd` and `kube-apiserver`.
    pub assets: Option<PathBuf>,
}

impl Locations {
    /// From `XDG_CACHE_HOME` (else `HOME`) and `KUBEBUILDER_ASSETS`.
    ///
    /// # Errors
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test harness has no Settings; this is its edge"
    )]
    pub fn of_this_machine() -> Result<Self> {
        let path = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cache = path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache")));
        let cache = cache.context("finding a cache for the built tools: set HOME or XDG_CACHE_HOME")?;
        Ok(Self {
            cache: cache.join("alga-appliance"),
            assets: path("KUBEBUILDER_ASSETS"),
        })
    }
}

/// Every tool, ready to run.
#[derive(Debug, Clone)]
pub struct Tools {
    dir: PathBuf,
    assets: Option<PathBuf>,
}

impl Tools {
    /// Finds the tools, or builds what is missing: 13 minutes on two cores the first time.
    ///
    /// Blocks; call it from a blocking task. A kernel lock keeps a second run waiting instead of
    /// building the same.
    ///
    /// # Errors
    /// Go is missing, a build fails or takes too long, or the cache cannot be written; the message says
    /// what to do next.
    pub fn ensure(progress: &dyn Fn(Progress)) -> Result<Self> {
        Self::ensure_in(&Locations::of_this_machine()?, progress)
    }

    /// [`Tools::ensure`] with other places.
    ///
    /// # Errors
    /// As [`Tools::ensure`].
    pub fn ensure_in(locations: &Locations, progress: &dyn Fn(Progress)) -> Result<Self> {
        let dir = locations.cache.join("tools").join(fingerprint());
        fs::create_dir_all(&dir).with_context(|| format!("making the tool cache {}", dir.display()))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).with_context(|| format!("opening {}", lock_path.display()))?;
        wait_for(&lock, REPORT_EVERY, progress)
            .with_context(|| format!("locking {}", lock_path.display()))?;
        let tools = Self {
            dir,
            assets: locations.assets.clone(),
        };
        let module = go::Module::new(&tools.dir);
        for program in PROGRAMS {
            if !tools.path(program.name).is_file() {
                module.build(program.name, program.package, progress)?;
            }
        }
        crds::ensure(&module, &tools.crds(), progress)?;
        Ok(tools)
    }

    /// Where a tool is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        let ready_made = self
            .assets
            .as_ref()
            .map(|assets| assets.join(name))
            .filter(|path| path.is_file());
        ready_made.unwrap_or_else(|| self.dir.join(name))
    }

    /// Directory with one YAML file for each custom resource definition of Flux the product needs.
    #[must_use]
    pub fn crds(&self) -> PathBuf {
        self.dir.join("crds")
    }

    /// The cache directory of this set of tools; what is generated from them may be kept there.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Takes the lock. Another run that holds it is building what we need, for as long as that takes.
fn wait_for(lock: &File, report_every: Duration, progress: &dyn Fn(Progress)) -> Result<()> {
    let mut report = Report::new("what another run has begun", report_every);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => report.now_and_then(progress),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Tells of a wait, not too often.
struct Report {
    tool: &'static str,
    every: Duration,
    started: Instant,
    next: Duration,
}

impl Report {
    fn new(tool: &'static str, every: Duration) -> Self {
        Self {
            tool,
            every,
            started: Instant::now(),
            next: every,
        }
    }

    fn now_and_then(&mut self, progress: &dyn Fn(Progress)) {
        let elapsed = self.started.elapsed();
        if elapsed >= self.next {
            self.next = elapsed + self.every;
            progress(Progress {
                tool: self.tool,
                elapsed,
            });
        }
    }
}

/// Names the set of tools: pins and build flags.
fn fingerprint() -> String {
    let input = [GO_MOD, GO_SUM, &go::BUILD_FLAGS.join(" ")].join("\n--\n");
    hex::encode(&digest(&SHA256, input.as_bytes()).as_ref()[..8])
}

#[cfg(test)]
mod tests;
