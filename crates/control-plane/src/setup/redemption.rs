//! Redeeming an install code: once, whatever crashes where.
//!
//! A code works once, and what it gives is told once. So the ledger (`ledger`, `book`) says before the code
//! is sent that it will be, and holds the whole answer before anything is made of it; a run that finds the
//! answer there asks nobody. Who this box is (`appliance_id`) never changes, so a code that replaces a lost
//! answer leads to the same company. What is unknown for a moment is only whether an answer was on its way
//! when the power went; see ADR 0005.

mod answer;
mod appliance_id;
mod book;
mod client;
mod code;
mod failures;
mod ledger;
mod refusal;
mod service_url;

use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::names::file;
use appliance_common::outbound::OutboundSettings;
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use tokio::time::{Instant, sleep};

pub use answer::{InstallEdition, Redemption, Unusable};
pub use book::Held;
pub use service_url::{ServiceUrl, ServiceUrlError};

use super::context::{StepContext, unusable_outbound};
use super::failure::Failure;
use book::{Book, Entry, Next, State};
use client::{LicenseService, RegisterError};
use code::CodeHash;
use ledger::{Ledger, LedgerError};

/// How long a disk without room is waited for once the service has answered: the answer comes only once.
const DISK_PATIENCE: Duration = Duration::from_mins(3);
/// Pause between two tries to write.
const PAUSE: Duration = Duration::from_secs(2);

/// What a code was for, and for whom.
#[derive(Debug)]
pub struct Redeemed {
    /// What it was for.
    pub redemption: Redemption,
    /// Who this box is to the licence service.
    pub appliance_id: String,
}

/// The redemption of the code of one run.
pub(super) struct Desk<'a> {
    cx: &'a StepContext,
    code: &'a Secret<String>,
    hash: CodeHash,
    ledger: Ledger,
}

impl<'a> Desk<'a> {
    /// Opens the ledger; asks nobody.
    ///
    /// # Errors
    /// When it cannot be read, or its key is not to be had.
    pub(super) async fn open(cx: &'a StepContext, code: &'a Secret<String>) -> Result<Self, Failure> {
        let now = (cx.submission.clone(), iso_millis(cx.clock.now()));
        let path = cx.settings.beside_state(file::REDEMPTION);
        let ledger = Ledger::open(path, cx.seal_key().await?.clone(), now).await;
        Ok(Self {
            cx,
            code,
            hash: CodeHash::of(code),
            ledger: ledger.map_err(|error| failures::ledger(&error))?,
        })
    }

    /// What the code was for, if that is on record and still of use.
    ///
    /// # Errors
    /// When the record says that only another code helps.
    pub(super) fn recorded(&self, held: &Held) -> Result<Option<Redeemed>, Failure> {
        match self.ledger.book.next(&self.hash, &self.cx.submission, held) {
            Next::Use(redemption) => Ok(self
                .ledger
                .book
                .appliance_id
                .clone()
                .map(|appliance_id| Redeemed {
                    redemption,
                    appliance_id,
                })),
            Next::Ask { .. } => Ok(None),
            Next::Stop(stop) => Err(failures::stop(&stop)),
        }
    }

    /// Asks the licence service. Everything that may fail beforehand should have been tried.
    ///
    /// # Errors
    /// Why the code was not redeemed, or what became of the answer.
    pub(super) async fn ask(&mut self, held: &Held) -> Result<Redeemed, Failure> {
        let next = self.ledger.book.next(&self.hash, &self.cx.submission, held);
        let was_unheard = matches!(next, Next::Ask { may_be_spent: true });
        let (url, service) = self.service()?;
        let appliance_id = self.appliance_id(held).await?;
        let intent = Entry {
            code: self.hash.clone(),
            submission: self.cx.submission.clone(),
            service: url.as_str().to_owned(),
            at: iso_millis(self.cx.clock.now()),
            state: State::Intent { may_be_spent: true },
        };
        let recorded = self.ledger.record(&appliance_id, intent.clone()).await;
        recorded.map_err(|error| failures::ledger(&error))?;
        let whom = format!("the licence service at {}", url.host());
        self.cx.say(format!("asking {whom}"));
        let told = self
            .cx
            .meter
            .waiting_for(&whom, service.register(self.code, &appliance_id))
            .await;
        let asked = Asked {
            held,
            appliance_id: &appliance_id,
            was_unheard,
            code: self.code,
        };
        let (state, result) = judge(&self.ledger.book, told, &asked);
        let kept = self.keep(&appliance_id, Entry { state, ..intent }).await;
        // Of a code that was not redeemed, the reason matters more than its record.
        let redemption = result?;
        kept?;
        Ok(Redeemed {
            redemption,
            appliance_id,
        })
    }

