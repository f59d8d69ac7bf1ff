//! The binary `headgate`: the host (`headgate serve`) and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    headgate::cli::main()
}
