//! What the process was told, parsed once in `main`; nothing below reads the environment.
//!
//! Every field is a flag and a variable. A value that does not parse stops the start with a message
//! that names the variable.

mod manage;
mod parse;
mod reads;
mod setup;
mod storage;
mod support;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use appliance_common::names;
use appliance_common::release::policy::RepositoryPrefix;
use appliance_common::release::reference::{Channel, RegistryHost, Repository};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, FromArgMatches, Parser};

pub use parse::OwnerMaxAge;
use parse::{comma_list, owner_max_age, switch};
pub(crate) use parse::{millis, seconds};
pub use reads::MetricsArgs;
pub use storage::StorageArgs;
pub use support::SupportArgs;

/// The appliance's control plane: setup wizard, status and management on one HTTP port.
#[derive(Debug, Clone, Parser)]
#[command(name = "appliance-control-plane", version)]
pub struct Settings {
    /// Where this process runs; `kubernetes-control-plane` in the pod.
    #[arg(long, env = "ALGA_APPLIANCE_MODE")]
    pub mode: Option<String>,
    /// Where and for whom it listens.
    #[command(flatten)]
    pub http: HttpSettings,
    /// The management password and its sessions.
    #[command(flatten)]
    pub auth: AuthSettings,
    /// Documents on the state volume.
    #[command(flatten)]
    pub state: StateSettings,
    /// The cluster and the host below it.
    #[command(flatten)]
    pub cluster: ClusterSettings,
    /// Storage reconciliation.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// Where releases come from.
    #[command(flatten)]
    pub release: ReleaseSettings,
    /// How outbound connections are made.
    #[command(flatten)]
    pub outbound: OutboundSettings,
    /// What runs by itself, and how often.
    #[command(flatten)]
    pub engine: EngineSettings,
    /// Ports opened for operators.
    #[command(flatten)]
    pub access: AccessSettings,
    /// Where a monitoring system reads.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// What a support bundle looks at.
    #[command(flatten)]
    pub support: SupportArgs,
}

/// Ports opened for operators.
#[derive(Debug, Clone, Args)]
pub struct AccessSettings {
    /// Lowest port of a forward that names none.
    #[arg(long, env = "ALGA_APPLIANCE_FORWARD_PORT_MIN", default_value_t = 20000)]
    pub forward_port_min: u16,
    /// Highest port of a forward that names none.
    #[arg(long, env = "ALGA_APPLIANCE_FORWARD_PORT_MAX", default_value_t = 45000)]
    pub forward_port_max: u16,
}

/// Where and for whom the server listens.
#[derive(Debug, Clone, Args)]
pub struct HttpSettings {
    /// Listen port; 0 takes a free one, which the log names.
    #[arg(long, env = "ALGA_APPLIANCE_PORT", default_value_t = names::PORT)]
    pub port: u16,
    /// Listen address.
    #[arg(long, env = "ALGA_APPLIANCE_LISTEN_ADDRESS", default_value = "0.0.0.0")]
    pub listen_address: IpAddr,
    /// Comma list of names this box answers to; unset means any. IP literals and localhost always pass.
    #[arg(long, env = "ALGA_APPLIANCE_ALLOWED_HOSTS", value_parser = comma_list, default_value = "")]
    pub allowed_hosts: std::vec::Vec<String>,
    /// Directory of web pages to show instead of those built in; read once at the start.
    #[arg(long = "status-ui-dir", env = "ALGA_APPLIANCE_STATUS_UI_DIR")]
    pub ui_dir: Option<PathBuf>,
}

