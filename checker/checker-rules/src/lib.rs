//! One file a rule: graph in, findings out.
//!
//! Reading order: `rule` says what a rule is, `registry` lists them all, `rules` holds one file each with its
//! documentation beside it, `run` lets them loose on a suite, `exception` and `audit` deal with what was allowed.
//!
//! Invariant: rules read texts that were read before. No files, no clock; the day and the version of the core come in
//! through [`Options`].

mod against;
mod audit;
mod context;
mod doc;
mod exception;
mod finding;
mod level;
mod money;
mod nearest;
mod registry;
mod rule;
mod rules;
mod run;
mod schema_place;
mod schemas;
mod wiring;

pub use against::{Against, RecordedEvent};
pub use checker_report::{FailOn, Gate};
pub use context::Options;
pub use doc::{Doc, Example};
pub use registry::{REGISTRY, find};
pub use rule::Rule;
pub use run::{check, check_against};