    /// Forgets licence and credential, which the cluster now holds.
    ///
    /// # Errors
    /// When that could not be recorded.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        let book = &self.ledger.book;
        let Some(entry) = book.entries.iter().find(|entry| entry.code == self.hash) else {
            return Ok(());
        };
        let (State::Redeemed(redemption), Some(appliance_id)) = (&entry.state, book.appliance_id.clone())
        else {
            return Ok(());
        };
        let state = State::Settled(redemption.without_license());
        let settled = Entry {
            state,
            ..entry.clone()
        };
        let recorded = self.ledger.record(&appliance_id, settled).await;
        recorded.map_err(|error| failures::ledger(&error))
    }

    /// The service, through the operator's DNS servers, proxy and certificates.
    fn service(&self) -> Result<(ServiceUrl, LicenseService), Failure> {
        let settings = &self.cx.settings;
        let url = match &settings.license_service {
            Ok(Some(url)) => url.clone(),
            Ok(None) => return Err(failures::no_service("ALGA_LICENSE_SERVICE_URL is not set")),
            Err(error) => {
                let cause = format!("ALGA_LICENSE_SERVICE_URL: {error}");
                return Err(failures::no_service(&cause));
            }
        };
        let outbound = OutboundSettings {
            dns: self.cx.inputs.dns.policy().clone(),
            proxy: settings.registry.proxy.clone(),
            ca_bundle: settings.registry.ca_bundle.clone(),
        };
        let service = LicenseService::open(url.clone(), &outbound);
        service
            .map(|service| (url, service))
            .map_err(|error| unusable_outbound(&error))
    }

    async fn appliance_id(&self, held: &Held) -> Result<String, Failure> {
        let known = vec![self.ledger.book.appliance_id.clone(), held.appliance_id.clone()];
        let path = self.cx.settings.beside_state(file::APPLIANCE_ID);
        let id = appliance_id::get_or_create(path, known).await;
        id.map_err(|error| failures::identity(&error))
    }

    /// Records what became of the code; waits for a disk that has no room just now.
    async fn keep(&mut self, appliance_id: &str, entry: Entry) -> Result<(), Failure> {
        let deadline = Instant::now() + DISK_PATIENCE;
        loop {
            let error = match self.ledger.record(appliance_id, entry.clone()).await {
                Err(error @ LedgerError::Write(_)) if Instant::now() < deadline => error,
                other => return other.map_err(|error| failures::ledger(&error)),
            };
            tracing::error!(
                error = chain(&error),
                "the answer of the licence service waits for the disk"
            );
            self.cx.say(
                "the licence service has answered; make room on the disk so that its answer can be kept",
            );
            sleep(PAUSE).await;
        }
    }
}

/// What a question to the service was asked with.
struct Asked<'a> {
    held: &'a Held,
    appliance_id: &'a str,
    /// Whether an earlier try may have spent the code.
    was_unheard: bool,
    code: &'a Secret<String>,
}

/// What an answer makes of a code, and of the step. Pure.
fn judge(
    book: &Book,
    told: Result<Redemption, RegisterError>,
    asked: &Asked<'_>,
) -> (State, Result<Redemption, Failure>) {
    let error = match told {
        Ok(redemption) => return (State::Redeemed(redemption.clone()), Ok(redemption)),
        Err(error) => error,
    };
    let failure = failures::not_redeemed(&error, asked.code, asked.was_unheard);
    if let RegisterError::Unusable { source, answer } = error {
        let cause = source.to_string();
        return (State::Unusable { cause, answer }, Err(failure));
    }
    if error.is_used_up()
        && let Some(redemption) = book.recovered(asked.held, asked.appliance_id)
    {
        return (State::Settled(redemption.clone()), Ok(redemption));
    }
    let may_be_spent = asked.was_unheard || error.may_be_spent();
    (State::Intent { may_be_spent }, Err(failure))
}
