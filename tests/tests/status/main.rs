//! Status against real API servers: what is seen, what is said when it cannot be seen, and what it costs.

mod load;
mod login;
mod objects;
mod recorded;
mod refused;
mod scene;
mod silent;
mod watched;
