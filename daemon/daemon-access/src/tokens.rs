//! Tokens that hold: listing them, and ending them.

use crate::access::Access;
use crate::audit::{Deed, What};
use crate::error::AccessError;
use crate::stored::{TOKENS, TokenRow, again, commit_revocation, now_ms, put, read};
use contract_model::TenantId;
use contract_model::filter::{Filter, Query};
use daemon_store::{Scope, Tenant, View, Write};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// A token as listed, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// The tenant; none for an administrator.
    pub tenant: Option<String>,
    /// The user.
    pub user: String,
    /// Roles of its own in the tenant.
    pub roles: Vec<String>,
    /// It holds the roles that its user holds, in place of its own.
    pub follows: bool,
    /// Scopes.
    pub scopes: Vec<String>,
    /// When it ends, milliseconds since 1970.
    pub expires_ms: u64,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// Which tokens of a user are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// Those of these ids.
    These(Vec<String>),
    /// Every one.
    All,
}

/// Tokens that end: their ids, whom they speak for, and the writes that end them.
#[derive(Default)]
pub(crate) struct Endings {
    pub(crate) ids: Vec<String>,
    users: BTreeSet<String>,
    pub(crate) writes: Vec<Write>,
}

impl Endings {
    /// Those among these tokens that are not ended yet. One that is not there or does not fit is unknown.
    pub(crate) fn of(view: &View, ids: &[String], fits: impl Fn(&TokenRow) -> bool) -> Result<Self, AccessError> {
        let mut endings = Self::default();
        for id in ids.iter().collect::<BTreeSet<_>>() {
            let found = read::<TokenRow>(view, TOKENS, id)?.filter(|(row, _)| fits(row));
            let (mut row, revision) = found.ok_or_else(|| AccessError::TokenUnknown { id: id.clone() })?;
            if !row.revoked {
                row.revoked = true;
                endings.writes.push(put(TOKENS, id, &row, revision)?);
                endings.ids.push(id.clone());
                endings.users.insert(row.user);
            }
        }
        Ok(endings)
    }

    /// Whom they speak for, where it is one user.
    fn user(&self) -> Option<&str> {
        self.users.first().filter(|_| self.users.len() == 1).map(String::as_str)
    }
}

impl Access {
    /// The tokens of a tenant, or without one those of administrators, that hold: neither revoked nor past their time.
    pub fn tokens(&self, tenant: Option<&TenantId>) -> Result<Vec<TokenView>, AccessError> {
        let known = tenant.map(|tenant| self.named(tenant.as_str())).transpose()?;
        self.holding(known.as_ref().map(Tenant::id), None)
    }

    /// Ends tokens of a tenant, or without one those of administrators, at once and also in a full store, in one commit with
    /// its note. Blocks until that is on disk. Revoking twice is no error.
    pub fn revoke(&self, by: &str, tenant: Option<&TenantId>, ids: &[String]) -> Result<(), AccessError> {
        let fits = |row: &TokenRow| row.tenant.as_deref() == tenant.map(TenantId::as_str);
        let stored = again(|| {
            let view = self.store().view()?;
            let mut ended = Endings::of(&view, ids, fits)?;
            let deed = Deed { by, what: What::TokensRevoked, tenant, user: ended.user(), names: &ended.ids };
            let note = deed.write_if_any()?;
            ended.writes.extend(note);
            commit_revocation(self.store(), view, ended.writes)
        });
        self.changed();
        stored
    }

    /// Tokens that hold, of one user or of all.
    pub(crate) fn holding(&self, tenant: Option<&TenantId>, user: Option<&str>) -> Result<Vec<TokenView>, AccessError> {
        let mut wanted = json!({"tenant": tenant, "revoked": false, "expires_ms": {"gt": now_ms()}});
        if let Some(user) = user {
            wanted["user"] = user.into();
        }
        let malformed = AccessError::Invalid { what: "look for tokens", why: "the filter is not one" };
        let filter = Filter::from_structured(&wanted).map_err(|_| malformed)?;
        let query = Query { filter, sort: Vec::new(), limit: None, cursor: None };
        let page = self.store().view()?.find(&Scope::System, TOKENS, &query)?;
        let rows = page.items.into_iter().map(|record| (record.id().to_owned(), record.into_value()));
        let rows = rows.filter_map(|(id, row)| Some(listed(id, serde_json::from_value(row).ok()?)));
        Ok(rows.collect())
    }
}

fn listed(id: String, row: TokenRow) -> TokenView {
    let TokenRow { tenant, user, roles, follows, scopes, expires_ms, revoked, .. } = row;
    TokenView { id, tenant, user, roles, follows, scopes, expires_ms, revoked }
}
