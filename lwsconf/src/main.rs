//! `lwsconf`: the compiler's command line.

use std::process::ExitCode;

/// Trees are made of many small pieces, on all cores at once: a third of the time goes with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lwsconf::cli::main()
}
