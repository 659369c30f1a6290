//! What operators look at and change on a running appliance, through the HTTP surface, against a real API
//! server: pods that run, scripts run in them, Jobs that complete, fail and hang.

mod address;
mod canary;
mod license;
mod license_killed;
mod reset;
mod reset_killed;
mod rights;
mod scene;
mod status;
