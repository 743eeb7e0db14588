//! `lwsconf`: the compiler's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    lwsconf::cli::main()
}
