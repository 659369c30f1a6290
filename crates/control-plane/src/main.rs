//! The control-plane program.

use std::process::ExitCode;

/// One heap for all threads, which returns large blocks and its own end to the system when they are freed:
/// glibc keeps the 16 MiB of each scrypt derivation in the arena of the thread that made it.
#[global_allocator]
static HEAP: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    appliance_control_plane::cli::main(std::env::args_os())
}
