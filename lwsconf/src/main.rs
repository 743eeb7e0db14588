//! `lwsconf`: the compiler's command line.

use std::process::ExitCode;

/// Trees are many small pieces, made by all cores at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lwsconf::cli::main()
}
