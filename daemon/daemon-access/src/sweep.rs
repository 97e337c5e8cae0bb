//! Clearing tokens away whose time is past.

use crate::error::AccessError;
use crate::stored::{TOKENS, now_ms};
use contract_model::RecordId;
use contract_model::filter::{Filter, Query};
use daemon_store::{ReadSet, Refused, Scope, Store, Unit, Write};
use serde_json::json;

/// Tokens that one sweep clears away at most. One comes before each token that is made, so they never pile up.
const SWEEP_TOKENS_MAX: u64 = 100;

/// Deletes tokens whose time is past, the oldest first.
pub(crate) fn sweep(store: &Store) -> Result<(), AccessError> {
    let mut unit = Unit { awaited: false, ..Unit::new(Scope::System, now_ms()) };
    let filter = Filter::from_structured(&json!({"expires_ms": {"le": unit.time_ms}}));
    let malformed = AccessError::Invalid { what: "look for old tokens", why: "the filter is not one" };
    let query = Query {
        filter: filter.map_err(|_| malformed)?,
        sort: vec![("expires_ms".to_owned(), false)],
        limit: Some(SWEEP_TOKENS_MAX),
        cursor: None,
    };
    for record in store.view()?.find(&Scope::System, TOKENS, &query)?.items {
        let Ok(id) = RecordId::new(record.id()) else { continue };
        unit.writes.push(Write::Delete { collection: TOKENS.to_owned(), id, base_revision: record.revision });
    }
    if unit.writes.is_empty() {
        return Ok(());
    }
    match store.decide(unit, ReadSet::default()) {
        // Somebody else swept, or ended one of them.
        Ok(_) | Err(Refused::Conflict { .. }) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
