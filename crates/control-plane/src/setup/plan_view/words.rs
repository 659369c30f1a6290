//! Words of the plan, for the API's document only. A test holds real plans against them.
#![expect(dead_code, reason = "only the schemas are used")]

/// Where a run is.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum PlanState {
    /// There was none.
    Empty,
    /// It begins.
    Queued,
    /// It is under way.
    Running,
    /// Somebody must act, or it is tried again by itself.
    Blocked,
    /// The process ended in the middle of it.
    Interrupted,
    /// An operator stopped it.
    Cancelled,
    /// The release is handed over.
    Complete,
}

/// What another attempt would do with a step.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum RetryAction {
    /// Nothing.
    Skip,
    /// It looks whether the result is still there.
    Check,
    /// It runs.
    Run,
}
