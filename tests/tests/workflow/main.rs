//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod canary;
mod full_disk;
mod install;
mod killed;
mod log;
mod objects;
mod refused;
mod scene;
mod shipped;
mod shipped_states;
mod site;
mod submissions;
