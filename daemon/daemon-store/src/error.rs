//! Everything that can go wrong in the store, and why a unit of work may be refused.

use crate::files::FORMAT_FILE;
use contract_model::collection::FieldError;
use contract_model::limits::{QUERY_ROWS_MAX, TENANTS_MAX};
use contract_model::{ErrorCode, EventId, Millis, Sequence};
use contract_trust::KeyId;
use std::path::PathBuf;
use std::sync::Arc;

/// The store cannot do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another `Store` of this one, has the folder open.
    #[error("the data folder {} is in use by process {pid}; stop it first", .folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, as it noted itself; `unknown` if it did not.
        pid: String,
    },
    /// The folder was written by a newer version.
    #[error("the data folder {} has format {found}, this version knows formats up to {known}; use the newer version", .folder.display())]
    Newer {
        /// The data folder.
        folder: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A stored value does not match its checksum or cannot be understood.
    #[error("{what} is damaged; restore it from a backup")]
    Damaged {
        /// What is damaged: for a record its collection and id.
        what: String,
    },
    /// Nothing says in which format a store lies.
    #[error(
        "the data folder {} holds a store ({by}) and no {FORMAT_FILE}, which says in which format it lies and under which \
         key; put that file back, or restore a backup, the folder is left as it is",
        .folder.display()
    )]
    Formatless {
        /// The data folder.
        folder: PathBuf,
        /// What tells that there is a store.
        by: String,
    },
    /// The store's file ends before its newest commit does.
    #[error(
        "the store's file {} has {found} bytes, its newest commit uses {expected}: its end is missing; restore a backup, \
         the file is left as it is",
        .file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that it must have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// The store is behind what was on disk before, as after an older copy of its file was put back.
    #[error(
        "the store in {} ends at unit {found} with event {found_event}, but unit {noted} with event {noted_event} was on disk \
         before: its file is older than its anchor; restore the newest backup, or say `trunkline store accept` to \
         go on with the older state",
        .folder.display()
    )]
    Older {
        /// The data folder.
        folder: PathBuf,
        /// The unit at which it ends.
        found: u64,
        /// Its last event.
        found_event: Sequence,
        /// The unit that its anchor names.
        noted: u64,
        /// The last event by its anchor.
        noted_event: Sequence,
    },
    /// Something is encrypted, and there is no key.
    #[error(
        "{what} is encrypted with key {wanted}, and no key is given; name its file with --key-file, or set TRUNKLINE_STORE_KEY"
    )]
    KeyMissing {
        /// What is encrypted.
        what: String,
        /// The key's id.
        wanted: KeyId,
    },
    /// Something is encrypted with another key.
    #[error("{what} is encrypted with key {wanted}, and key {given} is given; give the right one, nothing was changed")]
    KeyWrong {
        /// What is encrypted.
        what: String,
        /// The key's id.
        wanted: KeyId,
        /// The id of the one that is given.
        given: KeyId,
    },
    /// A key is given for something that is not encrypted.
    #[error(
        "{what} is not encrypted, and a key is given; leave it out, or encrypt the store with `trunkline store rekey`"
    )]
    NotEncrypted {
        /// What is not.
        what: String,
    },
    /// A restore into the folder, a change of its key or an upgrade of it did not come to its end.
    #[error("{doing} the data folder {} did not come to its end; {then}", .folder.display())]
    Unfinished {
        /// What was done to it.
        doing: &'static str,
        /// What brings it there.
        then: &'static str,
        /// The data folder.
        folder: PathBuf,
    },
    /// A store is to be restored into a folder with something in it.
    #[error(
        "the folder {} is not empty ({by}); name another, or say `--replace` to put its store aside",
        .folder.display()
    )]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// What is in it.
        by: String,
    },
    /// A file is no backup, or not a whole one.
    #[error("the backup cannot be used: {why}")]
    BackupInvalid {
        /// What is wrong with it, and where.
        why: String,
    },
    /// The map or the disk is full.
    #[error("the store is full: {why}; free space or raise the store's size, nothing of the refused work was stored")]
    Full {
        /// Which of the two, and how large it is.
        why: String,
    },
    /// The operating system or LMDB failed.
    #[error("the store cannot {doing}: {cause}")]
    Io {
        /// What it was doing.
        doing: String,
        /// The cause. It is said above, and so no `source`, which would be said once more.
        cause: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A collection is asked for that nobody declared.
    #[error("no plugin declares a collection `{collection}`")]
    CollectionUnknown {
        /// Its name.
        collection: String,
    },
    /// A declaration cannot be accepted.
    #[error("collection `{collection}` cannot be declared: {why}")]
    Declaration {
        /// Its name.
        collection: String,
        /// What stands against it.
        why: String,
    },
    /// A query cannot be answered.
    #[error("the query on `{collection}` cannot be answered: {why}")]
    Query {
        /// The collection.
        collection: String,
        /// Why.
        why: String,
    },
    /// A query looked at too many records that it does not want.
    #[error(
        "the query on `{collection}` was given up after it had looked at {scanned} records, most of them in vain \
         (QUERY_SCANNED_MAX); {hint}"
    )]
    Unindexed {
        /// The collection.
        collection: String,
        /// Records that were looked at.
        scanned: u64,
        /// What would help.
        hint: String,
    },
    /// A query reads more than one may.
    #[error(
        "the query on `{collection}` was given up after it had read {read} bytes (QUERY_READ_BYTES_MAX); ask for less \
         at a time: a narrower filter, pages by `limit` and `cursor`, fewer ids"
    )]
    TooLarge {
        /// The collection.
        collection: String,
        /// Bytes that were read.
        read: u64,
    },
    /// What a query finds takes more memory than one may.
    #[error(
        "the query on `{collection}` was given up: what it finds takes more than {max} bytes in memory \
         (QUERY_MEMORY_BYTES_MAX); ask for less at a time: pages by `limit` and `cursor`, fewer ids or references"
    )]
    TooMuchFound {
        /// The collection.
        collection: String,
        /// What it may take.
        max: u64,
    },
    /// There is no room for what a query finds, because others have it.
    #[error("{why}")]
    NoRoom {
        /// What has no room, and why.
        why: String,
    },
    /// More records match than are put in order in memory.
    #[error(
        "the query on `{collection}` cannot be answered: more than {QUERY_ROWS_MAX} records match (QUERY_ROWS_MAX), and \
         no index gives their order; narrow the filter or declare an index"
    )]
    TooManyRows {
        /// The collection.
        collection: String,
    },
    /// A tenant of this name exists.
    #[error("there is already a tenant `{tenant}`")]
    TenantExists {
        /// Its name.
        tenant: String,
    },
    /// There may be no more tenants.
    #[error("there are {TENANTS_MAX} tenants already (TENANTS_MAX); erase one that is no longer used first")]
    TenantsFull,
    /// There is no tenant of this name.
    #[error("there is no tenant `{tenant}`")]
    TenantUnknown {
        /// Its name.
        tenant: String,
    },
    /// A backup or an export reads for longer than it may.
    #[error(
        "it read the store for longer than {within} (STORE_READ_MS), for which the pages that it reads are not used \
         again; give it longer with `--within`, a faster place to write to, or a time when less is written"
    )]
    ReadTooLong {
        /// How long it might.
        within: Millis,
    },
    /// A backup or an export ends with why it is not whole.
    #[error("it cannot be used, because whoever wrote it could not finish: {why}")]
    BrokenOff {
        /// The code and the words of whoever wrote it.
        why: String,
    },
    /// A backup or an export was told to end.
    #[error("the daemon is stopping; take it again when it is up")]
    ReadEnded,
    /// A file is no export, or not a whole one.
    #[error("the export cannot be used: {why}")]
    ExportInvalid {
        /// What is wrong with it, and where.
        why: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The code that callers are answered with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InUse { .. } => ErrorCode::StoreInUse,
            Self::Newer { .. } => ErrorCode::StoreNewer,
            Self::Damaged { .. } | Self::Formatless { .. } | Self::Truncated { .. } | Self::Older { .. } => {
                ErrorCode::StoreDamaged
            }
            Self::KeyMissing { .. } => ErrorCode::StoreKeyMissing,
            Self::KeyWrong { .. } | Self::NotEncrypted { .. } => ErrorCode::StoreKeyWrong,
            Self::Unfinished { .. } => ErrorCode::StoreUnfinished,
            Self::Occupied { .. } => ErrorCode::StoreExists,
            Self::TenantUnknown { .. } => ErrorCode::NotFound,
            Self::BackupInvalid { .. } | Self::ExportInvalid { .. } | Self::BrokenOff { .. } => {
                ErrorCode::BackupInvalid
            }
            Self::Full { .. } => ErrorCode::StoreFull,
            Self::Io { .. } => ErrorCode::StoreIo,
            Self::CollectionUnknown { .. } => ErrorCode::CollectionUnknown,
            Self::Declaration { .. } => ErrorCode::PluginInvalid,
            Self::Query { .. } | Self::TooManyRows { .. } => ErrorCode::FilterInvalid,
            Self::TooLarge { .. } | Self::TooMuchFound { .. } => ErrorCode::QueryTooLarge,
            Self::NoRoom { .. } => ErrorCode::Overloaded,
            Self::Unindexed { .. } => ErrorCode::QueryUnindexed,
            Self::TenantsFull => ErrorCode::TenantsFull,
            Self::TenantExists { .. } => ErrorCode::BodyInvalid,
            Self::ReadTooLong { .. } => ErrorCode::StoreReadTooLong,
            Self::Closed | Self::ReadEnded => ErrorCode::ShuttingDown,
        }
    }

    /// Its code and what it says, for who reads no more than a line of text.
    pub fn with_code(&self) -> String {
        format!("{}: {self}", self.code())
    }

    pub(crate) fn io(doing: impl Into<String>, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Io { doing: doing.into(), cause: Arc::new(cause) }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// Sorts an LMDB error into full and everything else.
    pub(crate) fn lmdb(doing: &str, source: heed::Error) -> Self {
        match source {
            heed::Error::Mdb(heed::MdbError::MapFull) => Self::Full { why: "its map has no free page".into() },
            heed::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => {
                Self::Full { why: "the disk has no free space".into() }
            }
            heed::Error::Mdb(heed::MdbError::Corrupted | heed::MdbError::PageNotFound | heed::MdbError::Invalid) => {
                Self::Damaged { what: format!("the store's file (found when it tried to {doing})") }
            }
            heed::Error::Io(io) => Self::io(doing, io),
            other => Self::io(doing, other),
        }
    }

    /// What the operating system said, if it was that.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Self::Io { cause, .. } => cause.downcast_ref().map(std::io::Error::kind),
            Self::Full { .. } => Some(std::io::ErrorKind::StorageFull),
            _ => None,
        }
    }
}

