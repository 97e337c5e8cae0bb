//! The commands.

mod can_enable;
mod check;
mod diff;
mod explain;
mod facts;
mod graph;
mod rules;
mod why;

pub use can_enable::CanEnableArgs;
pub use check::CheckArgs;
pub use diff::DiffArgs;
pub use explain::ExplainArgs;
pub use facts::FactsArgs;
pub use graph::GraphArgs;
pub use rules::RulesArgs;
pub use why::WhyArgs;

use crate::exit::Exit;
use crate::io::Io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the checker can be asked.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Check that every topic of a suite is wired, declared and described
    Check(CheckArgs),
    /// Say what a rule is about, how to repair a finding, and show examples
    Explain(ExplainArgs),
    /// List all rules
    Rules(RulesArgs),
    /// Print what was read from the code of a suite
    Facts(FactsArgs),
    /// Say who publishes and who hears a topic, and whether it is live
    Why(WhyArgs),
    /// Print the graph of a suite
    Graph(GraphArgs),
    /// Say what became of a suite between two states of it
    Diff(DiffArgs),
    /// Say whether a plugin fits into an installation: yes (0), no (1) or unknown (3)
    CanEnable(CanEnableArgs),
}

/// Runs a command and gives the code to end with. A panic is reported as a bug, never as a finding.
pub fn run(command: &Command, io: &mut Io<'_>) -> u8 {
    let ended = catch_unwind(AssertUnwindSafe(|| dispatch(command, io)));
    let exit = match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => fail(io, &error),
        Err(_) => {
            let _ = writeln!(io.err, "error: the checker failed; this is a bug, please report the message above");
            Exit::Bug
        }
    };
    exit.code()
}

fn dispatch(command: &Command, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    match command {
        Command::Check(args) => check::run(args, io),
        Command::Explain(args) => explain::run(args, io),
        Command::Rules(args) => rules::run(args, io),
        Command::Facts(args) => facts::run(args, io),
        Command::Why(args) => why::run(args, io),
        Command::Graph(args) => graph::run(args, io),
        Command::Diff(args) => diff::run(args, io),
        Command::CanEnable(args) => can_enable::run(args, io),
    }
}

/// A reader that closed its end early, such as `head`, is content; everything else is the caller's to repair.
fn fail(io: &mut Io<'_>, error: &anyhow::Error) -> Exit {
    let closed = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if closed == Some(std::io::ErrorKind::BrokenPipe) {
        return Exit::Clean;
    }
    let _ = writeln!(io.err, "error: {error:#}");
    Exit::Usage
}
