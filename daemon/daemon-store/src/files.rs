//! The names of the files in a data folder.

/// LMDB's map, with all that was moved into it.
pub(crate) const DATA_FILE: &str = "data.mdb";
/// What LMDB keeps its readers in.
pub(crate) const READERS_FILE: &str = "lock.mdb";
/// The two files of the log.
pub(crate) const LOG_FILES: [&str; 2] = ["store.log.0", "store.log.1"];
/// How far the store is known to have been.
pub(crate) const ANCHOR_FILE: &str = "store.anchor";
/// Which store it is, in which format, and under which key.
pub(crate) const FORMAT_FILE: &str = "store.format";
/// Held by whoever writes the store.
pub(crate) const LOCK_FILE: &str = "store.lock";
/// In it a store is restored; as long as it is there, the data folder holds no store that may be opened.
pub(crate) const RESTORING: &str = "restoring";
/// In it a store under another key is made, and its files are to be put in their places.
pub(crate) const REKEYED: &str = "rekeyed";
/// All files that make up a store, without what only guards it.
pub(crate) const STORE_FILES: [&str; 5] = [DATA_FILE, LOG_FILES[0], LOG_FILES[1], ANCHOR_FILE, FORMAT_FILE];
