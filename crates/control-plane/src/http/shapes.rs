//! Shapes of bodies that are read or written as plain JSON, for the API's document only. A test holds real
//! answers against them.
#![expect(dead_code, reason = "only the schemas are used")]

use std::collections::BTreeMap;

use appliance_common::findings::FindingId;
use appliance_common::preflight;
use appliance_common::readiness;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What the wizard sends. Every field is text; a field that is absent counts as empty.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Submission {
    /// Where the newest release comes from.
    channel: Option<Channel>,
    /// Address the application is to have.
    app_hostname: String,
    /// Who is asked for names.
    dns_mode: Option<DnsMode>,
    /// Comma list of addresses.
    dns_servers: Option<String>,
    /// A tag or digest to install instead of the channel's newest.
    release_ref: Option<String>,
    /// The company.
    tenant_name: String,
    /// The administrator's first name.
    admin_first_name: String,
    /// The administrator's last name.
    admin_last_name: String,
    /// The administrator's e-mail address.
    admin_email: String,
    /// The administrator's password in the application.
    admin_password: String,
    /// The same again.
    admin_password_confirm: String,
    /// Which edition is to be installed.
    edition_choice: Option<EditionChoice>,
    /// Where the licence comes from.
    license_mode: Option<LicenseMode>,
    /// Of a manual licence.
    license_key: Option<String>,
    /// From the portal.
    install_code: Option<String>,
    /// Ids of checks that shall not stop the install.
    waived_checks: Option<Vec<String>>,
}

/// Channels of releases.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Channel {
    /// Releases for everybody.
    Stable,
    /// What was made last night.
    Nightly,
}

/// Who is asked for names.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum DnsMode {
    /// The box's own DNS servers.
    System,
    /// Those that the operator has typed.
    Custom,
}

/// Editions of the application.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum EditionChoice {
    /// The community edition.
    Ce,
    /// The enterprise edition.
    Ee,
}

/// Where a licence comes from.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum LicenseMode {
    /// An install code is redeemed for it.
    Code,
    /// The operator has a key, or none is needed.
    Manual,
}

/// What was wrong with a submission.
#[derive(ToSchema)]
pub(super) struct InvalidInputs {
    /// The first problem.
    error: String,
    /// `invalid_inputs`, or `invalid_json` without `fields`.
    code: String,
    /// A sentence for each field that is wrong.
    fields: Option<BTreeMap<String, String>>,
}

/// The last report of the checks, and how the host has changed since the install.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Checkup {
    /// Null before the first one.
    #[schema(required)]
    report: Option<preflight::Report>,
    /// What the release that is asked for resolves to.
    #[schema(required)]
    release: Option<ReleaseLook>,
    /// Age of the report.
    #[schema(required)]
    age_seconds: Option<i64>,
    /// What the state document keeps of the install's own checks.
    #[schema(required)]
    recorded: Option<Vec<RecordedCheck>>,
    /// Whether something has changed.
    drift: bool,
    /// What.
    changed: Vec<ChangedCheck>,
    /// When that was looked at; ISO-8601.
    #[schema(required)]
    drift_checked_at: Option<String>,
}

/// What the state document keeps of a check.
#[derive(ToSchema)]
struct RecordedCheck {
    /// Stable.
    id: FindingId,
    /// How it came out.
    outcome: preflight::Outcome,
    /// What was measured, unless it passed.
    measured: Option<String>,
    /// Whether it was waived.
    waived: Option<bool>,
}

/// A check that comes out otherwise than at the install.
#[derive(ToSchema)]
struct ChangedCheck {
    /// Stable.
    id: FindingId,
    /// Its name.
    title: String,
    /// At the install.
    before: preflight::Outcome,
    /// Now.
    now: preflight::Outcome,
    /// What was measured.
    measured: String,
    /// What to do.
    fix: String,
}

/// Whether the release that is asked for can be had.
#[derive(ToSchema)]
struct ReleaseLook {
    /// Null when there was no answer in time.
    #[schema(required)]
    ok: Option<bool>,
    /// What was asked for.
    reference: String,
    /// What it is.
    version: Option<String>,
    /// Why it cannot be had.
    failure: Option<SetupFailure>,
}

/// Why something stopped.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct SetupFailure {
    /// A word of the catalogue.
    category: String,
    /// Which part of setup; absent in a look that is no step.
    phase: Option<String>,
    /// Which step.
    step: Option<String>,
    /// What happened.
    message: Option<String>,
    /// Why, as far as that can be told.
    suspected_cause: String,
    /// What to do.
    suggested_next_step: String,
    /// Whether trying again unchanged can succeed.
    retry_safe: bool,
    /// Whether it can pass by itself.
    transient: Option<bool>,
}