/// The management password and its sessions.
#[derive(Debug, Clone, Args)]
pub struct AuthSettings {
    /// One-time setup token.
    #[arg(long, env = "ALGA_APPLIANCE_TOKEN_FILE", default_value_os_t = in_state_dir(names::file::SETUP_TOKEN))]
    pub token_file: PathBuf,
    /// Hash of the management password. Revocations, lockouts and the audit log are kept beside it.
    #[arg(long, env = "ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE", default_value_os_t = in_state_dir(names::file::ADMIN_CREDENTIAL))]
    pub admin_credential_file: PathBuf,
    /// Key that signs session cookies.
    #[arg(long, env = "ALGA_APPLIANCE_SESSION_SECRET_FILE", default_value_os_t = in_state_dir(names::file::SESSION_SECRET))]
    pub session_secret_file: PathBuf,
    /// Longest life of a session, in seconds.
    #[arg(long = "session-ttl-seconds", env = "ALGA_APPLIANCE_SESSION_TTL_SECONDS", value_parser = seconds, default_value = "604800")]
    pub session_ttl: Duration,
    /// Whether a session is good only from the address it was opened from (1 or 0).
    #[arg(long, env = "ALGA_APPLIANCE_SESSION_BIND_IP", value_parser = switch, action = clap::ArgAction::Set, default_value = "1")]
    pub session_bind_ip: bool,
    /// Failed attempts from one address before it is locked out.
    #[arg(long, env = "ALGA_APPLIANCE_AUTH_MAX_FAILURES", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 5)]
    pub auth_max_failures: u32,
    /// First lockout, in milliseconds; each further failure doubles it.
    #[arg(long = "auth-base-lock-ms", env = "ALGA_APPLIANCE_AUTH_BASE_LOCK_MS", value_parser = millis, default_value = "60000")]
    pub auth_base_lock: Duration,
    /// Longest lockout, in milliseconds.
    #[arg(long = "auth-max-lock-ms", env = "ALGA_APPLIANCE_AUTH_MAX_LOCK_MS", value_parser = millis, default_value = "900000")]
    pub auth_max_lock: Duration,
}

/// Documents on the state volume.
#[derive(Debug, Clone, Args)]
pub struct StateSettings {
    /// Install state; decides between setup and status mode.
    #[arg(long, env = "ALGA_APPLIANCE_STATE_FILE", default_value_os_t = in_state_dir(names::file::INSTALL_STATE))]
    pub state_file: PathBuf,
    /// The operator's last submission.
    #[arg(long, env = "ALGA_APPLIANCE_SETUP_INPUTS_FILE", default_value_os_t = in_state_dir(names::file::SETUP_INPUTS))]
    pub setup_inputs_file: PathBuf,
    /// The release this box follows.
    #[arg(long, env = "ALGA_APPLIANCE_RELEASE_SELECTION_FILE", default_value_os_t = in_state_dir(names::file::RELEASE_SELECTION))]
    pub release_selection_file: PathBuf,
}

/// The cluster and the host below it.
#[derive(Debug, Clone, Args)]
pub struct ClusterSettings {
    /// Kubeconfig used outside a pod.
    #[arg(
        long,
        env = "ALGA_APPLIANCE_KUBECONFIG",
        default_value = "/etc/rancher/k3s/k3s.yaml"
    )]
    pub kubeconfig: PathBuf,
    /// Unix socket of the host agent.
    #[arg(long, env = "ALGA_APPLIANCE_HOST_AGENT_SOCKET", default_value = names::HOST_AGENT_SOCKET)]
    pub host_agent_socket: PathBuf,
    /// Root directory of the host's files, for the checks: `/`, or where the host's root is mounted.
    #[arg(long, env = "ALGA_APPLIANCE_HOST_ROOT", default_value = "/")]
    pub host_root: PathBuf,
    /// Manifest of the Flux controllers; unset means the one built in.
    #[arg(long, env = "ALGA_APPLIANCE_FLUX_MANIFEST")]
    pub flux_manifest: Option<PathBuf>,
    /// Budget of one call to the cluster, in milliseconds.
    #[arg(long = "kubectl-request-timeout-ms", env = "ALGA_APPLIANCE_KUBECTL_REQUEST_TIMEOUT_MS", value_parser = millis, default_value = "20000")]
    pub request_timeout: Duration,
    /// Budget of one status reading, in milliseconds.
    #[arg(long = "kubectl-status-timeout-ms", env = "ALGA_APPLIANCE_KUBECTL_STATUS_TIMEOUT_MS", value_parser = millis, default_value = "20000")]
    pub status_timeout: Duration,
    /// Budget of a call made for an API client, in milliseconds.
    #[arg(long = "kubectl-api-timeout-ms", env = "ALGA_APPLIANCE_KUBECTL_API_TIMEOUT_MS", value_parser = millis, default_value = "30000")]
    pub api_timeout: Duration,
    /// Budget of a log reading, in milliseconds.
    #[arg(long = "kubectl-log-timeout-ms", env = "ALGA_APPLIANCE_KUBECTL_LOG_TIMEOUT_MS", value_parser = millis, default_value = "60000")]
    pub log_timeout: Duration,
}

