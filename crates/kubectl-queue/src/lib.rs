//! Every child process of the appliance: one runner that bounds a child in time, output and descendants, and
//! the two lanes in which children take turns.
//!
//! [`Starter`] runs one [`Launch`]; [`Queue`] puts a lane in front of it. `README.md` beside this crate tells
//! what is promised and where the promises end.

pub mod capture;
mod child;
pub mod cli;
mod gate;
mod lanes;
mod launch;
mod leader;
mod outcome;
mod output;
mod program;
mod queue;
mod result;
mod shown;
mod start_error;
mod starter;
mod streams;

pub use child::{Finished, Running};
pub use gate::Gate;
pub use lanes::{CHANGES_AT_ONCE, DEPTH, Lane, READS_AT_ONCE};
pub use launch::{DEFAULT_CAP, DEFAULT_LIMIT, LEAST_CAP, Launch};
pub use outcome::Outcome;
pub use output::{Keep, Output};
pub use queue::{Entry, Event, Queue};
pub use result::QueueResult;
pub use start_error::StartError;
pub use starter::Starter;
