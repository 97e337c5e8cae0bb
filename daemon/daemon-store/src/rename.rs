//! A subscription that goes on under another name.

use crate::delivery::DeadLetter;
use crate::error::StoreError;
use crate::key::{KeyBuilder, Keyspace, closing_u64, prefix_end};
use crate::layers::Layers;
use crate::overlay::Changes;
use crate::seal::{damaged, seal};
use crate::small::{cursor_key, decode_small, delivery_key, encode_small};
use contract_model::{Sequence, SubscriptionId};
use std::sync::Arc;

/// What one unit moves beside the cursor.
pub(crate) const MOVED_PER_UNIT_MAX: usize = 4_096;
pub(crate) const MOVED: [Keyspace; 3] = [Keyspace::Inbox, Keyspace::Retries, Keyspace::DeadLetters];

/// Moves what is kept of one subscription to another: first the cursor, so that the old name has no place any more, and
/// with it so much of the rest as one unit moves. Until all has moved the other one must not be put in force.
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
    let mut room = MOVED_PER_UNIT_MAX;
    for keyspace in MOVED {
        let low = KeyBuilder::new(keyspace).text(old.as_str()).into_bytes();
        for entry in layers.scan(&low, &prefix_end(&low), false)?.take(room) {
            let (key, value) = entry?;
            room -= 1;
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
