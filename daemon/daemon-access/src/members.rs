//! Users of a tenant: the roles that they hold there, and tokens that follow these roles.

use crate::access::{Access, Issued, User, check_names, check_scopes};
use crate::audit::{Deed, What};
use crate::error::AccessError;
use crate::stored::{
    MEMBERS, MemberRow, TOKENS, TokenRow, again, commit, commit_revocation, member, member_id, now_ms, put,
};
use crate::sweep::sweep;
use crate::token::{TokenHash, fresh};
use crate::tokens::{Endings, TokenView, Tokens};
use contract_model::filter::{Filter, Query};
use contract_model::{Millis, TenantId};
use daemon_store::{Scope, View};
use serde::Serialize;
use serde_json::json;

/// A user of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The user's id, as in `actor` of events.
    pub user: String,
    /// The mail address, if known.
    pub email: Option<String>,
    /// The roles that the user holds in the tenant, sorted.
    pub roles: Vec<String>,
    /// The user's tokens in the tenant that hold: neither revoked nor past their time.
    pub tokens: Vec<TokenView>,
}

impl Access {
    /// Makes a user of a tenant. Blocks until that is on disk.
    pub fn create_member(
        &self,
        by: &str,
        tenant: &TenantId,
        user: &User,
        mut roles: Vec<String>,
    ) -> Result<Member, AccessError> {
        let named = self.named(tenant.as_str())?;
        check_names("make a user", std::slice::from_ref(&user.id))?;
        check_names("make a user", &roles)?;
        roles.sort();
        roles.dedup();
        let view = self.store().view()?;
        if member(&view, tenant, &user.id)?.is_some() {
            return Err(AccessError::UserExists { tenant: tenant.to_string(), user: user.id.clone() });
        }
        let email = user.email.clone();
        let row =
            MemberRow { tenant: tenant.to_string(), user: user.id.clone(), email: email.clone(), roles: roles.clone() };
        let deed = Deed { by, what: What::UserCreated, tenant: Some(tenant), user: Some(&user.id), names: &roles };
        let writes = vec![put(MEMBERS, &member_id(named.id(), &user.id), &row, 0)?, deed.write()?];
        commit(self.store(), view, writes)?;
        self.changed();
        Ok(Member { user: user.id.clone(), email, roles, tokens: Vec::new() })
    }

    /// The users of a tenant, by id.
    pub fn members(&self, tenant: &TenantId) -> Result<Vec<Member>, AccessError> {
        self.named(tenant.as_str())?;
        let view = self.store().view()?;
        let filter = Filter::from_structured(&json!({"tenant": tenant})).unwrap_or(Filter::All);
        let query = Query { filter, sort: Vec::new(), limit: None, cursor: None };
        let page = view.find(&Scope::System, MEMBERS, &query)?;
        let rows = page.items.into_iter().filter_map(|record| serde_json::from_value(record.into_value()).ok());
        let mut rows: Vec<MemberRow> = rows.collect();
        rows.retain(|row| row.tenant == tenant.as_str());
        rows.sort_by(|a, b| a.user.cmp(&b.user));
        let tokens = self.holding(Some(tenant), None)?;
        Ok(rows.into_iter().map(|row| told(row, &tokens)).collect())
    }

    /// Gives a user of a tenant roles, at once and for all tokens that the user has. Blocks until that is on disk.
    pub fn grant(&self, by: &str, tenant: &TenantId, user: &str, roles: &[String]) -> Result<Member, AccessError> {
        check_names("grant roles", roles)?;
        let view = self.store().view()?;
        let (mut row, revision) = self.known(&view, tenant, user)?;
        row.roles.extend(roles.iter().cloned());
        row.roles.sort();
        row.roles.dedup();
        let deed = Deed { by, what: What::RolesGranted, tenant: Some(tenant), user: Some(user), names: roles };
        let mut writes = vec![put(MEMBERS, &member_id(tenant, user), &row, revision)?];
        writes.extend(deed.write_if_any()?);
        commit(self.store(), view, writes)?;
        self.changed();
        self.told(tenant, row)
    }

