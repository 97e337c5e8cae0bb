//! Operators that break a suite.

mod calls;
mod drift;
mod evolution;
mod exceptions;
mod names;
mod outside;
mod payloads;
mod texts;
mod wiring;

pub(super) use wiring::catalogue;

use super::Operator;

/// Every faulty operator, in the order of the table.
#[must_use]
pub fn all() -> Vec<Operator> {
    [
        names::ALL,
        drift::ALL,
        wiring::ALL,
        calls::ALL,
        payloads::ALL,
        evolution::ALL,
        texts::ALL,
        exceptions::ALL,
        outside::ALL,
    ]
    .concat()
}
