//! The rules, in the order the contract checks them (20 §3), and every problem collected.

use std::collections::BTreeMap;
use std::fmt::Display;

use appliance_common::findings::FindingId;
use appliance_common::preflight;
use appliance_common::release::reference::{Channel, GrammarError, Reference};
use appliance_common::secret::Secret;
use jiff::Timestamp;

use super::license::{self, Edition, LicenseChoice};
use super::{Complaint, Dns, InputErrors, SetupInputs, Tenant};
use crate::app_url::AppUrl;
use crate::password::check_psa;

/// Most characters of a name, and of an e-mail address.
const MAX_NAME_CHARS: usize = 200;
const MAX_EMAIL_CHARS: usize = 254;

/// One answer as text, empty when it was left out; or what is wrong with its type.
pub(super) type Answer<'a> = Result<&'a str, Complaint>;

/// All answers, wherever they came from.
pub(super) struct Answers<'a> {
    pub(super) channel: Answer<'a>,
    pub(super) app_hostname: Answer<'a>,
    pub(super) dns_mode: Answer<'a>,
    pub(super) dns_servers: Answer<'a>,
    pub(super) release_ref: Answer<'a>,
    pub(super) tenant_name: Answer<'a>,
    pub(super) first_name: Answer<'a>,
    pub(super) last_name: Answer<'a>,
    pub(super) email: Answer<'a>,
    pub(super) password: Answer<'a>,
    pub(super) confirmation: Answer<'a>,
    pub(super) edition: Answer<'a>,
    pub(super) license_mode: Answer<'a>,
    pub(super) license_key: Answer<'a>,
    pub(super) install_code: Answer<'a>,
    pub(super) waived_checks: Result<Vec<&'a str>, Complaint>,
}

/// Where the answers came from; a stored record was accepted once and replays under older rules.
pub(super) enum Origin {
    /// Over HTTP, at this time.
    Submission(Timestamp),
    /// From `setup-inputs.json`.
    Stored,
}

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Problems {
    first: Option<String>,
    fields: BTreeMap<&'static str, String>,
}

impl Problems {
    /// The value, or its problem noted under `field`; only the first one of a field is kept.
    pub(super) fn keep<T>(&mut self, field: &'static str, checked: Result<T, impl Display>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(problem) => {
                let problem = problem.to_string();
                self.first.get_or_insert_with(|| problem.clone());
                self.fields.entry(field).or_insert(problem);
                None
            }
        }
    }
}

impl Problems {
    /// All of them, if there are any.
    pub(super) fn into_errors(self) -> Option<InputErrors> {
        (!self.fields.is_empty()).then(|| InputErrors {
            error: self.first.unwrap_or_default(),
            fields: self.fields,
        })
    }
}

/// Checks `answers`.
pub(super) fn check(
    answers: &Answers<'_>,
    origin: &Origin,
    submitted_at: String,
) -> Result<SetupInputs, InputErrors> {
    let mut problems = Problems::default();
    let key = problems.keep(
        "licenseKey",
        answers.license_key.clone().and_then(license::license_key),
    );
    let tenant = tenant(answers, &mut problems);
    let password = password(answers, origin, &mut problems);
    let edition = problems.keep("editionChoice", answers.edition.clone().and_then(Edition::parse));
    let channel = problems.keep("channel", answers.channel.clone().and_then(channel));
    let dns = Dns::check(
        answers.dns_mode.clone(),
        answers.dns_servers.clone(),
        &mut problems,
    );
    let app_url = problems.keep(
        "appHostname",
        answers
            .app_hostname
            .clone()
            .and_then(|typed| app_url(typed, origin)),
    );
    let release_ref = problems.keep("releaseRef", answers.release_ref.clone().and_then(release_ref));
    let license = license_choice(answers, origin, &mut problems, key.flatten(), edition);
    let waived = problems.keep(
        "waivedChecks",
        answers
            .waived_checks
            .clone()
            .and_then(|typed| waived(&typed, origin)),
    );
    match (channel, app_url, dns, release_ref, tenant, password, license) {
        (
            Some(channel),
            Some(app_url),
            Some(dns),
            Some(release_ref),
            Some(tenant),
            Some(admin_password),
            Some(license),
        ) if problems.fields.is_empty() => Ok(SetupInputs {
            channel,
            app_url,
            dns,
            release_ref,
            tenant,
            admin_password,
            license,
            waived_checks: waived.unwrap_or_default(),
            submitted_at,
        }),
        _ => Err(problems.into_errors().unwrap_or_default()),
    }
}

fn tenant(answers: &Answers<'_>, problems: &mut Problems) -> Option<Tenant> {
    let name = problems.keep("tenantName", required(&answers.tenant_name, "Company name"));
    let first_name = problems.keep("adminFirstName", required(&answers.first_name, "First name"));
    let last_name = problems.keep("adminLastName", required(&answers.last_name, "Last name"));
    let email = problems.keep("adminEmail", answers.email.clone().and_then(email));
    Some(Tenant {
        name: name?,
        first_name: first_name?,
        last_name: last_name?,
        email: email?,
    })
}

fn required(answer: &Answer<'_>, label: &str) -> Result<String, Complaint> {
    let typed = answer.clone()?.trim();
    if typed.is_empty() {
        Err(format!("{label} is required.").into())
    } else if typed.chars().count() > MAX_NAME_CHARS {
        Err(format!("{label} must be at most {MAX_NAME_CHARS} characters long.").into())
    } else if typed.contains(char::is_control) {
        Err(format!("{label} must not contain control characters.").into())
    } else {
        Ok(typed.to_owned())
    }
}

