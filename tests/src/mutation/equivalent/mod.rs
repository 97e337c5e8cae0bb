//! Operators that rewrite a suite without changing what it does.

mod layout;
mod rewires;
mod topics;

use super::Operator;

/// Every equivalent operator, in the order of the table.
#[must_use]
pub fn all() -> Vec<Operator> {
    [topics::ALL, rewires::ALL, layout::ALL].concat()
}
