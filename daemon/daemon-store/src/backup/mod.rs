//! A backup: one file that holds a whole store as of one commit, in a form of its own.
//!
//! It begins with [`MAGIC`]; then come frames of a kind, a length, content and a checksum: one head, the entries of all
//! keyspaces in the order of their keys, one end. An entry is what lies on disk, its value with its checksum or, in a store
//! with a key, sealed anew, so that no two backups of one state have the same bytes. No page of
//! LMDB is in it, so it is as small as its content, is read without being mapped, and damage in it is an error with a
//! place and nothing worse.

mod frame;
mod read;
mod restore;
mod write;

pub use read::check_backup;
pub use restore::{Restored, restore};
pub use write::back_up;
#[cfg(test)]
pub(crate) use write::{framed, write};

use crate::error::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the file's form, apart from that of the store in it.
const BACKUP_FORM: u32 = 1;
const MAGIC: &[u8] = b"TRUNKLINE BACKUP 1\n";

/// What a backup says of itself before its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHead {
    /// The version of the file's form.
    pub backup: u32,
    /// The format of the store in it.
    pub format: u32,
    /// The version of the program that wrote it.
    pub version: String,
    /// The store's id.
    pub store: String,
    /// The id of the key that its values are sealed with, if they are; hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was begun, milliseconds since 1970.
    pub made_ms: u64,
    /// The last unit of work in it.
    pub position: u64,
    /// The last event in it; 0 if there is none.
    pub sequence: u64,
    /// The last event's link in its tenant's chain, hexadecimal.
    pub link: String,
    /// The end of each tenant's chain, hexadecimal.
    pub chains: BTreeMap<String, String>,
}

/// What a backup says of itself after its entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEnd {
    /// By keyspace, what there is of it.
    pub keyspaces: BTreeMap<String, KeyspaceSum>,
    /// SHA-256 over everything before this, hexadecimal.
    pub sha256: String,
}

/// The entries of one keyspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceSum {
    /// How many.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// SHA-256 over keys and values, each after its length in eight bytes, little end first; hexadecimal.
    pub sha256: String,
}

/// A backup that is whole: every frame, entry and sum of it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// What it says before its entries.
    #[serde(flatten)]
    pub head: BackupHead,
    /// What it says after them.
    #[serde(flatten)]
    pub end: BackupEnd,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a file is no backup that can be used.
fn unusable(why: impl Into<String>) -> StoreError {
    StoreError::BackupInvalid { why: why.into() }
}
