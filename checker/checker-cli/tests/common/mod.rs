//! Runs commands as a front end does.

use checker_cli::{Color, Command, Io};
use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What a command gave.
pub(crate) struct Ended {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command line; the suites of `tests/suites` go by their names.
pub(crate) fn run(line: &[&str]) -> Ended {
    let cli = match Cli::try_parse_from(std::iter::once("trunkline").chain(line.iter().copied())) {
        Ok(cli) => cli,
        Err(error) => return Ended { code: 2, out: String::new(), err: error.to_string() },
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = checker_cli::run(&cli.command, &mut Io { out: &mut out, err: &mut err, color: Color::Never });
    Ended { code, out: String::from_utf8(out).expect("UTF-8"), err: String::from_utf8(err).expect("UTF-8") }
}

/// The path of a suite under `tests/suites`.
pub(crate) fn suite(name: &str) -> String {
    format!("{}/tests/suites/{name}", env!("CARGO_MANIFEST_DIR"))
}
