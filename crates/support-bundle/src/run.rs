//! One run, from an empty directory to an archive with a name.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::cluster::Cluster;
use appliance_common::meter::Meter;
use appliance_common::outbound::OutboundSettings;
use appliance_common::process::chain;
use appliance_common::redact::Counts;
use appliance_kubectl_queue::Starter;
use jiff::Timestamp;
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::analyze;
use crate::collect::{Ended, Reports, Status, agent, cluster, host, literals, logs, network, pod, state};
use crate::options::{Mode, Options, Profile};
use crate::outcome::{Bundle, BundleError};
use crate::redactors::Redactors;
use crate::staging::{self, Staging};
use crate::{archive, retention};

/// Told what is being done, in a few words.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Longest wait for the first answer of the API server: one that is dead must not cost everything else its time.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
const README: &str = "A support bundle of the Alga appliance.\n\n\
    analysis.txt           what is probably wrong, the likeliest cause first\n\
    meta/                  the appliance's own documents\n\
    host/, pod/, network/  what the machine, the pod and the network look like\n\
    cluster/               tables and objects of the cluster (resources/*.jsonl: one object a line)\n\
    logs/                  the newest part of each container's log\n\
    collectors.json        what was collected, and what could not be\n\
    manifest.json          every file with its digest\n\
    redaction-report.json  how much was taken out of which file, by rule; never what\n";

/// Makes a bundle. Dropped before its end, it leaves nothing behind.
///
/// # Errors
/// [`BundleError`]; whatever could not be collected is no error but a warning.
pub async fn collect(
    options: &Options,
    outbound: &OutboundSettings,
    starter: Option<&Starter>,
    progress: Progress<'_>,
) -> Result<Bundle, BundleError> {
    let clock = Clock::system();
    let begun = clock.now();
    prepare(options)?;
    let redactors = Redactors::of(options.redactors.as_deref()).map_err(BundleError::Redactors)?;
    let reports = Reports::new(clock.clone());
    progress("asking the cluster");
    let cluster = reach(options, &reports).await;
    let limit = options.limits.call.min(Duration::from_secs(10));
    let (redactor, missing) = literals::redactor(options, cluster.as_ref(), limit, redactors).await;
    if let Some(why) = missing {
        let why = format!(
            "not every Secret could be read, so their values are known by their names and forms only: {why}"
        );
        reports.add(
            "secrets-known",
            &iso_millis(begun),
            Duration::ZERO,
            Ended::as_is(Status::Partial, why),
        );
    }
    let staging = Staging::new(dir(options), redactor, options.limits);
    let staging = Arc::new(staging.map_err(write_error(dir(options)))?);
    state::summary(&staging, options, begun).map_err(write_error(dir(options)))?;
    progress("collecting");
    let work = gather(&staging, &reports, options, outbound, (cluster.as_ref(), starter));
    if timeout(options.limits.run, work).await.is_err() {
        tracing::warn!("the time of the whole run is up; what was collected is kept");
    }
    progress("packing");
    let job = Packing {
        options: options.clone(),
        reports,
        begun,
        ended: clock.now(),
    };
    tokio::task::spawn_blocking(move || job.finish(&staging))
        .await
        .map_err(|_| BundleError::Defect)?
}

async fn reach(options: &Options, reports: &Reports) -> Option<Cluster> {
    let mut found = None;
    reports
        .during("cluster", async {
            match options.cluster.open(Arc::new(Meter::default())).await {
                Ok(cluster) => match cluster.fetch("/version", 64 * 1024, FIRST_ANSWER).await {
                    Ok(_) => {
                        found = Some(cluster);
                        Ended::ok()
                    }
                    Err(error) => Ended::failed(format!("the API server does not answer: {error}")),
                },
                Err(error) => Ended::failed(chain(&error)),
            }
        })
        .await;
    found
}

async fn gather(
    staging: &Arc<Staging>,
    reports: &Reports,
    options: &Options,
    outbound: &OutboundSettings,
    (cluster, starter): (Option<&Cluster>, Option<&Starter>),
) {
    let appliance = reports.during("state", async { state::copy(staging, options) });
    let host = async {
        match (options.mode, starter) {
            (Mode::Host, Some(starter)) => host::collect(staging, reports, options, starter).await,
            (Mode::Host | Mode::Pod, _) => {
                reports
                    .during("host-agent", agent::collect(staging, reports, options))
                    .await;
                reports
                    .during("pod", async { pod::collect(staging, options) })
                    .await;
            }
            (Mode::Workstation, _) => {}
        }
    };
    let network = async {
        if !options.probes.is_empty() {
            reports
                .during("network", network::collect(staging, options, outbound))
                .await;
        }
    };
    let objects = async {
        match cluster {
            Some(cluster) => cluster::collect(staging, reports, options, cluster).await,
            None => {
                for kind in crate::plan::KINDS {
                    let why = Ended::failed("the API server does not answer");
                    reports.add(
                        &kind.collector(),
                        &iso_millis(Clock::system().now()),
                        Duration::ZERO,
                        why,
                    );
                }
            }
        }
    };
    let logs = async {
        if let Some(cluster) = cluster.filter(|_| options.logs && options.profile > Profile::Minimal) {
            reports
                .during("logs", logs::collect(staging, options, cluster))
                .await;
        }
    };
    tokio::join!(appliance, host, network, objects, logs);
}

