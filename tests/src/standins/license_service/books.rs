//! Who was issued what, and who has claimed it.

use std::collections::{BTreeMap, VecDeque};

use appliance_common::random;
use serde_json::{Value, json};

use super::Fault;

/// What a company has bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The free edition.
    Essentials,
    /// The paid one.
    Pro,
}

/// Where a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Open,
    Consumed,
    Expired,
    Superseded,
}

#[derive(Debug)]
struct Code {
    company: usize,
    claim: Claim,
}

#[derive(Debug)]
struct Company {
    name: String,
    tenant: String,
    plan: Plan,
}

/// A refusal, as the service words it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) words: &'static str,
}

/// All that the service knows.
#[derive(Debug, Default)]
pub(super) struct Books {
    companies: Vec<Company>,
    codes: BTreeMap<String, Code>,
    /// Company of each box, by its id.
    pub(super) appliances: BTreeMap<String, usize>,
    pub(super) script: VecDeque<Fault>,
    pub(super) requests: Vec<String>,
    pub(super) redemptions: usize,
}

impl Books {
    pub(super) fn issue(&mut self, company: &str, plan: Plan) -> String {
        self.companies.push(Company {
            name: company.to_owned(),
            tenant: uuid(),
            plan,
        });
        self.new_code(self.companies.len() - 1)
    }

    pub(super) fn reissue(&mut self, code: &str) -> Option<String> {
        let company = self.codes.get(code)?.company;
        let open = self
            .codes
            .values_mut()
            .filter(|code| code.company == company && code.claim == Claim::Open);
        open.for_each(|code| code.claim = Claim::Superseded);
        Some(self.new_code(company))
    }

    pub(super) fn expire(&mut self, code: &str) {
        if let Some(code) = self.codes.get_mut(code) {
            code.claim = Claim::Expired;
        }
    }

    pub(super) fn tenant_of(&self, code: &str) -> Option<String> {
        let company = self.codes.get(code)?.company;
        Some(self.companies[company].tenant.clone())
    }

    fn new_code(&mut self, company: usize) -> String {
        // Eight of the letters and digits that are not taken for each other.
        let letters = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
        let code: String = random::bytes::<8>()
            .iter()
            .map(|byte| char::from(letters[usize::from(*byte) % letters.len()]))
            .collect();
        let claim = Claim::Open;
        self.codes.insert(code.clone(), Code { company, claim });
        code
    }

    /// Consumes a code for a box, or says why not. The caller holds the lock: it is one transaction.
    pub(super) fn redeem(&mut self, code: &str, appliance: &str) -> Result<Value, Refused> {
        let refused = |status, code, words| Err(Refused { status, code, words });
        let Some(known) = self.codes.get_mut(code) else {
            return refused(404, "invalid_claim_code", "This code is not known.");
        };
        match known.claim {
            Claim::Open => {}
            Claim::Consumed => return refused(409, "consumed_claim_code", "This code was used already."),
            Claim::Expired => return refused(410, "expired_claim_code", "This code has expired."),
            Claim::Superseded => return refused(409, "superseded_claim_code", "A newer code was issued."),
        }
        known.claim = Claim::Consumed;
        self.redemptions += 1;
        let company = &self.companies[known.company];
        let mut answer = json!({
            "tenant_id": company.tenant,
            "edition": "essentials",
            "company_name": company.name,
            "contact_email": "it@example.test",
        });
        if company.plan == Plan::Pro {
            self.appliances.insert(appliance.to_owned(), known.company);
            answer["edition"] = json!("pro");
            answer["first_jwt"] = json!(format!("canary-header.{}.canary-signature", random::id()));
            answer["appliance_credential"] = json!(format!("canary-credential-{}", random::id()));
            answer["check_in_url"] = json!("https://license.example.test/check-in");
        }
        Ok(answer)
    }
}

fn uuid() -> String {
    let id = random::id();
    let groups = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
    groups.join("-")
}
