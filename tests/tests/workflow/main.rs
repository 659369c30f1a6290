//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod abandoned;
mod after_flux;
mod canary;
mod cancel;
mod controllers;
mod failed_bootstrap;
mod full_disk;
mod install;
mod kept_password;
mod killed;
mod log;
mod objects;
mod plan;
mod preflight;
mod redemption;
mod redemption_killed;
mod redemption_refused;
mod refused;
mod repair;
mod retry;
mod scene;
mod shipped;
mod shipped_states;
mod site;
mod submissions;
mod take_over;