fn dir(options: &Options) -> &Path {
    let file = options.output.as_deref().and_then(Path::parent);
    let named = file.filter(|dir| !dir.as_os_str().is_empty());
    match (&options.output, named) {
        (Some(_), None) => Path::new("."),
        (Some(_), Some(dir)) => dir,
        (None, _) => &options.output_dir,
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> BundleError + '_ {
    move |source| BundleError::Write {
        path: path.to_owned(),
        source,
    }
}

/// The directory, without what was left in it, and with room.
fn prepare(options: &Options) -> Result<(), BundleError> {
    let dir = dir(options);
    DirBuilder::new()
        .mode(0o750)
        .recursive(true)
        .create(dir)
        .map_err(write_error(dir))?;
    staging::sweep(dir).map_err(write_error(dir))?;
    if let Some(path) = options.output.as_ref().filter(|path| path.exists()) {
        return Err(BundleError::Exists { path: path.clone() });
    }
    let is = statvfs(dir).map_err(|error| write_error(dir)(error.into()))?;
    let free = is.blocks_available() * is.fragment_size();
    if free < options.limits.free {
        return Err(BundleError::NoSpace {
            dir: dir.to_owned(),
            free: free >> 20,
            needed: options.limits.free >> 20,
        });
    }
    Ok(())
}

/// What is left to do when everything is collected.
struct Packing {
    options: Options,
    reports: Reports,
    begun: Timestamp,
    ended: Timestamp,
}

impl Packing {
    fn finish(&self, staging: &Staging) -> Result<Bundle, BundleError> {
        let dir = dir(&self.options);
        let reports = self.reports.all();
        let analysis = analyze::analyze(&|path: &str| staging.read(path), &reports);
        let redaction = self.documents(staging, &analysis).map_err(write_error(dir))?;
        let stem = archive::stem(self.options.site.as_deref(), self.begun);
        let top = self.options.top_dir.then_some(stem.as_str());
        archive::write(staging, top, self.begun).map_err(write_error(dir))?;
        if let Some(member) = archive::leak(staging).map_err(write_error(dir))? {
            return Err(BundleError::Leak { member });
        }
        let (sha256, bytes) = archive::digest(&staging.archive()).map_err(write_error(dir))?;
        let path = self.publish(staging, dir, &stem)?;
        // An archive that stays too long is no failure of this one.
        if let Err(error) = retention::prune(dir) {
            tracing::warn!(error = chain(&error), "old bundles were not removed");
        }
        let is_bad = |status| !matches!(status, Status::Ok | Status::Skipped);
        let bad = reports.iter().filter(|report| is_bad(report.status));
        let warnings: Vec<_> = bad
            .map(|report| {
                // A collector's name is ours: `secrets` names no secret.
                let error = report.error.as_deref().unwrap_or("not complete");
                format!("{}: {}", report.name, staging.redactor().text(error).as_str())
            })
            .collect();
        Ok(Bundle {
            ok: true,
            phase: Bundle::phase(),
            message: format!("The support bundle is {}.", path.display()),
            bundle_path: path,
            redaction,
            partial: !warnings.is_empty(),
            warnings,
            sha256,
            bytes,
            findings: analysis.headlines(),
        })
    }

    fn publish(&self, staging: &Staging, dir: &Path, stem: &str) -> Result<PathBuf, BundleError> {
        let Some(path) = &self.options.output else {
            return archive::publish(staging, dir, stem).map_err(write_error(dir));
        };
        match fs::hard_link(staging.archive(), path) {
            Ok(()) => Ok(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(BundleError::Exists { path: path.clone() })
            }
            Err(error) => Err(write_error(path)(error)),
        }
    }

    /// The files at the archive's root; how much was taken out in all.
    fn documents(&self, staging: &Staging, analysis: &analyze::Analysis) -> io::Result<Counts> {
        const COLLECTOR: &str = "bundle";
        staging.text("README.txt", COLLECTOR, README)?;
        staging.text("analysis.txt", COLLECTOR, &analysis.text())?;
        staging.json("analysis.json", COLLECTOR, json!({"findings": analysis.findings}))?;
        let reports = serde_json::to_value(self.reports.all()).map_err(io::Error::other)?;
        staging.json("collectors.json", COLLECTOR, json!({"collectors": reports}))?;
        let members = staging.members();
        let (mut total, mut files) = (Counts::default(), serde_json::Map::new());
        for (member, counts) in members.iter().filter(|(_, counts)| counts.total() > 0) {
            total.add(counts);
            files.insert(
                member.path.clone(),
                serde_json::to_value(counts).map_err(io::Error::other)?,
            );
        }
        // By rule, under names that are no keys of secrets.
        let report = json!({"total": rules(&total), "files": files.iter().map(|(path, counts)| {
            json!({"path": path, "rules": counts.as_object().map(|counts| counts.iter().map(|(rule, count)| json!({"rule": rule, "count": count})).collect::<Vec<_>>())})
        }).collect::<Vec<_>>()});
        staging.json("redaction-report.json", COLLECTOR, report)?;
        let members: Vec<_> = staging.members().into_iter().map(|(member, _)| member).collect();
        let manifest = json!({
            "schema": "alga.appliance.support-bundle/v2", "tool": "alga-support-bundle", "version": env!("CARGO_PKG_VERSION"),
            "mode": self.options.mode.name(), "node": hostname(&self.options),
            "startedAt": iso_millis(self.begun), "finishedAt": iso_millis(self.ended),
            "members": members,
        });
        staging.json("manifest.json", COLLECTOR, manifest)?;
        Ok(total)
    }
}

fn rules(counts: &Counts) -> Value {
    let counts = serde_json::to_value(counts).unwrap_or_default();
    let all = counts.as_object().into_iter().flatten();
    all.map(|(rule, count)| json!({"rule": rule, "count": count}))
        .collect()
}

fn hostname(options: &Options) -> String {
    let name = fs::read_to_string(options.host_root.join("etc/hostname")).unwrap_or_default();
    name.trim().to_owned()
}