/// Where releases come from.
#[derive(Debug, Clone, Args)]
pub struct ReleaseSettings {
    /// Registry host that release references without one are resolved at.
    #[arg(long, env = "ALGA_APPLIANCE_REGISTRY_HOST", default_value = "ghcr.io")]
    pub registry_host: RegistryHost,
    /// Repository of the release manifests.
    #[arg(
        long,
        env = "ALGA_APPLIANCE_RELEASE_REPOSITORY",
        default_value = "nine-minds/alga-appliance-release"
    )]
    pub release_repository: Repository,
    /// Channel of a box that chose none.
    #[arg(long, env = "ALGA_APPLIANCE_DEFAULT_CHANNEL", default_value = "stable")]
    pub default_channel: Channel,
    /// Comma list of prefixes below which repositories are accepted; unset means `ghcr.io/nine-minds/`
    /// and the registry host's `nine-minds/`.
    #[arg(long, env = "ALGA_APPLIANCE_ALLOWED_REPOSITORIES", value_delimiter = ',')]
    pub allowed_repositories: Vec<RepositoryPrefix>,
    /// Address of the licence service: https, or http on this machine. Unset, no install code can be redeemed.
    #[arg(long, env = "ALGA_LICENSE_SERVICE_URL")]
    pub license_service_url: Option<String>,
}

/// How outbound connections are made.
#[derive(Debug, Clone, Args)]
pub struct OutboundSettings {
    /// PEM file of further certificate authorities to trust.
    #[arg(long, env = "ALGA_APPLIANCE_CA_BUNDLE")]
    pub ca_bundle: Option<PathBuf>,
    /// Proxy for https requests.
    #[arg(long, env = "HTTPS_PROXY")]
    pub https_proxy: Option<String>,
    /// The same; the other spelling of the variable.
    #[arg(long = "https-proxy-lower", env = "https_proxy", hide = true)]
    pub https_proxy_lower: Option<String>,
    /// Proxy for http requests; none are made, so it is only reported.
    #[arg(long, env = "HTTP_PROXY")]
    pub http_proxy: Option<String>,
    /// The same; the other spelling of the variable.
    #[arg(long = "http-proxy-lower", env = "http_proxy", hide = true)]
    pub http_proxy_lower: Option<String>,
    /// Comma list of hosts that are reached without a proxy.
    #[arg(long, env = "NO_PROXY")]
    pub no_proxy: Option<String>,
    /// The same; the other spelling of the variable.
    #[arg(long = "no-proxy-lower", env = "no_proxy", hide = true)]
    pub no_proxy_lower: Option<String>,
}

