//! The one table from error code to HTTP status.

use contract_model::ErrorCode;

/// The status that a code answers with, unless the place that refuses knows a narrower one.
pub(crate) fn of(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::BodyNotJson | ErrorCode::BodyKeyRepeated | ErrorCode::QueryInvalid | ErrorCode::FilterInvalid | ErrorCode::QueryUnindexed | ErrorCode::QueryTooLarge => 400,
        ErrorCode::Unauthenticated => 401,
        ErrorCode::Forbidden | ErrorCode::TopicNotPublic => 403,
        ErrorCode::NotFound | ErrorCode::RecordNotFound | ErrorCode::CollectionUnknown => 404,
        ErrorCode::MethodNotAllowed => 405,
        ErrorCode::RecordNotUnique
        | ErrorCode::RecordAppendOnly
        | ErrorCode::DetachVetoed
        | ErrorCode::TenantsFull
        | ErrorCode::SubscriptionGone
        | ErrorCode::CursorAhead
        | ErrorCode::RecordReferenced
        | ErrorCode::NotEnough
        | ErrorCode::ReservationEnded
        | ErrorCode::IdempotencyConflict => 409,
        ErrorCode::RevisionMismatch => 412,
        ErrorCode::BodyTooLarge | ErrorCode::PayloadTooLarge => 413,
        ErrorCode::BodyInvalid
        | ErrorCode::RecordInvalid
        | ErrorCode::ReferenceNotFound
        | ErrorCode::PayloadInvalid
        | ErrorCode::TopicUnknown
        | ErrorCode::NoResponder => 422,
        // Faults of a plugin's own making: the caller can do nothing about them.
        ErrorCode::TopicUndeclared
        | ErrorCode::TopicUnpromised
        | ErrorCode::JobUnknown
        | ErrorCode::OutcomeUnknown
        | ErrorCode::HopLimit
        | ErrorCode::HookDepth
        | ErrorCode::CapabilityUndeclared
        | ErrorCode::CapabilityMethodUnknown
        | ErrorCode::CapabilityCycle
        | ErrorCode::CapabilityReadOnly
        | ErrorCode::FetchAddressRefused
        | ErrorCode::FetchTooLarge
        | ErrorCode::FetchTooLate | ErrorCode::FetchUnexpected
        | ErrorCode::ValueUnsupported
        | ErrorCode::PermissionDenied
        | ErrorCode::PluginError
        // Faults of the daemon or of how it is run.
        | ErrorCode::Internal
        | ErrorCode::StoreDamaged
        | ErrorCode::StoreInUse
        | ErrorCode::StoreNewer
        | ErrorCode::StoreKeyMissing
        | ErrorCode::StoreKeyWrong
        | ErrorCode::StoreExists
        | ErrorCode::StoreUnfinished
        | ErrorCode::BackupInvalid
        | ErrorCode::StoreIo
        | ErrorCode::AddressInUse => 500,
        ErrorCode::QuotaExceeded => 429,
        ErrorCode::PluginMemory
        | ErrorCode::PluginCrashed
        | ErrorCode::PluginUnavailable
        | ErrorCode::PluginStarting
        | ErrorCode::PluginDisabled
        | ErrorCode::PluginPendingConfig
        | ErrorCode::StoreReadTooLong
        | ErrorCode::CapabilityMissing
        | ErrorCode::PluginInvalid
        | ErrorCode::Conflict
        | ErrorCode::Overloaded
        | ErrorCode::ShuttingDown => 503,
        ErrorCode::FetchFailed => 502,
        ErrorCode::FetchTimeout | ErrorCode::PluginDeadline | ErrorCode::Timeout | ErrorCode::EventExpired => 504,
        ErrorCode::StoreFull => 507,
    }
}
