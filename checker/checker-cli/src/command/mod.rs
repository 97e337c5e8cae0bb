//! The commands.

mod baseline;
mod can_enable;
mod canvas;
mod catalog;
mod check;
mod diff;
mod explain;
mod facts;
mod fix;
mod graph;
mod known;
mod locked;
mod place;
mod query;
mod rules;
mod shape;
mod texts;
mod trace;
mod unread;
mod verify_trace;
mod watch;
mod why;

pub use baseline::BaselineArgs;
pub use can_enable::CanEnableArgs;
pub use canvas::CanvasArgs;
pub use catalog::CatalogCommand;
pub use check::CheckArgs;
pub use diff::DiffArgs;
pub use explain::ExplainArgs;
pub use facts::FactsArgs;
pub use fix::FixArgs;
pub use graph::GraphArgs;
pub use place::SuiteFolder;
pub use query::QueryArgs;
pub use rules::RulesArgs;
pub use trace::TraceArgs;
pub use verify_trace::VerifyTraceArgs;
pub use watch::WatchArgs;
pub use why::WhyArgs;

use crate::exit::Exit;
use crate::io::Io;
use crate::load::LoadError;
use crate::lsp::{self, LspArgs};
use jiff::civil::Date;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the checker can be asked.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Check that every topic of a suite is wired, declared and described
    Check(Box<CheckArgs>),
    /// Say what a rule is about, how to repair a finding, and show examples
    Explain(ExplainArgs),
    /// List all rules
    Rules(RulesArgs),
    /// Print what was read from the code of a suite
    Facts(FactsArgs),
    /// Say who publishes and who hears a topic, and whether it is live
    Why(WhyArgs),
    /// Show how each topic of a plugin's code was resolved, or where it was lost
    Trace(TraceArgs),
    /// Print the graph of a suite, or the suite as an AsyncAPI document
    Graph(GraphArgs),
    /// Say what became of a suite between two states of it
    Diff(DiffArgs),
    /// Say whether a plugin fits into an installation: yes (0), no (1) or unknown (3)
    CanEnable(CanEnableArgs),
    /// Print one page of Markdown about a plugin
    Canvas(CanvasArgs),
    /// Ask a suite a question in CEL
    Query(QueryArgs),
    /// Keep the file of the findings that are known
    Baseline(BaselineArgs),
    /// Compare the graph of a suite with what a daemon saw happen
    VerifyTrace(VerifyTraceArgs),
    /// Apply what findings suggest: names, entries of manifests, exceptions
    Fix(FixArgs),
    /// Check again after every save
    Watch(WatchArgs),
    /// Check while files are edited: a language server over standard input and output
    Lsp(LspArgs),
    /// The topics that other suites may count on
    #[command(subcommand)]
    Catalog(CatalogCommand),
}

/// Reads a day as exceptions write it.
fn parse_day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "there is no such day; write it as 2027-03-31".to_owned())
}

/// Runs a command and gives the code to end with. A panic is reported as a bug, never as a finding.
pub fn run(command: &Command, io: &mut Io<'_>) -> u8 {
    guarded(io, |io| dispatch(command, io)).code()
}

fn guarded(io: &mut Io<'_>, work: impl FnOnce(&mut Io<'_>) -> anyhow::Result<Exit>) -> Exit {
    let ended = catch_unwind(AssertUnwindSafe(|| work(io)));
    match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => fail(io, &error),
        Err(_) => {
            let version = env!("CARGO_PKG_VERSION");
            let _ = writeln!(
                io.err,
                "error: the checker {version} failed; this is a bug and says nothing about the suite. \
                 Please report the message above, with the suite if you can"
            );
            Exit::Bug
        }
    }
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
        Command::Trace(args) => trace::run(args, io),
        Command::Canvas(args) => canvas::run(args, io),
        Command::Query(args) => query::run(args, io),
        Command::Baseline(args) => baseline::run(args, io),
        Command::VerifyTrace(args) => verify_trace::run(args, io),
        Command::Fix(args) => fix::run(args, io),
        Command::Watch(args) => watch::run(args, io),
        Command::Lsp(args) => lsp::run(args, io),
        Command::Catalog(command) => catalog::run(command, io),
    }
}

/// A reader that closed its end early, such as `head`, is content; everything else is the caller's to repair.
fn fail(io: &mut Io<'_>, error: &anyhow::Error) -> Exit {
    let closed = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if closed == Some(std::io::ErrorKind::BrokenPipe) {
        return Exit::Clean;
    }
    let _ = writeln!(io.err, "error: {error:#}");
    let unread = matches!(error.downcast_ref::<LoadError>(), Some(LoadError::Unreadable { .. }));
    if unread || error.is::<baseline::Incomplete>() { Exit::Incomplete } else { Exit::Usage }
}

#[cfg(test)]
mod tests {
    use super::*;
    use checker_report::Color;

    #[test]
    fn a_panic_is_a_bug_and_says_so() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io { out: &mut out, err: &mut err, color: Color::Never };
        assert_eq!(guarded(&mut io, |_| panic!("on purpose")).code(), 70);
        assert!(String::from_utf8_lossy(&err).contains("this is a bug"));
    }
}
