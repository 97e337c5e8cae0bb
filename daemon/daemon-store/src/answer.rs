//! Answers kept under the keys of their callers, so that a repeated request is not run again.
//!
//! An answer is stored in the unit of work that it answers for, and found by tenant and key. A second entry, by
//! time, is what the sweep goes by.

use crate::key::{Key, KeyBuilder, Keyspace};
use crate::tenant::Scope;
use contract_model::limits::IDEMPOTENCY_KEPT_MS;
use serde::{Deserialize, Serialize};

/// What a caller's key stands for: a hash over all that it belongs to within its tenant.
pub type AnswerKey = [u8; 32];

/// An answer to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnswer {
    /// Where it will be looked for.
    pub key: AnswerKey,
    /// What was asked, so that another question under the same key is recognised.
    pub request: AnswerKey,
    /// The answer, in whatever form its keeper reads it.
    pub answer: Vec<u8>,
}

/// An answer that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// What was asked.
    #[serde(with = "serde_bytes")]
    pub request: Vec<u8>,
    /// The answer.
    #[serde(with = "serde_bytes")]
    pub answer: Vec<u8>,
}

/// An answer that has been kept long enough, to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldAnswer {
    pub(crate) by_key: Key,
    pub(crate) by_time: Key,
}

pub(crate) const BY_KEY: &[u8] = b"k";
pub(crate) const BY_TIME: &[u8] = b"t";
const TIME_AT: usize = 1;
const REST_AT: usize = TIME_AT + 8;

pub(crate) fn answer_key(tenant: u32, key: &AnswerKey) -> Key {
    KeyBuilder::new(Keyspace::Answers).raw(BY_KEY).u32(tenant).raw(key).finish()
}

pub(crate) fn answer_time_key(scope: &Scope, time_ms: u64, key: &AnswerKey) -> Key {
    KeyBuilder::new(Keyspace::Answers).raw(BY_TIME).u64(time_ms).u32(scope.number()).raw(key).finish()
}

/// The range of entries by time that are old at `now_ms`.
pub(crate) fn old_range(now_ms: u64) -> (Vec<u8>, Vec<u8>) {
    let start = || KeyBuilder::new(Keyspace::Answers).raw(BY_TIME);
    (start().into_bytes(), start().u64(now_ms.saturating_sub(IDEMPOTENCY_KEPT_MS)).into_bytes())
}

/// Whether an entry (without its keyspace byte) is one by time.
pub(crate) fn is_by_time(key: &[u8]) -> bool {
    key.starts_with(BY_TIME)
}

/// Whose answer an entry by time (without its keyspace byte) is about.
pub(crate) fn tenant_of(by_time: &[u8]) -> Option<u32> {
    by_time.get(REST_AT..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// Both entries of an answer, from the one by time (without its keyspace byte).
pub(crate) fn both_entries(by_time: &[u8]) -> Option<OldAnswer> {
    let rest = by_time.get(REST_AT..)?;
    Some(OldAnswer {
        by_key: KeyBuilder::new(Keyspace::Answers).raw(BY_KEY).raw(rest).finish(),
        by_time: KeyBuilder::new(Keyspace::Answers).raw(by_time).finish(),
    })
}
