//! Fakes for tests of this crate and of those that depend on it. Everything listens on loopback only.

mod web;

pub use web::{Published, Reply, Request, WebServer};
