//! The flags of making a bundle, and what they come to.

use std::path::PathBuf;
use std::time::Duration;

use appliance_common::cluster::ClusterSource;
use appliance_common::names::{HOST_AGENT_SOCKET, STATE_DIR};
use appliance_common::outbound::{OutboundSettings, ProxySettings};

use crate::options::{Mode, Options, Profile};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Make {
    /// Kubeconfig of the cluster
    #[arg(
        long,
        env = "KUBECONFIG",
        value_name = "PATH",
        default_value = "/etc/rancher/k3s/k3s.yaml"
    )]
    kubeconfig: PathBuf,
    /// Where archives are kept
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Exactly this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "output_dir")]
    output: Option<PathBuf>,
    /// Run from a workstation, for the box of this name
    #[arg(long, value_name = "ID")]
    site_id: Option<String>,
    /// How old log lines may be, such as 48h or 30m
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = duration)]
    since: Duration,
    /// Only logs of this namespace; may be repeated
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,
    /// Read no logs
    #[arg(long)]
    no_logs: bool,
    /// How much is collected
    #[arg(long, value_enum, default_value_t = Profile::Standard)]
    profile: Profile,
    /// Largest size of all files together, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=4096))]
    max_size: u64,
    /// Longest time of the whole run
    #[arg(long, value_name = "DURATION", default_value = "180s", value_parser = duration)]
    timeout: Duration,
    /// More to take out: a YAML file of rules with a name and a regex, a literal or a key
    #[arg(long, value_name = "FILE")]
    redactors: Option<PathBuf>,
    /// Addresses, names of hosts and e-mail addresses become tokens that stay the same within the bundle
    #[arg(long)]
    anonymize: bool,
    /// Put one directory around all files
    #[arg(long)]
    top_dir: bool,
    /// Print the plan and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// List the archives that are kept
    #[arg(long)]
    pub(super) list: bool,
    /// The result as one line of JSON; so it is unless --text is given
    #[arg(long, conflicts_with = "text")]
    json: bool,
    /// The result for a person
    #[arg(long)]
    pub(super) text: bool,
    /// Say nothing meanwhile
    #[arg(long)]
    pub(super) quiet: bool,
    /// End with 3 when something could not be collected
    #[arg(long)]
    pub(super) strict: bool,
    /// The appliance's state volume
    #[arg(long, env = "ALGA_APPLIANCE_STATE_DIR", value_name = "PATH", default_value = STATE_DIR)]
    state_dir: PathBuf,
    /// The host agent
    #[arg(long, env = "ALGA_APPLIANCE_HOST_AGENT_SOCKET", value_name = "PATH", default_value = HOST_AGENT_SOCKET)]
    host_agent_socket: PathBuf,
    /// Where it runs: `kubernetes-control-plane` is the pod
    #[arg(
        long,
        env = "ALGA_APPLIANCE_MODE",
        value_name = "MODE",
        hide = true,
        default_value = ""
    )]
    mode: String,
    /// Directory that stands for `/` where files of the system are read
    #[arg(
        long,
        env = "ALGA_APPLIANCE_HOST_ROOT",
        value_name = "PATH",
        default_value = "/",
        hide = true
    )]
    host_root: PathBuf,
    /// Directories in which the host's commands are looked for
    #[arg(
        long,
        env = "ALGA_HOST_AGENT_PATH",
        value_name = "PATH",
        hide = true,
        default_value = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    )]
    command_path: String,
    /// Hosts whose reachability is tried, separated by commas
    #[arg(
        long,
        env = "ALGA_SUPPORT_BUNDLE_PROBES",
        value_name = "HOSTS",
        value_delimiter = ','
    )]
    probe: Option<Vec<String>>,
    /// HTTPS proxy
    #[arg(long, env = "HTTPS_PROXY", value_name = "URL", hide_env_values = true)]
    https_proxy: Option<String>,
    /// Hosts the proxy is not used for
    #[arg(long, env = "NO_PROXY", value_name = "LIST", default_value = "")]
    no_proxy: String,
    /// PEM file of further certification authorities
    #[arg(long, env = "ALGA_APPLIANCE_CA_BUNDLE", value_name = "PATH")]
    ca_bundle: Option<PathBuf>,
}

impl Make {
    pub(super) fn options(&self) -> Options {
        let mode = match (self.mode.as_str(), &self.site_id) {
            ("kubernetes-control-plane", _) => Mode::Pod,
            (_, Some(_)) => Mode::Workstation,
            (_, None) => Mode::Host,
        };
        let cluster = ClusterSource::new(&self.kubeconfig).known_as("alga-support-bundle");
        let cluster = if mode == Mode::Pod {
            cluster
        } else {
            cluster.in_pod(None)
        };
        let mut options = Options::of(mode, cluster);
        options.output_dir = match (&self.output_dir, mode) {
            (Some(dir), _) => dir.clone(),
            (None, Mode::Workstation) => PathBuf::from("."),
            (None, _) => self.state_dir.join(crate::options::BUNDLES_DIR),
        };
        options.output.clone_from(&self.output);
        options.site.clone_from(&self.site_id);
        options.state_dir = (mode != Mode::Workstation).then(|| self.state_dir.clone());
        options.agent_socket.clone_from(&self.host_agent_socket);
        options.host_root.clone_from(&self.host_root);
        options.path.clone_from(&self.command_path);
        options.since = self.since;
        options.namespaces.clone_from(&self.namespace);
        options.logs = !self.no_logs;
        options.profile = self.profile;
        options.top_dir = self.top_dir;
        options.redactors.clone_from(&self.redactors);
        options.anonymize = self.anonymize;
        if let Some(probes) = &self.probe {
            options.probes = probes.iter().filter(|host| !host.is_empty()).cloned().collect();
        }
        options.limits.bundle = self.max_size << 20;
        options.limits.run = self.timeout;
        options
    }

    pub(super) fn outbound(&self) -> OutboundSettings {
        OutboundSettings {
            proxy: ProxySettings {
                https_proxy: self.https_proxy.clone().filter(|proxy| !proxy.is_empty()),
                no_proxy: Some(self.no_proxy.clone()).filter(|list| !list.is_empty()),
            },
            ca_bundle: self.ca_bundle.clone(),
            ..OutboundSettings::default()
        }
    }
}

/// `48h`, `30m`, `90s`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, factor) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) if text.ends_with('s') => (number, 1),
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) if text.ends_with('h') => (number, 3600),
        Some(number) => (number, 86_400),
        None => (text, 1),
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    let seconds = seconds.filter(|seconds| (1..=315_360_000).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "a time such as 48h, 30m or 90s, of at most ten years".to_owned())
}
