//! The HTTP surface from outside: through the whole router, and through real sockets where the
//! socket is the point.

// In a module that says it is for tests, the lints let helpers unwrap too.
#[cfg(test)]
mod http {
    mod auth;
    mod canary;
    mod harness;
    mod hostile;
    mod limits;
    mod lockout;
    mod preflight;
    mod process;
    mod program;
    mod recover;
    mod sessions;
    mod setup_runs;
    mod status;
    mod stream;
    mod ui;
}
