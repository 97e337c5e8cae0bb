//! Seeds faults into sound suites and sees what the checker says.
//!
//! A faulty operator breaks a suite in one place and names the rules of which one must speak. An equivalent one
//! rewrites without changing what the suite does, and nothing may be said. Where a topic is used is not taken from the
//! checker but from `tests/suites/*.truth`, written by hand, which also scores what the checker extracts.
//!
//! Reading order: `texts` holds a suite in memory, `truth` the hand-written places and their score, `javascript` and
//! `yaml` find the stretches to edit, `base` joins them, `edit` is one mutant; then the operators, `run` and `table`.

pub mod base;
pub mod edit;
pub mod equivalent;
pub mod faulty;
pub mod javascript;
pub mod run;
pub mod table;
pub mod texts;
pub mod truth;
pub mod yaml;

pub use base::Base;
pub use edit::{Edit, Mutant};

/// One way to change a suite.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// Its name in the table.
    pub name: &'static str,
    /// The rules of which one must speak. None: the suite does what it did, and nothing may be said.
    pub expects: &'static [&'static str],
    /// Every place of a suite where it applies.
    pub sites: fn(&Base) -> Vec<Mutant>,
}

impl Operator {
    /// Whether it is about what became of a suite, so that the sound suite is the base to compare with.
    #[must_use]
    pub fn compares(&self) -> bool {
        // TL606 holds ranges against versions of one suite; the others of its kind compare two.
        self.expects.iter().any(|rule| rule.starts_with("TL6") && *rule != "TL606")
    }

    /// Whether the checker has any of the rules that it expects; without them nothing could be found.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.expects.is_empty() || self.expects.iter().any(|rule| checker_cli::find(rule).is_some())
    }
}
