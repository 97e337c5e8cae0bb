//! What the code of a plugin says, and where that is kept from one run to the next.

use crate::facts::{Ending, Fact, Opaque, PluginSource, Problem, RecordUse, Suppression};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the code of a plugin says. To find it out is most of what reading a plugin takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Paths of the modules that were read, sorted.
    pub(crate) modules: Vec<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) opaque: Vec<Opaque>,
    pub(crate) records: Vec<RecordUse>,
    pub(crate) endings: Vec<Ending>,
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) problems: Vec<Problem>,
    /// What the entry exports, and whether it is a function.
    pub(crate) exports: BTreeMap<String, bool>,
}

/// Remembers analyses. What is remembered of a source must have been found by this crate as it is now, in texts that
/// were the same to the last byte, all of them.
pub trait Analyses: Sync {
    /// What was found in a source before.
    fn recall(&self, source: &PluginSource) -> Option<Analysis>;
    /// Takes note of what was found in a source.
    fn keep(&self, source: &PluginSource, analysis: &Analysis);
}
