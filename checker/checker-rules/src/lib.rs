//! One file a rule: graph in, findings out.
//!
//! Reading order: `rule` says what a rule is, `rules` holds one file each with its documentation beside it, `registry`
//! lists them all, `run` lets them loose on a suite, `memory` keeps what need not be judged again. `context`, `finding` and `wiring` are what rules are written
//! with; `exception`, `baseline` and `audit` deal with what was allowed; `query` evaluates CEL. No module uses one that
//! uses it.
//!
//! Invariant: rules read texts that were read before. No files, no clock; the day and the version of the core come in
//! through [`Options`].

mod against;
mod audit;
mod baseline;
mod capabilities;
mod catalog;
mod collections;
mod context;
mod doc;
mod exception;
mod finding;
mod memory;
mod money;
mod name;
mod nearest;
mod query;
mod registry;
mod rule;
mod rules;
mod run;
mod schema_place;
mod schemas;
mod severity;
mod slip;
mod twice;
mod wiring;

pub use against::{Against, RecordedEvent};
pub use baseline::{Baseline, BaselineEntry, BaselineError};
pub use checker_report::{FailOn, Gate};
pub use context::Options;
pub use doc::{Doc, Example};
pub use memory::Memory;
pub use nearest::nearest;
pub use query::{QUERY_BYTES_MAX, QUERY_STEPS_MAX, QueryError, Variable, VariableField, query, variables};
pub use registry::{REGISTRY, find};
pub use rule::Rule;
pub use run::{check, check_again, check_against};
