//! Why access was not given, or could not be arranged.

use crate::caller::SCOPE_EVENTS_PUBLISH;
use contract_model::ErrorCode;
use daemon_store::{Refused, StoreError};

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// Unknown, revoked or not of a token's form. Callers are not told which.
    #[error("the token is not valid; ask for a new one")]
    TokenInvalid,
    /// Past its expiry.
    #[error("the token has expired; ask for a new one")]
    TokenExpired,
    /// No tenant of this name.
    #[error("there is no tenant `{tenant}`; create it first")]
    TenantUnknown {
        /// The name.
        tenant: String,
    },
    /// No user of this name in the tenant.
    #[error("tenant `{tenant}` has no user `{user}`; `trunkline user create` makes one")]
    UserUnknown {
        /// The tenant.
        tenant: String,
        /// The user.
        user: String,
    },
    /// There is such a user already.
    #[error("tenant `{tenant}` has a user `{user}` already; `trunkline user grant` gives more roles")]
    UserExists {
        /// The tenant.
        tenant: String,
        /// The user.
        user: String,
    },
    /// No token of this id.
    #[error("there is no token `{id}`")]
    TokenUnknown {
        /// The id.
        id: String,
    },
    /// A request for a token, or a user, that makes no sense.
    #[error("cannot {what}: {why}")]
    Invalid {
        /// What was asked for.
        what: &'static str,
        /// The rule it breaks.
        why: &'static str,
    },
    /// No scope of this name.
    #[error("cannot make a token: there is no scope `{scope}`; a tenant's tokens may hold `{SCOPE_EVENTS_PUBLISH}`")]
    ScopeUnknown {
        /// The name.
        scope: String,
    },
    /// The store refused to keep it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessError {
    /// The code that callers are answered with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TokenInvalid | Self::TokenExpired => ErrorCode::Unauthenticated,
            Self::TenantUnknown { .. } | Self::TokenUnknown { .. } | Self::UserUnknown { .. } => ErrorCode::NotFound,
            Self::UserExists { .. } => ErrorCode::RecordNotUnique,
            Self::Invalid { .. } | Self::ScopeUnknown { .. } => ErrorCode::BodyInvalid,
            Self::Refused(refused) => refused.code(),
            Self::Store(error) => error.code(),
        }
    }
}