/// What is to be repaired; every field may be absent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Repair {
    /// A release of the application; `alga-core` when absent.
    release: Option<String>,
    /// Only say what would be done.
    dry_run: Option<bool>,
    /// Make Flux try again also when nothing is wrong.
    force: Option<bool>,
    /// Take nothing away.
    skip_cleanup: Option<bool>,
}

/// What came of a repair.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Repaired {
    /// True.
    ok: bool,
    /// `alga-system/<release>`.
    helm_release: String,
    /// The time stamp of the request; null when nothing was asked of Flux.
    #[schema(required)]
    requested_at: Option<String>,
    /// True when nothing was to be changed.
    dry_run: Option<bool>,
    /// What was decided.
    plan: crate::setup::repair::RepairPlan,
    /// Directory of the logs that were saved.
    logs: Option<String>,
    /// The same in a sentence.
    message: String,
}

/// That an upgrade of the control plane was begun, or was under way already.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct UpgradeStarted {
    /// True.
    ok: bool,
    /// Begun by this request.
    started: bool,
    /// Under way before it.
    already_running: Option<bool>,
}

/// How the appliance is: what is judged, and what is on record.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusDocument {
    /// Version of this shape.
    schema_version: u32,
    /// `ubuntu-host-service`.
    source: String,
    /// What is judged.
    #[serde(flatten)]
    judged: readiness::wire::Document,
    /// Whether the state document cannot be read.
    state_unreadable: bool,
    /// The last submission without its secrets.
    #[schema(required, value_type = Option<Object>)]
    setup_inputs: Option<Value>,
    /// The release this box follows.
    #[schema(required, value_type = Option<Object>)]
    release_selection: Option<Value>,
    /// The same.
    #[schema(required, value_type = Option<Object>)]
    release: Option<Value>,
    /// The state document, without what is nobody's business.
    #[schema(required, value_type = Option<Object>)]
    install_state: Option<Value>,
    /// Where the cluster is looked for.
    kubeconfig_path: String,
    /// The plan of setup.
    #[schema(required)]
    plan: Option<crate::setup::plan_view::PlanView>,
    /// The steps of setup as the state document has them.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Value>,
    /// What the running step does just now.
    #[schema(required)]
    setup_progress: Option<String>,
    /// The last repair, or the one under way.
    #[schema(required)]
    repair: Option<crate::setup::repair::RepairView>,
    /// What happens by itself about a failure of setup.
    auto_retry: Option<crate::setup::plan_view::AutoRetry>,
    /// Whether new answers are taken.
    setup_re_editable: bool,
    /// Always empty: diagnostics are part of the support bundle.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Value>,
    /// Seconds since the newest observation was confirmed; the last key.
    age_seconds: f64,
}

/// A bundle that is being made.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct BundleBegun {
    /// True.
    ok: bool,
    /// By which it is followed.
    job_id: String,
    /// `running`.
    state: String,
}

/// A bundle that was made.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct BundleMade {
    /// True.
    ok: bool,
    /// `support-bundle`.
    phase: String,
    /// One sentence.
    message: String,
    /// Where it is on the box.
    bundle_path: String,
    /// Where it is had from.
    download_url: String,
    /// How much was taken out, by rule.
    redaction: BTreeMap<String, u64>,
    /// Whether something could not be collected.
    partial: bool,
    /// What, and why.
    warnings: Vec<String>,
    /// SHA-256 of the archive, in hex.
    sha256: String,
    /// Its size.
    bytes: u64,
    /// What is probably wrong, the likeliest first.
    findings: Vec<String>,
    /// The job that made it.
    job_id: String,
}

/// Why there is no bundle.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct BundleNotMade {
    /// False.
    ok: bool,
    /// `support-bundle`.
    phase: String,
    /// One sentence.
    message: String,
    /// Why.
    suspected_cause: String,
    /// What to do.
    suggested_next_step: String,
    /// True.
    retry_safe: bool,
    /// The job that did not make it.
    job_id: String,
}

/// How far a bundle is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct BundleJob {
    /// True.
    ok: bool,
    /// Itself.
    job_id: String,
    /// `running`, `done` or `failed`.
    state: String,
    /// What is being done, in a few words.
    step: String,
    /// When it began.
    started_at: String,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<String>,
    /// What came of it, as the request that waits is told.
    #[schema(required, value_type = Option<Object>)]
    result: Option<Value>,
}

/// The bundles that are kept, the newest first.
#[derive(ToSchema)]
pub(super) struct BundleFiles {
    /// Each.
    files: Vec<BundleFile>,
}

/// A bundle that is kept.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct BundleFile {
    /// Its file name.
    name: String,
    /// Its size.
    bytes: u64,
    /// Where it is had from.
    download_url: String,
}
