//! What the licence service gives for a code: checked here, and from then on of a type that cannot hold
//! anything else.

use appliance_common::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::service_url::{has_user, is_protected};

/// Most characters of a company's name and of an e-mail address.
const MAX_NAME_CHARS: usize = 200;
const MAX_EMAIL_CHARS: usize = 254;
/// Most bytes of a licence token, a credential and an address.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
const MAX_URL_BYTES: usize = 2048;
/// Remote support does not take a shorter credential (20 §11.1).
const MIN_CREDENTIAL_BYTES: usize = 16;
/// Lengths of the groups of a UUID.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// What a code was for.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// The company's id: a UUID in lower case.
    pub tenant_id: String,
    /// The edition.
    pub edition: InstallEdition,
    /// The company as it is registered.
    pub company_name: Option<String>,
    /// The contact as registered.
    pub contact_email: Option<String>,
    /// The licence itself.
    pub license_token: Option<Secret<String>>,
    /// What this box signs in to the licence service with from now on.
    pub credential: Option<Secret<String>>,
    /// Where it does that.
    pub check_in_url: Option<String>,
}

/// Edition of a redeemed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallEdition {
    /// Free.
    Essentials,
    /// Paid.
    Pro,
}

impl InstallEdition {
    /// `essentials` or `pro`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Essentials => "essentials",
            Self::Pro => "pro",
        }
    }

    /// `premium` is what `pro` was called once.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "essentials" => Some(Self::Essentials),
            "pro" | "premium" => Some(Self::Pro),
            _ => None,
        }
    }
}

/// Why a successful answer cannot be used. It never repeats what the answer holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Something between us and the service answered, or the service is broken.
    #[error("it is a web page and not an answer of the licence service")]
    WebPage,
    /// Not JSON, or not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A field that must be there.
    #[error("it has no {field}")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A field of a wrong shape.
    #[error("its {field} is not {expected}")]
    Malformed {
        /// Which.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// More than is read.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Not as it was asked for.
    #[error("it is compressed, which was not asked for")]
    Compressed,
}

impl Redemption {
    /// Reads the body of a successful answer.
    ///
    /// # Errors
    /// [`Unusable`]; the code is then spent all the same.
    pub fn read(body: &[u8]) -> Result<Self, Unusable> {
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| {
            if body.trim_ascii_start().starts_with(b"<") {
                Unusable::WebPage
            } else {
                Unusable::NotAnObject
            }
        })?;
        let redemption = Self {
            tenant_id: tenant_id(&object)?,
            edition: edition(&object)?,
            company_name: shown(&object, "company_name", MAX_NAME_CHARS),
            contact_email: shown(&object, "contact_email", MAX_EMAIL_CHARS),
            license_token: secret(&object, "first_jwt", 1)?,
            credential: secret(&object, "appliance_credential", MIN_CREDENTIAL_BYTES)?,
            check_in_url: check_in_url(&object)?,
        };
        redemption.check_paid()?;
        Ok(redemption)
    }

    fn check_paid(&self) -> Result<(), Unusable> {
        if self.edition == InstallEdition::Essentials {
            return Ok(());
        }
        let missing = |field| Err(Unusable::Missing { field });
        match (&self.license_token, &self.credential) {
            (None, _) => missing("first_jwt"),
            (_, None) => missing("appliance_credential"),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// The same without what only the cluster may keep.
    #[must_use]
    pub(super) fn without_license(&self) -> Self {
        Self {
            license_token: None,
            credential: None,
            ..self.clone()
        }
    }

    /// Whether it belongs to another company than the one that was typed.
    #[must_use]
    pub fn differs_from(&self, typed: &str) -> bool {
        let plain = |name: &str| {
            name.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        };
        self.company_name
            .as_deref()
            .is_some_and(|registered| plain(registered) != plain(typed))
    }
}

/// A text; nothing when it is absent, null or empty.
fn text<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, Unusable> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(Unusable::Malformed {
            field,
            expected: "a text",
        }),
    }
}

fn tenant_id(object: &Map<String, Value>) -> Result<String, Unusable> {
    let field = "tenant_id";
    let id = text(object, field)?.ok_or(Unusable::Missing { field })?;
    canonical_uuid(id).ok_or(Unusable::Malformed {
        field,
        expected: "a UUID",
    })
}

/// A UUID in its canonical form; the one that is all zeros names nobody.
pub(super) fn canonical_uuid(text: &str) -> Option<String> {
    let groups = text.split('-').map(str::len);
    let is_uuid = groups.eq(UUID_GROUPS)
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
        && text.bytes().any(|b| !matches!(b, b'0' | b'-'));
    is_uuid.then(|| text.to_ascii_lowercase())
}

fn edition(object: &Map<String, Value>) -> Result<InstallEdition, Unusable> {
    let field = "edition";
    let Some(name) = text(object, field)? else {
        return Ok(InstallEdition::Essentials);
    };
    InstallEdition::parse(name).ok_or(Unusable::Malformed {
        field,
        expected: "essentials or pro",
    })
}

/// A text that is only shown: one that cannot be is left out, because the code is spent by now.
fn shown(object: &Map<String, Value>, field: &'static str, max_chars: usize) -> Option<String> {
    let text = text(object, field).ok().flatten()?;
    if text.chars().count() > max_chars || text.contains(is_unprintable) {
        tracing::warn!(field, "the licence service gave a text that cannot be shown");
        return None;
    }
    Some(text.to_owned())
}

/// Control characters, and those that turn the direction of a text round or hide in it.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn secret(
    object: &Map<String, Value>,
    field: &'static str,
    min_bytes: usize,
) -> Result<Option<Secret<String>>, Unusable> {
    let Some(text) = text(object, field)? else {
        return Ok(None);
    };
    if text.len() < min_bytes || text.len() > MAX_TOKEN_BYTES || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Unusable::Malformed {
            field,
            expected: "a token of a usable length",
        });
    }
    Ok(Some(Secret::new(text.to_owned())))
}

fn check_in_url(object: &Map<String, Value>) -> Result<Option<String>, Unusable> {
    let field = "check_in_url";
    let Some(text) = text(object, field)? else {
        return Ok(None);
    };
    let is_usable = text.len() <= MAX_URL_BYTES
        && !text.contains(is_unprintable)
        && Url::parse(text).is_ok_and(|url| is_protected(&url) && !has_user(&url));
    if is_usable {
        Ok(Some(text.to_owned()))
    } else {
        Err(Unusable::Malformed {
            field,
            expected: "an https address",
        })
    }
}

#[cfg(test)]
mod tests;