/// Why a unit of work was not accepted. Nothing of it remains.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// Something it read or relied on has changed; run it again on a fresh view.
    #[error("the unit of work met another one on {on}")]
    Conflict {
        /// What has changed.
        on: String,
    },
    /// A record breaks the collection's declaration.
    #[error("record `{id}` breaks the declaration of `{collection}`: {}", list(.errors))]
    Invalid {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
        /// What is wrong, field by field.
        errors: Vec<FieldError>,
    },
    /// Another record has these values already.
    #[error("another record of `{collection}` already has this {}", .fields.join(" + "))]
    NotUnique {
        /// The collection.
        collection: String,
        /// The fields that occur once together.
        fields: Vec<String>,
        /// The record that may not have them.
        id: String,
    },
    /// A record refers to one that is not there.
    #[error("record `{id}` of `{collection}` refers in `{field}` to `{target_id}` of `{target}`, which is not there")]
    ReferenceNotFound {
        /// The collection of the record that refers.
        collection: String,
        /// That record.
        id: String,
        /// The field in which it refers.
        field: String,
        /// The collection referred to.
        target: String,
        /// The record that is not there.
        target_id: String,
    },
    /// A record cannot be deleted, because another one refers to it.
    #[error(
        "record `{id}` of `{collection}` cannot be deleted: record `{by_id}` of `{by}` refers to it in `{field}`; change or \
         delete that one first"
    )]
    Referenced {
        /// The collection.
        collection: String,
        /// The record that was to be deleted.
        id: String,
        /// The collection of the record that refers to it.
        by: String,
        /// That record.
        by_id: String,
        /// The field in which it refers.
        field: String,
    },
    /// A deletion would take too many others along.
    #[error(
        "record `{id}` of `{collection}` cannot be deleted in one step: more than {max} others would be deleted or changed \
         with it (CASCADE_RECORDS_MAX); delete those of `{by}` in parts first"
    )]
    CascadeTooLarge {
        /// The collection.
        collection: String,
        /// The record that was to be deleted.
        id: String,
        /// The collection whose records were too many.
        by: String,
        /// How many may go along.
        max: u64,
    },
    /// The collection only takes new records.
    #[error("records of `{collection}` can be added, never changed or deleted")]
    AppendOnly {
        /// The collection.
        collection: String,
    },
    /// The event was handled by this subscription before; the delivery is done.
    #[error("the event was already handled by this subscription")]
    AlreadyHandled,
    /// An event of this id is in the tenant's log.
    #[error("there is already an event `{id}`")]
    EventExists {
        /// The id.
        id: EventId,
    },
    /// An event was published outside any tenant.
    #[error("event `{id}` belongs to no tenant; publish in a tenant's scope")]
    EventWithoutTenant {
        /// The id.
        id: EventId,
    },
    /// The store has passed its high-water mark; only what does not grow it is accepted.
    #[error("the store is full: {used_bytes} of {map_bytes} bytes are used (STORE_HIGH_WATER_PERCENT)")]
    Full {
        /// Bytes in use.
        used_bytes: u64,
        /// Bytes there are.
        map_bytes: u64,
    },
    /// Too much waits for the disk already.
    #[error("too much waits for the disk ({limit})")]
    Overloaded {
        /// The limit that is reached.
        limit: &'static str,
    },
    /// The store itself failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl Refused {
    /// The code that callers are answered with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::Invalid { .. } => ErrorCode::RecordInvalid,
            Self::NotUnique { .. } => ErrorCode::RecordNotUnique,
            Self::ReferenceNotFound { .. } => ErrorCode::ReferenceNotFound,
            Self::Referenced { .. } | Self::CascadeTooLarge { .. } => ErrorCode::RecordReferenced,
            Self::AppendOnly { .. } => ErrorCode::RecordAppendOnly,
            Self::AlreadyHandled | Self::EventExists { .. } => ErrorCode::IdempotencyConflict,
            Self::EventWithoutTenant { .. } => ErrorCode::Internal,
            Self::Full { .. } => ErrorCode::StoreFull,
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::Failed(error) => error.code(),
        }
    }

    pub(crate) fn conflict(on: impl Into<String>) -> Self {
        Self::Conflict { on: on.into() }
    }
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
