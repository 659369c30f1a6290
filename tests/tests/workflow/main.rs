//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod canary;
mod cancel;
mod full_disk;
mod install;
mod killed;
mod log;
mod objects;
mod plan;
mod refused;
mod retry;
mod scene;
mod shipped;
mod site;
mod submissions;
