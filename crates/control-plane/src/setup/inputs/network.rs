//! The answers that a check of the network needs, before the form is complete.

use appliance_common::findings::FindingId;
use appliance_common::release::reference::{Channel, Reference};

use super::check::{self, Origin, Problems};
use super::{Dns, InputErrors, RawInputs};

/// Which release is wanted, and through which DNS servers.
#[derive(Debug)]
pub struct NetworkAnswers {
    /// The release.
    pub reference: Reference,
    /// DNS servers.
    pub dns: Dns,
    /// Checks that shall not stop the install.
    pub waived_checks: Vec<FindingId>,
}

impl NetworkAnswers {
    /// Checks what is there of a submission; what is left out has its default.
    ///
    /// # Errors
    /// All that is wrong with it, together.
    pub fn from_request(raw: &RawInputs) -> Result<Self, InputErrors> {
        let answers = raw.answers();
        let mut problems = Problems::default();
        let channel = problems.keep("channel", answers.channel.and_then(check::channel));
        let dns = Dns::check(answers.dns_mode, answers.dns_servers, &mut problems);
        problems.keep(
            "appHostname",
            answers
                .app_hostname
                .and_then(|typed| check::app_url(typed, &Origin::Stored)),
        );
        let pin = problems.keep("releaseRef", answers.release_ref.and_then(check::release_ref));
        // What a later form would be told about waivers is told there: here they only show.
        let waived = problems.keep(
            "waivedChecks",
            answers
                .waived_checks
                .and_then(|typed| check::waived(&typed, &Origin::Stored)),
        );
        let channel: Channel = channel.unwrap_or_default();
        match (problems.into_errors(), dns) {
            (None, Some(dns)) => Ok(Self {
                reference: pin.flatten().unwrap_or(Reference::Channel(channel)),
                dns,
                waived_checks: waived.unwrap_or_default(),
            }),
            (errors, _) => Err(errors.unwrap_or_default()),
        }
    }
}
