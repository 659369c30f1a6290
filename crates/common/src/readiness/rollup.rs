//! The first line of the page. It never says other than what stands under it (W-4): `blocked` exactly when
//! there is a critical blocker, and green only without one.

use super::blockers::{Scene, message};
use super::observed::{Bootstrap, TroubleKind};
use super::retry;
use super::setup;
use super::verdict::{Signal, Tiers};
use super::wire::{Blocker, Rollup, RollupState, Severity};
use super::words::after_colon;

const FOLLOW: &str = "Nothing: this page follows what happens.";

pub(super) fn rollup(scene: &Scene, tiers: &Tiers, blockers: &[Blocker]) -> Rollup {
    if tiers.full.ready {
        return say(
            RollupState::FullyHealthy,
            "Everything works: users can log in",
            "Nothing has to be done.",
        );
    }
    if tiers.login.ready {
        return can_log_in(tiers, blockers);
    }
    match blockers
        .first()
        .filter(|blocker| blocker.severity == Severity::Critical)
    {
        Some(worst) => blocked(scene, tiers, worst),
        None => installing(scene, tiers),
    }
}

fn can_log_in(tiers: &Tiers, blockers: &[Blocker]) -> Rollup {
    let state = if tiers.background.ready {
        RollupState::ReadyToLogIn
    } else {
        RollupState::ReadyWithBackgroundIssues
    };
    let reasons = tiers.background.reasons.iter().chain(&tiers.full.reasons);
    match (blockers.first(), reasons.into_iter().next()) {
        (Some(worst), _) => {
            let message = format!(
                "Users can log in. To be looked at: {}",
                after_colon(&worst.reason)
            );
            say(state, message, &worst.next_action)
        }
        (None, Some(reason)) => say(
            state,
            format!("Users can log in. Not done yet: {}", after_colon(reason)),
            FOLLOW,
        ),
        (None, None) => say(state, "Users can log in", FOLLOW),
    }
}

/// “Login is down” only where it was up once and is known to be down.
fn blocked(scene: &Scene, tiers: &Tiers, worst: &Blocker) -> Rollup {
    let was_up = was_complete(scene) && tiers.login.signal == Signal::NotReady;
    let message = if was_up && worst.login_blocking {
        format!("Login is down: {}", after_colon(&worst.reason))
    } else {
        worst.reason.clone()
    };
    say(RollupState::Blocked, message, &worst.next_action)
}

fn was_complete(scene: &Scene) -> bool {
    let latch = scene.seen.install.bootstrap.as_ref();
    latch.is_some_and(Bootstrap::has_completed)
}

fn installing(scene: &Scene, tiers: &Tiers) -> Rollup {
    let install = &scene.seen.install;
    if let Some(recorded) = scene.recorded {
        let own = recorded.text("suggestedNextStep");
        let next = retry::next_step(
            install.auto_retry.as_ref(),
            recorded.retry_safe,
            own,
            scene.seen.at,
        );
        return say(RollupState::Installing, message(recorded), &next);
    }
    if !scene.is_installed() {
        return match setup::document(install)["lastAction"].as_str() {
            Some(action) => say(RollupState::Installing, action, FOLLOW),
            None => say(
                RollupState::Installing,
                "Nothing is installed yet",
                "Fill in the setup form.",
            ),
        };
    }
    let is_first_look = |kind| kind == TroubleKind::NotYet;
    let api = scene.seen.cluster.api.current();
    if api.is_err_and(|trouble| is_first_look(trouble.kind)) {
        return say(
            RollupState::Installing,
            "The state of the appliance is being read",
            FOLLOW,
        );
    }
    let head = match (was_complete(scene), tiers.login.signal) {
        (true, Signal::NotReady) => "Login is down for the moment",
        (true, Signal::Unknown | Signal::Ready) => "Whether users can log in is not known",
        (false, _) => "The application is being installed",
    };
    let message = match tiers.login.reasons.first() {
        Some(reason) => format!("{head}: {}", after_colon(reason)),
        None => head.to_owned(),
    };
    say(RollupState::Installing, message, FOLLOW)
}

fn say(state: RollupState, message: impl Into<String>, next_action: &str) -> Rollup {
    Rollup {
        state,
        message: message.into(),
        next_action: next_action.to_owned(),
    }
}
