//! Boot and reset: the real program, a real API server, a directory that stands for the host, and systemd's own
//! interface played by the test.

mod first;
mod plan;
mod reset;
mod roll;
mod scene;
