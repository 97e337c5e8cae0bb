//! Tenants as a type: what a bare text can never reach.

use contract_model::TenantId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A tenant of this store. Only the store makes one, so whoever holds it was given it by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant(Arc<TenantRow>);

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantRow {
    /// Its fixed-width prefix in keys, from 1; 0 is the system's own.
    pub(crate) number: u32,
    pub(crate) id: TenantId,
    pub(crate) name: String,
    /// Whether and when it was erased; then nobody reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasure: Option<Erasure>,
}

/// The tombstone of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erasure {
    /// Milliseconds since 1970.
    pub(crate) began_ms: u64,
    /// The same; none as long as something of it may be left.
    pub(crate) ended_ms: Option<u64>,
}

impl Tenant {
    pub(crate) fn new(row: TenantRow) -> Self {
        Self(Arc::new(row))
    }

    /// Its short name, as in tokens and events.
    pub fn id(&self) -> &TenantId {
        &self.0.id
    }

    /// Its display name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether something of it may be left that is to go.
    pub(crate) fn is_being_erased(&self) -> bool {
        self.0.erasure.is_some_and(|erasure| erasure.ended_ms.is_none())
    }

    /// Whether nothing of it is left.
    pub(crate) fn is_erased(&self) -> bool {
        self.0.erasure.is_some_and(|erasure| erasure.ended_ms.is_some())
    }

    pub(crate) fn number(&self) -> u32 {
        self.0.number
    }

    pub(crate) fn row(&self) -> &TenantRow {
        &self.0
    }
}

/// Whose records: the daemon's own, such as users and tokens, or a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The daemon's own.
    System,
    /// A tenant's.
    Tenant(Tenant),
}

impl Scope {
    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::System => 0,
            Self::Tenant(tenant) => tenant.number(),
        }
    }

    /// The tenant, if it is one's.
    pub fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::System => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}

impl From<Tenant> for Scope {
    fn from(tenant: Tenant) -> Self {
        Self::Tenant(tenant)
    }
}
