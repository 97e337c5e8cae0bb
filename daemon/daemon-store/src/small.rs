//! Small values (cursors, retries, dead letters, free values) and their keys.

use crate::error::StoreError;
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::layers::Layers;
use contract_model::{Sequence, SubscriptionId, TenantId};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn delivery_key(keyspace: Keyspace, subscription: &SubscriptionId, sequence: Sequence) -> Key {
    KeyBuilder::new(keyspace).text(subscription.as_str()).u64(sequence.0).finish()
}

pub(crate) fn cursor_key(subscription: &SubscriptionId) -> Key {
    KeyBuilder::new(Keyspace::Cursors).text(subscription.as_str()).finish()
}

/// The name of a meta entry that is a tenant's own: it goes when the tenant is erased.
pub fn tenant_meta(tenant: &TenantId, name: &str) -> String {
    format!("tenant/{tenant}/{name}")
}

/// Where all keys of a tenant's meta entries begin.
pub(crate) fn tenant_meta_prefix(tenant: &TenantId) -> Vec<u8> {
    KeyBuilder::new(Keyspace::Meta).raw(b"k").raw(tenant_meta(tenant, "").as_bytes()).into_bytes()
}

pub(crate) fn meta_key(name: &str) -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"k").text(name).finish()
}

pub(crate) fn store_id_key() -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"i").finish()
}

pub(crate) fn encode_small<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(64);
    ciborium::into_writer(value, &mut out).map_err(|e| StoreError::io("encode a value", e))?;
    Ok(out)
}

pub(crate) fn decode_small<T: DeserializeOwned>(keyspace: Keyspace, key: &[u8], value: &[u8]) -> Result<T, StoreError> {
    ciborium::from_reader(value).map_err(|_| crate::seal::damaged(keyspace, key))
}

/// The sequence up to which a subscription has handled everything; 0 if it never said.
pub(crate) fn read_cursor(layers: &Layers<'_>, subscription: &SubscriptionId) -> Result<Sequence, StoreError> {
    let key = cursor_key(subscription);
    match layers.get(&key)? {
        None => Ok(Sequence(0)),
        Some(value) => read_sequence(Keyspace::Cursors, &key[1..], &value),
    }
}

pub(crate) fn read_sequence(keyspace: Keyspace, key: &[u8], value: &[u8]) -> Result<Sequence, StoreError> {
    let bytes = value.try_into().map_err(|_| crate::seal::damaged(keyspace, key))?;
    Ok(Sequence(u64::from_le_bytes(bytes)))
}