    /// Takes roles from a user of a tenant and ends tokens of the user, both at once and also in a full store, in one commit
    /// with its notes. Blocks until that is on disk.
    pub fn revoke_from(
        &self,
        by: &str,
        tenant: &TenantId,
        user: &str,
        roles: &[String],
        tokens: &Tokens,
    ) -> Result<Member, AccessError> {
        let revoked = again(|| {
            let ids = match tokens {
                Tokens::These(ids) => ids.clone(),
                Tokens::All => self.holding(Some(tenant), Some(user))?.into_iter().map(|token| token.id).collect(),
            };
            let view = self.store().view()?;
            let (mut row, revision) = self.known(&view, tenant, user)?;
            let fits = |token: &TokenRow| token.tenant.as_ref() == Some(&row.tenant) && token.user == row.user;
            let Endings { ids, mut writes, .. } = Endings::of(&view, &ids, fits)?;
            row.roles.retain(|role| !roles.contains(role));
            writes.push(put(MEMBERS, &member_id(tenant, user), &row, revision)?);
            for (what, names) in [(What::TokensRevoked, ids.as_slice()), (What::RolesRevoked, roles)] {
                writes.extend(Deed { by, what, tenant: Some(tenant), user: Some(user), names }.write_if_any()?);
            }
            commit_revocation(self.store(), view, writes)?;
            Ok(row)
        });
        self.changed();
        self.told(tenant, revoked?)
    }

    /// Makes a token for a user of a tenant, which holds the roles that the user holds, also those to come. Blocks until
    /// that is on disk.
    pub fn issue_to_member(
        &self,
        by: &str,
        tenant: &TenantId,
        user: &str,
        scopes: Vec<String>,
        ttl: Millis,
    ) -> Result<Issued, AccessError> {
        let what = "make a token";
        check_scopes(&scopes)?;
        if ttl.0 == 0 {
            return Err(AccessError::Invalid { what, why: "its ttl must be longer than nothing" });
        }
        if scopes.iter().any(|scope| scope == crate::SCOPE_ADMIN) {
            return Err(AccessError::Invalid { what, why: "scope `admin` is for who belongs to no tenant" });
        }
        sweep(self.store())?;
        let view = self.store().view()?;
        let (row, _) = self.known(&view, tenant, user)?;
        let token = fresh();
        let hash = TokenHash::of(&token).ok_or(AccessError::Invalid { what, why: "it is not of a token's form" })?;
        let row = TokenRow {
            hash: hash.to_hex(),
            tenant: Some(row.tenant),
            user: row.user,
            roles: Vec::new(),
            scopes,
            expires_ms: now_ms().saturating_add(ttl.0),
            revoked: false,
            follows: true,
        };
        let id = hash.id();
        let names = std::slice::from_ref(&id);
        let deed = Deed { by, what: What::TokenIssued, tenant: Some(tenant), user: Some(user), names };
        commit(self.store(), view, vec![put(TOKENS, &id, &row, 0)?, deed.write()?])?;
        Ok(Issued { token, id })
    }

    fn known(&self, view: &View, tenant: &TenantId, user: &str) -> Result<(MemberRow, u64), AccessError> {
        self.named(tenant.as_str())?;
        let unknown = || AccessError::UserUnknown { tenant: tenant.to_string(), user: user.to_owned() };
        member(view, tenant, user)?.ok_or_else(unknown)
    }

    fn told(&self, tenant: &TenantId, row: MemberRow) -> Result<Member, AccessError> {
        let tokens = self.holding(Some(tenant), Some(&row.user))?;
        Ok(told(row, &tokens))
    }
}

/// A member, with those of the tenant's tokens that are the user's.
fn told(row: MemberRow, tokens: &[TokenView]) -> Member {
    let tokens = tokens.iter().filter(|token| token.user == row.user).cloned().collect();
    Member { user: row.user, email: row.email, roles: row.roles, tokens }
}
