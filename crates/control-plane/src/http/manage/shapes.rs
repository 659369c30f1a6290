//! Shapes of what managing reads and writes as plain JSON, for the API's document only.
#![expect(dead_code, reason = "only the schemas are used")]

use appliance_common::readiness::UpdateState;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::shapes::DnsMode;
use crate::manage::reset::ResetView;

/// A licence key.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct LicenseKey {
    /// From the portal.
    license_key: String,
}

/// An install code.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct ClaimCode {
    /// From the portal.
    claim_code: String,
}

/// A code was redeemed.
#[derive(ToSchema)]
pub(super) struct CodeRedeemed {
    /// True.
    ok: bool,
    /// What it gave.
    result: crate::manage::license::Redeemed,
}

/// The application's address.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct AddressForm {
    /// `http` or `https`, a host, and a port if need be.
    app_hostname: String,
    /// Who is asked for names.
    dns_mode: Option<DnsMode>,
    /// A comma list, or a list.
    #[schema(value_type = Option<Object>)]
    dns_servers: Option<Value>,
}

/// The address was set.
#[derive(ToSchema)]
pub(super) struct AddressSet {
    /// True.
    ok: bool,
    /// The address.
    url: String,
    /// Its host.
    host: String,
    /// Who is asked for names.
    dns: AddressDns,
    /// What happens now.
    message: String,
}

/// Who is asked for names.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct AddressDns {
    /// Whether they are the box's own or the operator's.
    mode: DnsMode,
    /// The servers.
    servers: String,
    /// `control-plane`.
    applies_to: String,
    /// The same in words.
    message: String,
}

/// A new password of the application's first administrator.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct PasswordReset {
    /// The new one.
    password: String,
    /// The same again.
    password_confirm: String,
    /// The management password.
    current_password: String,
}

/// The last reset, or the one under way.
#[derive(ToSchema)]
pub(super) struct ResetShown {
    /// Null when there was none.
    #[schema(required)]
    operation: Option<ResetView>,
}

/// A reset was begun.
#[derive(ToSchema)]
pub(super) struct ResetBegun {
    /// True.
    ok: bool,
    /// How it goes.
    operation: ResetView,
}

/// A reset has ended well.
#[derive(ToSchema)]
pub(super) struct ResetDone {
    /// True.
    ok: bool,
    /// What happened.
    message: String,
}

/// Releases, licence, address and what can be done.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct ManageStatus {
    /// The application's release.
    app: AppRelease,
    /// The control plane itself.
    control_plane: ControlPlane,
    /// The licence.
    license: License,
    /// The application's address.
    app_url: AppUrl,
    /// Whether the administrator's password can be reset.
    admin_password_reset: ResetOffer,
    /// Remote support.
    support: Support,
    /// When all this was put together; ISO-8601.
    collected_at: String,
    /// What is not known.
    errors: Vec<PartError>,
}

/// Remote support sessions.
#[derive(ToSchema)]
struct Support {
    /// Whether there can be one.
    capability: SupportCapability,
    /// The session that is open; there is none.
    #[schema(required, value_type = Option<Object>)]
    active: Option<Value>,
    /// Those that were; there are none.
    #[schema(value_type = Vec<Object>)]
    history: Vec<Value>,
}

/// Whether remote support can be had.
#[derive(ToSchema)]
struct SupportCapability {
    /// `unavailable`.
    state: String,
    /// The same as a switch.
    available: bool,
    /// The same in a sentence.
    message: String,
}

/// The application's release.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct AppRelease {
    /// What is installed.
    #[schema(required)]
    version: Option<String>,
    /// `stable` or `nightly`, or what else the box's own record names.
    channel: String,
    /// Whether the channel has another.
    update_available: bool,
    /// Which.
    #[schema(required)]
    available_version: Option<String>,
    /// Digest of what is installed.
    #[schema(required)]
    pinned_release_digest: Option<String>,
    /// Digest of what the channel has.
    #[schema(required)]
    resolved_release_digest: Option<String>,
    /// When the channel was looked at with success; ISO-8601.
    #[schema(required)]
    resolved_at: Option<String>,
    /// How that look went.
    check: ReleaseCheck,
    /// The last update, or the one under way.
    update: UpdateState,
}

/// Whether a channel has something else than what is here.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum OfferState {
    /// It has the same.
    Current,
    /// It has another.
    Available,
    /// That is not known.
    Unknown,
}

/// How a look at the channel went.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ReleaseCheck {
    /// What was found.
    state: OfferState,
    /// ISO-8601.
    #[schema(required)]
    checked_at: Option<String>,
    /// Why it is not known.
    #[schema(required)]
    error: Option<String>,
}

/// The control plane itself.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ControlPlane {
    /// `stable` or `nightly`, or what else the box's own record names.
    channel: String,
    /// Digest of the image that runs.
    #[schema(required)]
    running_digest: Option<String>,
    /// The image that runs.
    #[schema(required)]
    running_image: Option<String>,
    /// Digest of the image that the channel has.
    #[schema(required)]
    resolved_digest: Option<String>,
    /// When that was looked up; ISO-8601.
    #[schema(required)]
    resolved_at: Option<String>,
    /// Whether it is another.
    upgrade_available: bool,
    /// What was found.
    upgrade_state: OfferState,
    /// Why it is not known, in one word.
    #[schema(required)]
    reason: Option<String>,
    /// The same in a sentence.
    #[schema(required)]
    reason_message: Option<String>,
    /// The last upgrade, or the one under way.
    upgrade: Upgrade,
}

/// An upgrade of the control plane.
#[derive(ToSchema)]
struct Upgrade {
    /// `idle`, `running`, `complete`, `blocked`, or a newer host agent's word.
    status: String,
    /// What it does, or why it stopped.
    #[schema(required)]
    message: Option<String>,
}

/// Whether a licence holds.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum LicenseStatus {
    /// It does.
    Active,
    /// It has ended.
    Expired,
    /// That is not known.
    Unknown,
}

/// Who told of a licence.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
enum LicenseSource {
    /// The application.
    Live,
    /// What the installation began with.
    SeedFallback,
}

/// The licence.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct License {
    /// Its edition.
    #[schema(required)]
    edition: Option<String>,
    /// When it ends; ISO-8601.
    #[schema(required)]
    expires_at: Option<String>,
    /// Whether it does not end.
    perpetual: bool,
    /// Whether it holds.
    status: LicenseStatus,
    /// Who told.
    #[schema(required)]
    source: Option<LicenseSource>,
    /// When it was confirmed last.
    #[schema(rename = "lastCheckinAt")]
    last_check_in: Option<String>,
}

/// The application's address.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct AppUrl {
    /// The whole of it.
    #[schema(required)]
    url: Option<String>,
    /// Its host.
    #[schema(required)]
    host: Option<String>,
    /// `system` or `custom`, as it is recorded.
    dns_mode: String,
    /// DNS servers of the operator's own.
    dns_servers: Vec<String>,
    /// Since when a change of it is on its way; ISO-8601.
    #[schema(required)]
    pending_since: Option<String>,
}

/// Whether the administrator's password can be reset.
#[derive(ToSchema)]
struct ResetOffer {
    /// It can.
    available: bool,
    /// Whose it is.
    #[schema(required)]
    email: Option<String>,
    /// Why it cannot.
    #[schema(required)]
    reason: Option<String>,
    /// The last reset, or the one under way.
    #[schema(required)]
    operation: Option<ResetView>,
}

/// A part that could not be read.
#[derive(ToSchema)]
struct PartError {
    /// Which.
    part: String,
    /// Why, in one word.
    code: String,
    /// The same in a sentence.
    message: String,
}
