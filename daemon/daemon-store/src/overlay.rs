//! What lies above the map, and a value where it lies.

use crate::error::StoreError;
use crate::key::{Key, Keyspace};
use crate::seal::{Sealed, unseal};
use crate::vault::{Value, Vault};
use heed::{RoTxn, WithoutTls};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Writes that are not in the map yet; `None` stands for a deletion. Cloning it is cheap.
pub(crate) type Overlay = imbl::OrdMap<Key, Option<Sealed>>;
/// Writes of a unit that is being decided.
pub(crate) type Changes = BTreeMap<Key, Option<Sealed>>;
/// A read transaction that may move between threads and outlive what opened it.
pub(crate) type ReadTxn = RoTxn<'static, WithoutTls>;

/// A value where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored<'a> {
    /// Above the map, with its checksum.
    Above(&'a [u8]),
    /// In the map, in whatever form the store has there.
    InMap(&'a [u8]),
}

impl<'a> Stored<'a> {
    /// Checked, and opened if need be.
    pub(crate) fn read(self, vault: &Vault, keyspace: Keyspace, key: &[u8]) -> Result<Value<'a>, StoreError> {
        match self {
            Self::Above(wrapped) => unseal(keyspace, key, wrapped).map(Cow::Borrowed),
            Self::InMap(stored) => vault.open(keyspace, key, stored),
        }
    }
}
