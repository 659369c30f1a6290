//! The rules, by what they say of whole observations.

mod blockers;
mod cases;
mod healthy;
mod laws;
mod setup;
mod tiers;
mod wire;
