//! What the application's address and the network answered.

use jiff::Timestamp;

/// What the application's address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProbe {
    /// The address that was asked.
    pub url: String,
    /// When.
    pub at: Timestamp,
    /// What came.
    pub outcome: LoginOutcome,
    /// Whether a browser would trust the certificate; `None` without TLS or without an answer.
    pub certificate_trusted: Option<bool>,
}

/// What came of asking the application's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginOutcome {
    /// An answer.
    Answered {
        /// Its status.
        status: u16,
        /// Where it points to.
        location: Option<String>,
    },
    /// None; the cause for an operator.
    Silent(String),
}

/// What a look at resolvers and registry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkProbe {
    /// Everything answered.
    pub ok: bool,
    /// When.
    pub at: Timestamp,
    /// `dns`, `network` or `registry-release-source`.
    pub category: &'static str,
    /// What was found, for an operator.
    pub message: String,
    /// What to do.
    pub next_step: String,
}