/// The address as it is stored.
pub(super) fn email(typed: &str) -> Result<String, Complaint> {
    let address = typed.trim().to_lowercase();
    if address.is_empty() {
        return Err("E-mail address is required.".into());
    }
    if address.chars().count() > MAX_EMAIL_CHARS {
        return Err(format!("E-mail address must be at most {MAX_EMAIL_CHARS} characters long.").into());
    }
    let has_inner_dot = |domain: &str| {
        let inner = domain
            .char_indices()
            .filter(|(at, c)| *c == '.' && *at > 0 && at + 1 < domain.len());
        !domain.contains('@') && inner.count() > 0
    };
    match address.split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && has_inner_dot(domain)
                && !address.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Ok(address)
        }
        _ => Err("E-mail address must look like name@example.com.".into()),
    }
}

fn password(answers: &Answers<'_>, origin: &Origin, problems: &mut Problems) -> Option<Secret<String>> {
    let typed = problems.keep("adminPassword", answers.password.clone())?;
    match origin {
        Origin::Submission(_) => {
            let confirmed = match answers.confirmation.clone() {
                Ok(again) if again == typed => Ok(()),
                Ok(_) => Err("Passwords do not match: type the same password twice.".into()),
                Err(problem) => Err(problem),
            };
            problems.keep("adminPasswordConfirm", confirmed);
        }
        Origin::Stored if typed.is_empty() => {
            let gone = "The administrator's password is no longer stored here; submit the setup form again.";
            problems.keep("adminPassword", Err::<(), _>(gone));
        }
        Origin::Stored => {}
    }
    let verdict = check_psa(typed).map_err(|weak| weak.to_string());
    problems.keep("adminPassword", verdict)?;
    Some(Secret::new(typed.to_owned()))
}

/// Ids of checks that an operator may wave through. A stored list may be from a program that knew others.
pub(super) fn waived(typed: &[&str], origin: &Origin) -> Result<Vec<FindingId>, Complaint> {
    let mut waived = Vec::new();
    for text in typed.iter().map(|text| text.trim()) {
        let check = text.parse().ok().and_then(preflight::find);
        match (check, origin) {
            (Some(check), _) if check.is_waivable() => waived.push(check.id),
            (_, Origin::Stored) => {}
            (Some(check), _) if check.strict => {
                return Err(format!("Check {} cannot be waived: {}", check.id, check.why).into());
            }
            (Some(check), _) => {
                return Err(format!("Check {} stops nothing, so it needs no waiver.", check.id).into());
            }
            (None, _) => {
                let shown: String = text.chars().take(40).collect();
                return Err(format!("There is no check {shown:?} that could be waived.").into());
            }
        }
    }
    waived.sort_unstable();
    waived.dedup();
    Ok(waived)
}

pub(super) fn channel(typed: &str) -> Result<Channel, Complaint> {
    match typed.trim() {
        "" => Ok(Channel::default()),
        channel => channel
            .parse()
            .map_err(|error: GrammarError| format!("{error}.").into()),
    }
}

pub(super) fn app_url(typed: &str, origin: &Origin) -> Result<Option<AppUrl>, Complaint> {
    match origin {
        Origin::Stored if typed.trim().is_empty() => Ok(None),
        _ => AppUrl::parse(typed)
            .map(Some)
            .map_err(|error| format!("App URL {error}.").into()),
    }
}

/// Blank follows the channel.
pub(super) fn release_ref(typed: &str) -> Result<Option<Reference>, Complaint> {
    match typed.trim() {
        "" => Ok(None),
        pin => pin
            .parse()
            .map(Some)
            .map_err(|error: GrammarError| format!("{error}.").into()),
    }
}

fn license_choice(
    answers: &Answers<'_>,
    origin: &Origin,
    problems: &mut Problems,
    key: Option<Secret<String>>,
    edition: Option<Edition>,
) -> Option<LicenseChoice> {
    let code = problems.keep(
        "installCode",
        answers.install_code.clone().and_then(license::install_code),
    )?;
    let manual = problems.keep(
        "licenseMode",
        answers.license_mode.clone().and_then(license::is_manual),
    )?;
    let Origin::Submission(now) = origin else {
        // The shipped product took both and let the code win; no code meant a manual licence.
        return match (code, manual) {
            (Some(code), _) => Some(LicenseChoice::Code(code)),
            (None, Some(false)) => {
                let gone = "The install code is no longer stored here; submit the setup form again.";
                problems.keep("installCode", Err(gone))
            }
            (None, _) => edition.map(|edition| LicenseChoice::Manual { edition, key }),
        };
    };
    if let Some(key) = &key {
        problems.keep("licenseKey", license::not_expired(key, *now));
    }
    match (code, manual) {
        (Some(_), _) if key.is_some() => {
            let conflict =
                "Give either an install code (installCode) or a licence key (licenseKey), not both.";
            problems.keep("licenseKey", Err(conflict))
        }
        (Some(_), Some(true)) => {
            let conflict = "An install code (installCode) cannot be combined with licenseMode \"manual\".";
            problems.keep("licenseMode", Err(conflict))
        }
        (Some(code), _) => Some(LicenseChoice::Code(code)),
        (None, Some(true)) => edition.map(|edition| LicenseChoice::Manual { edition, key }),
        (None, _) => {
            let missing = "Install code is required; without one, choose licenseMode \"manual\" explicitly.";
            problems.keep("installCode", Err(missing))
        }
    }
}
