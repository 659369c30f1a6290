//! The crate against real processes: trees, hangs, floods, and the death of whoever started them.

// In a module that says it is for tests, the lints let helpers unwrap too.
#[cfg(test)]
mod processes {
    mod bounds;
    mod harness;
    mod parent;
    mod program;
    mod queue;
    mod starting;
    mod streams;
    mod trees;
}
