//! What the setup workflow needs of the settings.

use appliance_common::cluster::ClusterSource;
use appliance_common::outbound::{DnsPolicy, ProxySettings};
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::registry::RegistrySettings;

use super::{OutboundSettings, ReleaseSettings, Settings};
use crate::setup::RetrySettings;
use crate::setup::context::{PreflightSettings, SetupSettings};
use crate::setup::redemption::{ServiceUrl, ServiceUrlError};
use crate::setup::retry::RetryPolicy;

impl Settings {
    /// The setup workflow's own settings.
    #[must_use]
    pub fn setup(&self) -> SetupSettings {
        let host = self.release.registry_host.clone();
        let mut policy = UsePolicy::for_registry(&host);
        if !self.release.allowed_repositories.is_empty() {
            policy
                .allowed_repositories
                .clone_from(&self.release.allowed_repositories);
        }
        SetupSettings {
            inputs_file: self.state.setup_inputs_file.clone(),
            state_file: self.state.state_file.clone(),
            selection_file: self.state.release_selection_file.clone(),
            token_file: self.auth.token_file.clone(),
            flux_manifest: self.cluster.flux_manifest.clone(),
            cluster: ClusterSource::new(&self.cluster.kubeconfig).with_call_limit(self.cluster.api_timeout),
            registry: RegistrySettings {
                dns: DnsPolicy::System,
                proxy: self.outbound.proxy(),
                ca_bundle: self.outbound.ca_bundle.clone(),
                ..RegistrySettings::new(host, self.release.release_repository.clone())
            },
            license_service: self.release.license_service(),
            policy,
            proxy_variables: self.outbound.proxy_variables(),
            storage: self
                .storage
                .engine(&self.state.state_file, &self.cluster.host_agent_socket),
            preflight: self.preflight(),
            queue_disabled: self.engine.disable_setup_queue,
            retry: self.retry(),
        }
    }
}

impl Settings {
    fn retry(&self) -> RetrySettings {
        let engine = &self.engine;
        RetrySettings {
            policy: RetryPolicy {
                enabled: !engine.disable_auto_retry && !engine.disable_setup_queue,
                max_attempts: engine.auto_retry_max_attempts,
                base: engine.auto_retry_base,
                max: engine.auto_retry_max,
            },
            interval: engine.reconcile_interval,
            probe_ttl: engine.network_probe_ttl,
            probe_debounce: engine.network_probe_debounce,
        }
    }

    fn preflight(&self) -> PreflightSettings {
        let license_service = self.release.license_service_url.as_deref();
        PreflightSettings {
            host_root: self.cluster.host_root.clone(),
            host_agent_socket: self.cluster.host_agent_socket.clone(),
            // A URL that is none is refused where it is used, by name.
            license_service: license_service.and_then(|url| url.parse().ok()),
            times_writes: self.engine.preflight_fsync,
            drift_interval: self.engine.drift_interval,
        }
    }
}

impl ReleaseSettings {
    /// The licence service. A box must come up to say what is wrong with this setting, so a wrong one is
    /// kept as such and stops only what needs it.
    fn license_service(&self) -> Result<Option<ServiceUrl>, ServiceUrlError> {
        let given = self.license_service_url.as_deref().map(str::trim);
        given.filter(|url| !url.is_empty()).map(str::parse).transpose()
    }
}

impl OutboundSettings {
    /// The proxy in force: an empty variable is none, and the upper-case spelling goes first.
    pub(super) fn proxy(&self) -> ProxySettings {
        let first = |upper: &Option<String>, lower: &Option<String>| {
            [upper, lower]
                .into_iter()
                .flatten()
                .find(|value| !value.trim().is_empty())
                .cloned()
        };
        ProxySettings {
            https_proxy: first(&self.https_proxy, &self.https_proxy_lower),
            no_proxy: first(&self.no_proxy, &self.no_proxy_lower),
        }
    }

    /// Names of the proxy variables that are set, for the preflight report; never their values.
    fn proxy_variables(&self) -> Vec<String> {
        let variables = [
            ("HTTPS_PROXY", &self.https_proxy),
            ("https_proxy", &self.https_proxy_lower),
            ("HTTP_PROXY", &self.http_proxy),
            ("http_proxy", &self.http_proxy_lower),
            ("NO_PROXY", &self.no_proxy),
            ("no_proxy", &self.no_proxy_lower),
        ];
        let set = variables
            .iter()
            .filter(|(_, value)| value.as_ref().is_some_and(|value| !value.is_empty()));
        set.map(|(name, _)| (*name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(args: &[&str]) -> SetupSettings {
        Settings::read(std::iter::once("appliance-control-plane").chain(args.iter().copied()))
            .unwrap()
            .setup()
    }

    #[test]
    fn the_configured_registry_is_allowed_unless_a_list_says_otherwise() {
        let of = |name: &str| name.parse().unwrap();
        let mirror = settings(&["--registry-host", "mirror.lan:5000"]).policy;
        assert!(mirror.allows(&of("mirror.lan:5000/nine-minds/alga-appliance-config")));
        assert!(mirror.allows(&of("ghcr.io/nine-minds/alga-appliance-config")));
        assert!(!mirror.allows(&of("elsewhere.lan/nine-minds/alga-appliance-config")));
        let listed = settings(&["--allowed-repositories", "mirror.lan/psa/,other.lan/x"]).policy;
        assert!(listed.allows(&of("other.lan/x/config")));
        assert!(!listed.allows(&of("ghcr.io/nine-minds/alga-appliance-config")));
    }

    #[test]
    fn a_proxy_is_taken_from_either_spelling_and_reported_by_name_only() {
        let given = settings(&[
            "--https-proxy",
            "",
            "--https-proxy-lower",
            "http://user:pw@proxy.lan:3128",
        ]);
        assert_eq!(
            given.registry.proxy.https_proxy.as_deref(),
            Some("http://user:pw@proxy.lan:3128")
        );
        assert_eq!(given.proxy_variables, ["https_proxy"]);
        assert!(!format!("{given:?}").contains("user:pw"));
    }

    #[test]
    fn a_licence_service_is_https_unset_or_known_to_be_wrong() {
        let given = |url: &str| settings(&["--license-service-url", url]).license_service;
        assert_eq!(given(" "), Ok(None));
        assert!(given("https://license.nineminds.com").is_ok_and(|url| url.is_some()));
        assert_eq!(
            given("http://license.nineminds.com"),
            Err(ServiceUrlError::Unprotected)
        );
        assert_eq!(
            given("https://u:pw@license.nineminds.com"),
            Err(ServiceUrlError::MoreThanAPlace)
        );
        assert!(!format!("{:?}", given("https://u:pw@license.nineminds.com")).contains("pw"));
    }
}
