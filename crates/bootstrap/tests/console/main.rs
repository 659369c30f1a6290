//! What a person at the machine sees and the commands by hand: the real program on a directory that stands for
//! the host.

mod account;
mod banner;
mod commands;
mod host;
mod token;
mod units;
