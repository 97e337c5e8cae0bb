//! The checker without the daemon: `trunkline-check check SUITE` and its sisters.

use checker_cli::{Color, Command, Io};
use clap::Parser;
use std::io::{BufWriter, IsTerminal, Write};
use std::process::ExitCode;

/// Checks the event contracts of a suite of plugins.
#[derive(Parser)]
#[command(name = "trunkline-check", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut err = std::io::stderr().lock();
    let color = if color { Color::Always } else { Color::Never };
    let code = checker_cli::run(&cli.command, &mut Io { out: &mut out, err: &mut err, color });
    // A reader that closed its end early is no reason to complain.
    let _ = out.flush();
    ExitCode::from(code)
}
