//! The one catalogue of error codes. Each has a page in docs/src/errors.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose fault an error is, which decides what a caller may do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The caller must change the request.
    Caller,
    /// The same request may succeed later.
    Temporary,
    /// A plugin misbehaved.
    Plugin,
    /// The daemon or its store is at fault.
    Daemon,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $fault:ident, $meaning:literal;)*) => {
        /// A code that names an error for programs. Stable: renaming one breaks callers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(#[doc = $meaning] #[serde(rename = $text)] $name,)*
        }
        impl ErrorCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];
            /// The code as it stands in answers.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }
            /// One sentence on what it means.
            pub fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$name => $meaning,)* }
            }
            /// Whose fault it is.
            pub fn fault(self) -> Fault {
                match self { $(ErrorCode::$name => Fault::$fault,)* }
            }
        }
    };
}

codes! {
    Unauthenticated = "UNAUTHENTICATED", Caller, "No token, or one that is unknown, expired or revoked.";
    Forbidden = "FORBIDDEN", Caller, "The caller's roles or scopes do not allow this.";
    NotFound = "NOT_FOUND", Caller, "There is no such route, event, plugin or tenant.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Caller, "The route exists, but not with this method.";
    BodyNotJson = "BODY_NOT_JSON", Caller, "The body is not valid JSON.";
    BodyKeyRepeated = "BODY_KEY_REPEATED", Caller, "An object of the body names a key twice.";
    BodyInvalid = "BODY_INVALID", Caller, "The body breaks the schema declared for it.";
    BodyTooLarge = "BODY_TOO_LARGE", Caller, "The body, the header or the request target is larger than it may be.";
    QueryUnindexed = "QUERY_UNINDEXED", Caller, "The query looked at too many records in vain; no index leads to those that it wants.";
    QueryTooLarge = "QUERY_TOO_LARGE", Caller, "The query would read more of the store than one may.";
    QueryInvalid = "QUERY_INVALID", Caller, "A query parameter is missing or not of the expected form.";
    RecordNotFound = "RECORD_NOT_FOUND", Caller, "There is no record with this id in the collection.";
    RecordInvalid = "RECORD_INVALID", Caller, "The record breaks the collection's declared fields.";
    RecordNotUnique = "RECORD_NOT_UNIQUE", Caller, "Another record already has these values of a unique index.";
    RecordAppendOnly = "RECORD_APPEND_ONLY", Caller, "The collection only takes new records; nothing in it can be changed or deleted.";
    ReferenceNotFound = "REFERENCE_NOT_FOUND", Caller, "The record refers to a record that is not there.";
    TenantsFull = "TENANTS_FULL", Caller, "There are as many tenants as there may be.";
    RecordReferenced = "RECORD_REFERENCED", Caller, "Other records refer to this one, so it cannot be deleted.";
    NotEnough = "NOT_ENOUGH", Caller, "Less is left of what is to be reserved than is wanted.";
    ReservationEnded = "RESERVATION_ENDED", Caller, "The reservation has ended in another way already.";
    RevisionMismatch = "REVISION_MISMATCH", Caller, "The record has another revision than the one that the change was meant for.";
    CollectionUnknown = "COLLECTION_UNKNOWN", Caller, "No plugin declares a collection of this name.";
    FilterInvalid = "FILTER_INVALID", Caller, "The filter cannot be read or names an unknown field.";
    TopicUnknown = "TOPIC_UNKNOWN", Caller, "No plugin of the suite owns this topic.";
    TopicUndeclared = "TOPIC_UNDECLARED", Plugin, "The plugin's manifest does not declare this topic for this direction.";
    TopicUnpromised = "TOPIC_UNPROMISED", Plugin, "The plugin's code promised the checker to stay within other topics than this one.";
    TopicNotPublic = "TOPIC_NOT_PUBLIC", Caller, "The topic may not be published from outside: it is neither public nor named external.";
    PayloadInvalid = "PAYLOAD_INVALID", Caller, "The payload breaks the topic's schema.";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Caller, "The payload is larger than an event may be.";
    IdempotencyConflict = "idempotency_conflict", Caller, "The same key was used before with another payload.";
    EventExpired = "EVENT_EXPIRED", Temporary, "The event was not handled within its topic's `ttl` and is delivered no more.";
    JobUnknown = "JOB_UNKNOWN", Plugin, "The plugin has registered no kind of job of this name.";
    OutcomeUnknown = "OUTCOME_UNKNOWN", Plugin, "The plugin has no `$app.onOutcome` of this name.";
    CapabilityUndeclared = "CAPABILITY_UNDECLARED", Plugin, "The plugin's manifest does not declare this capability for this direction.";
    CapabilityMissing = "CAPABILITY_MISSING", Temporary, "No running plugin provides the capability in a version that will do.";
    CapabilityMethodUnknown = "CAPABILITY_METHOD_UNKNOWN", Plugin, "The provider of the capability has no such method.";
    CapabilityCycle = "CAPABILITY_CYCLE", Plugin, "Calls of capabilities go in a circle, or more deeply than they may.";
    CapabilityReadOnly = "CAPABILITY_READ_ONLY", Plugin, "A method of a capability tried to change something; it may only read.";
    DetachVetoed = "DETACH_VETOED", Caller, "A plugin that uses a capability of this one refuses to let it go.";
    FetchFailed = "FETCH_FAILED", Temporary, "The host that was to be asked could not be reached, or broke off.";
    FetchTimeout = "FETCH_TIMEOUT", Temporary, "The host that was asked did not answer in time.";
    FetchAddressRefused = "FETCH_ADDRESS_REFUSED", Plugin, "The host that was to be asked lies at an address that is not public.";
    FetchTooLarge = "FETCH_TOO_LARGE", Plugin, "The body of a fetch or of its answer is longer than it may be.";
    FetchTooLate = "FETCH_TOO_LATE", Plugin, "The call has changed something already, so it can ask nobody outside any more.";
    FetchUnexpected = "FETCH_UNEXPECTED", Plugin, "A test gave no answer for what the plugin fetched.";
    HookDepth = "HOOK_DEPTH", Plugin, "Record hooks change records whose hooks change records, more deeply than they may.";
    HopLimit = "HOP_LIMIT", Plugin, "The event is the last of too long a chain of causes.";
    ValueUnsupported = "VALUE_UNSUPPORTED", Plugin, "A JavaScript value has no exact form outside the worker.";
    PermissionDenied = "PERMISSION_DENIED", Plugin, "The plugin was not granted this.";
    PluginError = "PLUGIN_ERROR", Plugin, "The plugin threw an exception it did not handle.";
    PluginDeadline = "PLUGIN_DEADLINE", Plugin, "The plugin ran past its deadline and its worker was killed.";
    PluginMemory = "PLUGIN_MEMORY", Plugin, "The plugin asked for more memory than its worker may have.";
    PluginCrashed = "PLUGIN_CRASHED", Plugin, "The plugin's worker process ended unexpectedly.";
    PluginUnavailable = "PLUGIN_UNAVAILABLE", Temporary, "The plugin is paused after repeated faults, or could not be started.";
    PluginStarting = "PLUGIN_STARTING", Temporary, "The plugin is still loading its code; the others are served already.";
    PluginDisabled = "PLUGIN_DISABLED", Temporary, "An operator has disabled the plugin.";
    PluginPendingConfig = "PLUGIN_PENDING_CONFIG", Temporary, "The plugin waits for settings that it needs.";
    PluginInvalid = "PLUGIN_INVALID", Plugin, "The plugin cannot be loaded.";
    Conflict = "CONFLICT", Temporary, "The unit of work met others again and again and was given up; try again.";
    Overloaded = "OVERLOADED", Temporary, "A queue is full; try again later.";
    QuotaExceeded = "QUOTA_EXCEEDED", Temporary, "A tenant or a plugin has used up what it may take for now; try again later.";
    SubscriptionGone = "SUBSCRIPTION_GONE", Caller, "The handler of a dead letter is not there any more.";
    CursorAhead = "CURSOR_AHEAD", Caller, "The reader has seen more of the log than there is.";
    NoResponder = "no_responder", Caller, "Nobody handles this request topic.";
    Timeout = "timeout", Temporary, "No answer arrived in time; it may still come.";
    StoreFull = "STORE_FULL", Temporary, "The store has reached its size limit or the disk is full.";
    StoreDamaged = "STORE_DAMAGED", Daemon, "A stored value does not match its checksum.";
    StoreInUse = "STORE_IN_USE", Caller, "Another process uses this data folder.";
    StoreNewer = "STORE_NEWER", Caller, "The data folder was written by a newer version.";
    StoreKeyMissing = "STORE_KEY_MISSING", Caller, "The store or backup is encrypted, and no key is given.";
    StoreKeyWrong = "STORE_KEY_WRONG", Caller, "The store or backup is not encrypted with the key that is given.";
    StoreExists = "STORE_EXISTS", Caller, "The folder that a store is to be restored into is not empty.";
    StoreUnfinished = "STORE_UNFINISHED", Caller, "A restore into this data folder, a change of its key, or an upgrade of it did not come to its end.";
    BackupInvalid = "BACKUP_INVALID", Caller, "The file is no backup or export, or not a whole and undamaged one.";
    StoreReadTooLong = "STORE_READ_TOO_LONG", Temporary, "A backup or an export was ended because it read the store for too long.";
    StoreIo = "STORE_IO", Daemon, "The store cannot be read or written.";
    AddressInUse = "ADDRESS_IN_USE", Caller, "Another program listens on this address.";
    ShuttingDown = "SHUTTING_DOWN", Temporary, "The daemon is stopping.";
    Internal = "INTERNAL", Daemon, "A fault of the daemon itself.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorCode {
    /// Finds a code by its text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_found_by_its_text() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
    }
}
