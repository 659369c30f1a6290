//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod canary;
mod full_disk;
mod install;
mod killed;
mod log;
mod objects;
mod preflight;
mod refused;
mod scene;
mod shipped;
mod site;
mod submissions;
