//! The setup workflow against real servers: answers in, Flux objects and workloads out.

mod install;
mod scene;
