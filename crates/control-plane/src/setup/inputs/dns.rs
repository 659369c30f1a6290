//! Which DNS servers the control plane asks, and what the operator typed for that.

use appliance_common::outbound::{DnsInputError, DnsPolicy};

use super::Complaint;
use super::check::{Answer, Problems};

/// Most characters of the list, used or not.
const MAX_CHARS: usize = 1024;

/// What custom servers are for and what they are not, in words for the operator (20 W11).
pub const CUSTOM_COVERS: &str = "The appliance asks these servers for the registry and the licence service. The host \
     and the pods keep their own: those must know the registry too, or images cannot be pulled.";

/// The operator's DNS choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    policy: DnsPolicy,
    typed: String,
}

impl Dns {
    /// `system` or `custom`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self.policy {
            DnsPolicy::System => "system",
            DnsPolicy::Custom(_) => "custom",
        }
    }

    /// The list as typed; beside `system` it is kept and never used.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Who is asked.
    #[must_use]
    pub fn policy(&self) -> &DnsPolicy {
        &self.policy
    }

    pub(super) fn check(mode: Answer<'_>, servers: Answer<'_>, problems: &mut Problems) -> Option<Self> {
        let mode = problems.keep("dnsMode", mode);
        let typed = problems.keep("dnsServers", servers.and_then(short));
        let (mode, typed) = (mode?, typed?);
        match DnsPolicy::from_inputs(mode, &typed) {
            Ok(policy) => Some(Self { policy, typed }),
            Err(error @ DnsInputError::Mode(_)) => problems.keep("dnsMode", Err(format!("{error}."))),
            Err(error) => problems.keep("dnsServers", Err(format!("{error}."))),
        }
    }
}

fn short(typed: &str) -> Result<String, Complaint> {
    let typed = typed.trim();
    if typed.chars().count() > MAX_CHARS {
        return Err(format!("DNS servers must be at most {MAX_CHARS} characters long.").into());
    }
    Ok(typed.to_owned())
}
