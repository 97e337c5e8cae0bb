//! The checker without the daemon: `trunkline-check check SUITE` and its sisters.

use checker_cli::{Command, Io};
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Checks the event contracts of a suite of plugins.
#[derive(Parser)]
#[command(name = "trunkline-check", version, max_term_width = 100, after_help = checker_cli::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Front,
}

#[derive(clap::Subcommand)]
enum Front {
    #[command(flatten)]
    Checker(Command),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let color = checker_cli::color(&std::io::stdout());
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut err = std::io::stderr().lock();
    let code = match &cli.command {
        Front::Checker(command) => checker_cli::run(command, &mut Io { out: &mut out, err: &mut err, color }),
        Front::Completions { shell } => {
            // Made in memory first: the generator panics where its output is a closed pipe.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "trunkline-check", &mut script);
            let _ = out.write_all(&script);
            0
        }
    };
    // A reader that closed its end early is no reason to complain.
    let _ = out.flush();
    ExitCode::from(code)
}
