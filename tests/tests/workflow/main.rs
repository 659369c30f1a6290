//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod after_flux;
mod canary;
mod controllers;
mod failed_bootstrap;
mod full_disk;
mod install;
mod killed;
mod log;
mod objects;
mod refused;
mod scene;
mod shipped;
mod site;
mod submissions;
mod take_over;
