//! Who changed whose rights, and when. What is noted is stored with the change, and never changed.

use crate::error::AccessError;
use crate::stored::{AUDIT, now_ms, put};
use contract_model::TenantId;
use contract_model::filter::{Filter, Query};
use daemon_store::{Scope, Store, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A tenant was made.
    #[serde(rename = "tenant.created")]
    TenantCreated,
    /// A tenant was erased.
    #[serde(rename = "tenant.erased")]
    TenantErased,
    /// A user of a tenant was made, with roles.
    #[serde(rename = "user.created")]
    UserCreated,
    /// Roles were given.
    #[serde(rename = "roles.granted")]
    RolesGranted,
    /// Roles were taken.
    #[serde(rename = "roles.revoked")]
    RolesRevoked,
    /// A token was made.
    #[serde(rename = "token.issued")]
    TokenIssued,
    /// Tokens were ended.
    #[serde(rename = "tokens.revoked")]
    TokensRevoked,
}

/// Something that is done to rights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    /// Who does it: the user, and the id of the token.
    pub by: &'a str,
    /// What.
    pub what: What,
    /// In which tenant.
    pub tenant: Option<&'a TenantId>,
    /// To whom.
    pub user: Option<&'a str>,
    /// Roles, or ids of tokens.
    pub names: &'a [String],
}

/// Names that a note gives at most; of more it gives the first, and how many there were.
const NAMES_NOTED_MAX: usize = 100;

/// What was noted of a change of rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Who did it.
    pub by: String,
    /// What.
    pub what: What,
    /// In which tenant.
    pub tenant: Option<String>,
    /// To whom.
    pub user: Option<String>,
    /// Roles, or ids of tokens.
    pub names: Vec<String>,
    /// How many there were, where those are only the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Deed<'_> {
    /// As it is to be stored with the change.
    pub(crate) fn write(&self) -> Result<Write, AccessError> {
        let row = Noted {
            at_ms: now_ms(),
            by: self.by.to_owned(),
            what: self.what,
            tenant: self.tenant.map(ToString::to_string),
            user: self.user.map(str::to_owned),
            names: self.names.iter().take(NAMES_NOTED_MAX).cloned().collect(),
            count: (self.names.len() > NAMES_NOTED_MAX).then_some(self.names.len() as u64),
        };
        let place = next_place(row.at_ms);
        put(AUDIT, &format!("{place:020}-{:08x}", rand::random::<u32>()), &row, 0)
    }

    /// The same, where it names anything.
    pub(crate) fn write_if_any(&self) -> Result<Option<Write>, AccessError> {
        if self.names.is_empty() { Ok(None) } else { self.write().map(Some) }
    }
}

/// Notes of one millisecond keep their order, too.
fn next_place(now_ms: u64) -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let next = |last: u64| last.saturating_add(1).max(now_ms.saturating_mul(1_000));
    LAST.fetch_update(Relaxed, Relaxed, |last| Some(next(last))).map_or(0, next)
}

/// What was noted, the newest first, at most `limit`; of one tenant, or of all.
pub(crate) fn noted(store: &Store, tenant: Option<&TenantId>, limit: u64) -> Result<Vec<Noted>, AccessError> {
    let filter = tenant.map_or(Ok(Filter::All), |tenant| Filter::from_structured(&json!({"tenant": tenant})));
    let filter = filter.unwrap_or(Filter::All);
    let sort = vec![("id".to_owned(), true)];
    let query = Query { filter, sort, limit: Some(limit), cursor: None };
    let page = store.view()?.find(&Scope::System, AUDIT, &query)?;
    let rows = page.items.into_iter().filter_map(|record| serde_json::from_value::<Noted>(record.into_value()).ok());
    Ok(rows.filter(|row| tenant.is_none_or(|tenant| row.tenant.as_deref() == Some(tenant.as_str()))).collect())
}
