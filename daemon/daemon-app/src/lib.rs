//! Config, wiring and signals: the command line of the `trunkline` binary.
//!
//! Reading order: `cli` says what can be typed, `exit` what the ends mean, `dev` starts a daemon on a suite
//! of sources, `create`, `types` and `kit` are for who writes a plugin, `remote` talks to one that runs, `worker` is what the daemon starts itself as.

mod backup;
mod cli;
mod create;
mod dev;
mod exit;
mod export;
mod key;
mod kit;
mod landing;
mod logs;
mod native;
mod remote;
mod size;
mod types;
mod used;
mod walk;
mod within;
mod worker;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use exit::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Where the system gives huge pages to everybody, small heaps would hold twice their size; workers inherit this.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let cli = Cli::parse();
    // A worker speaks frames and nothing else; it must not touch what the rest sets up.
    if let Command::Worker(args) = cli.command {
        return worker::run(&args);
    }
    // Handlers that fail are what tests are about; the report says what is to be said of them.
    logs::start(if matches!(cli.command, Command::Test(_)) { "off" } else { "warn" });
    let mut out = io::stdout().lock();
    let mut err = io::stderr();
    match run(cli.command, &mut out, &mut err) {
        Ok(code) => code,
        Err(failure) => failure.report(&mut err),
    }
}

fn run(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> Result<ExitCode, Failure> {
    match command {
        Command::Dev(args) => dev::run(&args, out, err)?,
        Command::Checker(command) => return Ok(check(&command, out, err)),
        Command::Test(args) => kit::run(&args, out, err)?,
        Command::New(command) => create::run(&command, out)?,
        Command::Types(args) => types::run(&args, out, err)?,
        Command::Events(command) => remote::events::run(command, out)?,
        Command::Dead(command) => remote::dead::run(command, out)?,
        Command::Jobs(command) => remote::jobs::run(command, out)?,
        Command::Plugin(command) => remote::plugins::run(command, out)?,
        Command::User(command) => remote::users::run(command, out)?,
        Command::Store(command) => remote::store::run(command, out)?,
        Command::Bench(args) => daemon_bench::run(&args, out)?,
        Command::Completions { shell } => {
            // Made in memory first: the generator panics where its output is a closed pipe.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trunkline", &mut script);
            out.write_all(&script)?;
        }
        Command::CopyStore { folder, key, within } => backup::copy(&folder, &key, within, out)?,
        Command::ExportTenant { folder, tenant, key, within } => export::copy(&folder, &key, within, &tenant, out)?,
        Command::WalkStore { folder, key } => walk::run(&folder, &key, out)?,
        Command::NativeHandler { folder } => native::run(&folder, &mut io::stdin().lock(), out)?,
        Command::Worker(args) => return Ok(worker::run(&args)),
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn check(command: &checker_cli::Command, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let color = checker_cli::color(&io::stdout());
    ExitCode::from(checker_cli::run(command, &mut checker_cli::Io { out, err, color }))
}
