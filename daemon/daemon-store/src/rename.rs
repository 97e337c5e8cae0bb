//! A subscription that goes on under another name.

use crate::delivery::DeadLetter;
use crate::error::StoreError;
use crate::key::{KeyBuilder, Keyspace, closing_u64, prefix_end};
use crate::layers::{Changes, Layers};
use crate::seal::{damaged, seal};
use crate::small::{cursor_key, decode_small, delivery_key, encode_small};
use contract_model::{Sequence, SubscriptionId};
use std::sync::Arc;

/// Moves all that is kept of one subscription to another, which has nothing of its own yet.
pub(crate) fn rename(
    layers: &Layers<'_>,
    old: &SubscriptionId,
    new: &SubscriptionId,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let (from, to) = (cursor_key(old), cursor_key(new));
    if let Some(cursor) = layers.get(&from)? {
        changes.insert(Arc::clone(&to), Some(seal(&to, &cursor)));
        changes.insert(from, None);
    }
    for keyspace in [Keyspace::Inbox, Keyspace::Retries, Keyspace::DeadLetters] {
        let low = KeyBuilder::new(keyspace).text(old.as_str()).into_bytes();
        for entry in layers.scan(&low, &prefix_end(&low), false)? {
            let (key, value) = entry?;
            let sequence = Sequence(closing_u64(key).ok_or_else(|| damaged(keyspace, key))?);
            let to = delivery_key(keyspace, new, sequence);
            let moved = match keyspace {
                Keyspace::DeadLetters => {
                    let letter: DeadLetter = decode_small(keyspace, key, &value)?;
                    seal(&to, &encode_small(&DeadLetter { subscription: new.clone(), ..letter })?)
                }
                _ => seal(&to, &value),
            };
            changes.insert(to, Some(moved));
            changes.insert(delivery_key(keyspace, old, sequence), None);
        }
    }
    Ok(())
}
