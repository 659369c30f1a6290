//! The HTTP server: sockets and limits, guards, routes, the error envelope.

mod admission;
mod arrival;
mod auth;
mod body;
mod cookie;
mod error;
mod front;
mod guard;
mod health;
mod limits;
mod listen;
mod parse_error;
mod preflight;
mod recover;
mod router;
mod server;
mod session;
mod setup;
mod status;
mod stream;
mod ui;
mod wire;

pub use body::Body;
pub use error::{ApiError, ApiResult};
pub use front::Front;
pub use guard::Peer;
pub use limits::Limits;
pub(crate) use listen::bind;
pub(crate) use server::serve;
pub use ui::Ui;
