//! The HTTP surface from outside: through the whole router, and through real sockets where the
//! socket is the point.

// In a module that says it is for tests, the lints let helpers unwrap too.
#[cfg(test)]
mod http {
    mod api;
    mod auth;
    mod canary;
    mod fuzz;
    mod harness;
    mod hostile;
    mod limits;
    mod lockout;
    mod manage;
    mod metrics;
    mod openapi;
    mod preflight;
    mod process;
    mod program;
    mod promise;
    mod recover;
    mod routes;
    mod schema;
    mod sessions;
    mod setup_runs;
    mod status;
    mod stream;
    mod support_bundle;
    mod ui;
    mod unclear;
    mod upgrade;
    mod workloads;
}
