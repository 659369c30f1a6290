//! What the API server said, or the connection to it, in words for an operator: kube's errors print whole
//! structures, twice.

use std::error::Error;
use std::fmt;

use kube::core::Status;

use crate::process::chain;

/// A refusal, or why no answer came.
#[derive(Debug)]
pub struct Said(Box<kube::Error>);

impl Said {
    /// The server's answer; `None` where there was none.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self.0.as_ref() {
            kube::Error::Api(status) => Some(status),
            _ => None,
        }
    }
}

impl From<kube::Error> for Said {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words(&self.0))
    }
}

/// All causes are in its words.
impl Error for Said {}

/// What an error of kube says.
pub(super) fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("the API server answered {} {}", status.code, status.reason),
        kube::Error::Service(cause) => chain(cause.as_ref()),
        other => chain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_what_the_server_said_and_no_structure() {
        let refusal = |message: &str| {
            let status = Status::failure(message, "ServiceUnavailable").with_code(503);
            Said::from(kube::Error::Api(status.boxed())).to_string()
        };
        assert_eq!(refusal("etcd is gone"), "etcd is gone");
        assert_eq!(refusal(""), "the API server answered 503 ServiceUnavailable");
    }

    #[test]
    fn a_connection_says_its_cause() {
        let refused = std::io::Error::other("connection refused");
        let said = Said::from(kube::Error::Service(Box::new(refused)));
        assert_eq!(said.to_string(), "connection refused");
        assert!(said.status().is_none());
    }
}
