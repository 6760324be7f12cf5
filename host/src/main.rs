//! The `regulars` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    regulars::cli::main()
}
