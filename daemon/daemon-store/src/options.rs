//! How a store is opened.

use crate::allowance::QueryLimits;
use crate::vault::StoreKey;
use contract_model::limits::STORE_BYTES_MAX;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most that its pages in use may come to; growth is refused before that. Address space, not memory; the file
    /// grows as needed.
    pub map_bytes: u64,
    /// The key that its values are sealed with, if they are.
    pub key: Option<StoreKey>,
    /// What one query may cost.
    pub query_limits: QueryLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self { map_bytes: STORE_BYTES_MAX, key: None, query_limits: QueryLimits::default() }
    }
}