/// What runs by itself, and how often.
#[derive(Debug, Clone, Args)]
pub struct EngineSettings {
    /// Never start the setup workflow (1 or 0); also stops automatic retries.
    #[arg(long, env = "ALGA_APPLIANCE_DISABLE_SETUP_QUEUE", value_parser = switch, action = clap::ArgAction::Set, default_value = "0")]
    pub disable_setup_queue: bool,
    /// Never retry a blocked setup by itself (1 or 0).
    #[arg(long, env = "ALGA_APPLIANCE_DISABLE_AUTO_RETRY", value_parser = switch, action = clap::ArgAction::Set, default_value = "0")]
    pub disable_auto_retry: bool,
    /// Automatic retries before an operator is waited for.
    #[arg(long, env = "ALGA_APPLIANCE_AUTO_RETRY_MAX_ATTEMPTS", default_value_t = 10)]
    pub auto_retry_max_attempts: u32,
    /// First wait before an automatic retry, in milliseconds.
    #[arg(long = "auto-retry-base-ms", env = "ALGA_APPLIANCE_AUTO_RETRY_BASE_MS", value_parser = millis, default_value = "15000")]
    pub auto_retry_base: Duration,
    /// Longest wait before an automatic retry, in milliseconds.
    #[arg(long = "auto-retry-max-ms", env = "ALGA_APPLIANCE_AUTO_RETRY_MAX_MS", value_parser = millis, default_value = "300000")]
    pub auto_retry_max: Duration,
    /// How often a due retry is looked for, in milliseconds.
    #[arg(long = "reconcile-interval-ms", env = "ALGA_APPLIANCE_RECONCILE_INTERVAL_MS", value_parser = millis, default_value = "15000")]
    pub reconcile_interval: Duration,
    /// Whether preflight times durable writes (1 or 0).
    #[arg(long, env = "ALGA_APPLIANCE_PREFLIGHT_FSYNC", value_parser = switch, action = clap::ArgAction::Set, default_value = "1")]
    pub preflight_fsync: bool,
    /// How often the host is checked again once the application is installed, in seconds; 0 means never.
    #[arg(long = "drift-interval-seconds", env = "ALGA_APPLIANCE_DRIFT_INTERVAL_SECONDS", value_parser = seconds, default_value = "21600")]
    pub drift_interval: Duration,
    /// Age of a status snapshot that is still served, in milliseconds.
    #[arg(long = "status-cache-ttl-ms", env = "ALGA_APPLIANCE_STATUS_CACHE_TTL_MS", value_parser = millis, default_value = "10000")]
    pub status_cache_ttl: Duration,
    /// Age of a network probe that is still believed, in milliseconds.
    #[arg(long = "network-probe-ttl-ms", env = "ALGA_APPLIANCE_NETWORK_PROBE_TTL_MS", value_parser = millis, default_value = "20000")]
    pub network_probe_ttl: Duration,
    /// Failed probes in a row that turn a healthy network into an unhealthy one.
    #[arg(long, env = "ALGA_APPLIANCE_NETWORK_PROBE_DEBOUNCE", default_value_t = 2)]
    pub network_probe_debounce: u32,
    /// Age at which the owner of an update is taken for dead, in milliseconds; read for compatibility.
    #[arg(long = "update-owner-max-age-ms", env = "ALGA_APPLIANCE_UPDATE_OWNER_MAX_AGE_MS", value_parser = owner_max_age, default_value = "21600000")]
    pub update_owner_max_age: OwnerMaxAge,
}

impl Settings {
    /// The settings of a command line, with the environment for what it leaves out.
    ///
    /// # Errors
    /// The usage error, which names the flag and the variable of a value that does not parse.
    pub fn read(
        args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        parse(args)
    }
}

/// Reads a command line of which settings are a part, with the environment for what it leaves out.
pub(crate) fn parse<C: CommandFactory + FromArgMatches>(
    args: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
) -> Result<C, clap::Error> {
    let mut command = C::command().mut_args(unset_if_empty);
    command
        .try_get_matches_from_mut(args)
        .and_then(|matches| C::from_arg_matches(&matches))
        .map_err(|error| naming_variable(error, &command))
}

/// Settings whose variable means the same empty and unset, as unit files have them. An
/// empty number is an error like any other that does not parse.
const MAY_BE_EMPTY: [&str; 4] = [
    "ca_bundle",
    "flux_manifest",
    "allowed_repositories",
    "metrics_token_file",
];

#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
fn unset_if_empty(arg: clap::Arg) -> clap::Arg {
    let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if MAY_BE_EMPTY.contains(&arg.get_id().as_str()) && arg.get_env().is_some_and(is_empty) {
        return arg.env(None::<&str>);
    }
    arg
}

/// clap names a bad value by its flag, even if it came from the environment: this adds the variable.
fn naming_variable(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && let Some(arg) = every_argument(command).find(|arg| arg.to_string() == *flag)
        && let Some(variable) = arg.get_env()
    {
        let both = format!("{flag} or {}", variable.to_string_lossy());
        error.insert(ContextKind::InvalidArg, ContextValue::String(both));
    }
    error
}

/// Of the program and of each of its jobs.
fn every_argument(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    let jobs = command.get_subcommands().flat_map(clap::Command::get_arguments);
    command.get_arguments().chain(jobs)
}

pub(crate) fn in_state_dir(name: &str) -> PathBuf {
    PathBuf::from(names::STATE_DIR).join(name)
}

#[cfg(test)]
mod tests;
