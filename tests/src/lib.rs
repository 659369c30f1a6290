//! The real servers that the tests and the demo run against; see `README.md` beside this crate.

pub mod agent_socket;
pub mod apply;
pub mod charts;
pub mod cluster;
pub mod control_plane;
pub mod crowd;
pub mod faults;
mod files;
pub mod flux;
mod helm;
pub mod machine;
mod ports;
pub mod process;
pub mod registry;
pub mod releases;
pub mod stack;
pub mod standins;
pub mod storage;
pub mod tools;
