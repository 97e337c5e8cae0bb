//! The check command and its sisters as a library, plus the small binary `trunkline-check`.
//!
//! A front end parses a [`Command`], gives it an [`Io`] and ends with the code that [`run`] returns. The daemon uses
//! [`load_suite`] and [`check`] directly, so that it refuses exactly what this refuses.
//!
//! Invariant: equal suites give equal bytes, whatever the number of threads and the order of directory entries.

mod base;
mod changes;
mod command;
mod exit;
mod io;
mod kept;
mod live;
mod load;
mod lock;
mod lsp;
mod output;
mod told;
mod wiring;

pub use base::{State, StateError, load_state};
pub use changes::{Change, Changes};
pub use checker_report::{Color, Format, Report, Severity, Status};
pub use checker_rules::{Against, FailOn, Gate, Options, REGISTRY, RecordedEvent, Rule, check, check_against, find};
pub use command::{
    BaselineArgs, CanEnableArgs, CanvasArgs, CatalogCommand, CheckArgs, Command, DiffArgs, ExplainArgs, FactsArgs,
    FixArgs, GraphArgs, QueryArgs, RulesArgs, SuiteFolder, TraceArgs, VerifyTraceArgs, WatchArgs, WhyArgs, run,
};
pub use contract_graph::{Composition, Graph, Suite};
pub use exit::{EXIT_CODES, Exit};
pub use io::{Io, color};
pub use kept::KeptAnalyses;
pub use live::LiveSuite;
pub use load::{LoadError, load_suite, load_suite_with, read_plugin};
pub use lsp::LspArgs;
pub use output::{render, render_changes};
pub use wiring::wiring;

/// The day that exceptions expire against where none is given. It is that of UTC, so that a machine's time zone changes
/// no verdict.
pub fn today() -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}
