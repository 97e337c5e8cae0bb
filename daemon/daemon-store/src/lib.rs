//! Documents, event log, cursors, inbox and dead letters in one transaction.
//!
//! A unit of work is *decided* in microseconds: checked against everything decided before it and laid over
//! the map in memory. One thread *flushes* whatever is decided: it appends it to the write-ahead log with one sync,
//! and only then are those units *synced*. Another thread *moves* what is synced into LMDB's map, many units in one
//! commit. Views see decided units at once; whoever acknowledges something waits for the sync. If a flush fails,
//! everything that is not synced is undone together and a new epoch begins.
//!
//! Invariants: an `Ok` from [`Synced`] survives the death of the process and of the machine. Sequences of
//! events have no gaps. A value that is not what was written is an error, never an answer. A tenant can only
//! be reached with the [`Tenant`] that the store gave out.

mod allowance;
mod anchor;
mod answer;
mod backup;
mod batch;
mod cbor;
mod chain;
mod decide;
mod declare;
mod delivery;
mod disk;
mod erase;
mod error;
mod eventlog;
mod export;
mod fault;
mod files;
mod flush;
mod folder;
mod head;
mod histogram;
mod inspect;
mod key;
mod layers;
mod layout;
mod metrics;
mod mover;
mod opening;
mod options;
mod order;
mod overlay;
mod page;
mod pin;
mod place;
mod prepare;
mod readers;
mod reading;
mod reads;
mod record;
mod references;
mod registry;
mod rekey;
mod rename;
mod seal;
mod small;
mod snapshot;
mod state;
mod store;
mod stub;
mod tenant;
mod tenants;
mod touched;
mod unit;
mod upgrade;
mod vault;
mod verify;
mod view;
mod wal;
mod walk;

#[cfg(test)]
mod tests;

pub use allowance::{QueryLimits, Room, Spent};
pub use answer::{AnswerKey, KeptAnswer, NewAnswer, OldAnswer};
pub use backup::{Backup, BackupEnd, BackupHead, KeyspaceSum, Restored, back_up, check_backup, restore};
pub use delivery::{DeadLetter, KnownKey, Needed, Place, Retry};
pub use erase::Erased;
pub use error::{Refused, StoreError};
pub use export::{Export, ExportEnd, ExportHead, ExportKind, ExportLine, check_export, export_tenant};
pub use histogram::{Distribution, Histogram};
pub use metrics::Metrics;
pub use opening::{Accepted, STORE_LOOK_OVER_BYTES_MAX, accept_older};
pub use options::Options;
pub use prepare::Prepared;
pub use reads::ReadSet;
pub use record::Record;
pub use rekey::rekey;
pub use small::tenant_meta;
pub use snapshot::Patience;
pub use state::{Flushed, STORE_LINGER};
pub use store::{Notice, Stats, Store};
pub use stub::PastEvent;
pub use tenant::{Scope, Tenant};
pub use tenants::Beside;
pub use unit::{DeadLetterChange, Decided, NewEvent, RetryChange, Synced, Unit, Write};
pub use vault::StoreKey;
pub use verify::{VerifyReport, verify_folder};
pub use view::{
    EventFilter, EventsPage, EventsWanted, Explained, LetterPlace, LettersOf, LettersPage, LettersWanted, NotedReply,
    Page, UNNOTED_THROUGH, Unsettled, View,
};
