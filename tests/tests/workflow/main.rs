//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod canary;
mod full_disk;
mod install;
mod killed;
mod log;
mod objects;
mod redemption;
mod redemption_killed;
mod redemption_refused;
mod refused;
mod repair;
mod scene;
mod shipped;
mod shipped_states;
mod site;
mod submissions;
