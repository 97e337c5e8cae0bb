//! Filters over records: a tree of comparisons, bound to values, evaluated the same everywhere.

mod expression;
mod matcher;
mod matching;
pub mod order;
mod rule;
mod structured;
mod words;

pub use matcher::Matcher;
pub use rule::{Rule, RuleFacts};
pub use words::words;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How deep conditions may be nested; deeper ones are refused before they can exhaust the stack.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
const DEPTH_MAX: usize = crate::limits::FILTER_DEPTH_MAX as usize;

/// Why a filter cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong at {position}: expected {expected}, found {found}")]
pub struct FilterError {
    /// Where: `character 12` of an expression (from 1), or a path such as `total.gt`.
    pub position: String,
    /// What would be right there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a list.
    In,
    /// A text that contains another, or a list that contains a value.
    Contains,
    /// A text that holds every word of another, which must have one.
    Matches,
}

/// A condition on a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Every record.
    All,
    /// Every part holds.
    And(Vec<Filter>),
    /// At least one part holds.
    Or(Vec<Filter>),
    /// The part does not hold.
    Not(Box<Filter>),
    /// A field compares with a value.
    Field {
        /// Name of a declared or automatic field.
        field: String,
        /// The comparison.
        op: Comparison,
        /// What it is compared with.
        value: Value,
    },
}

/// Which records, in which order, from where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The condition.
    pub filter: Filter,
    /// Fields to sort by; `true` is descending. Ties and the default go by id, ascending.
    #[serde(default)]
    pub sort: Vec<(String, bool)>,
    /// At most so many.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Continue after the record that this opaque text of an earlier page names.
    #[serde(default)]
    pub cursor: Option<String>,
}
