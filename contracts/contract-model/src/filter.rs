//! Filters over records: a tree of comparisons, bound to values, evaluated the same everywhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
