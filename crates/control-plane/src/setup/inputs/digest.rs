//! A fingerprint of the answers, to tell whether a recorded step was done from the same ones.

use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::SetupInputs;

/// SHA-256 over the answers that are no secrets, in hex. When they were submitted does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputsDigest(String);

impl InputsDigest {
    /// The fingerprint of `inputs`.
    #[must_use]
    pub fn of(inputs: &SetupInputs) -> Self {
        let tenant = &inputs.tenant;
        let mut context = Context::new(&SHA256);
        for answer in [
            inputs.channel.as_str(),
            inputs.app_hostname(),
            inputs.dns.mode(),
            inputs.dns.typed(),
            &inputs.release_ref_text(),
            &tenant.name,
            &tenant.first_name,
            &tenant.last_name,
            &tenant.email,
            inputs.license.mode(),
            inputs.license.edition().as_str(),
        ] {
            // The length first: text cannot move from one answer to its neighbour unnoticed.
            context.update(&(answer.len() as u64).to_be_bytes());
            context.update(answer.as_bytes());
        }
        Self(hex::encode(context.finish()))
    }
}

impl fmt::Display for InputsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
