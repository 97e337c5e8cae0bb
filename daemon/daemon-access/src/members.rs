//! Users of a tenant: the roles that they hold there, and tokens that follow these roles.

use crate::access::{Access, Issued, TokenView, User, check_names};
use crate::audit::{Deed, What};
use crate::error::AccessError;
use crate::stored::{MEMBERS, MemberRow, TOKENS, TokenRow, USERS, UserRow, commit, now_ms, put, read};
use crate::token::{TokenHash, fresh};
use contract_model::filter::{Filter, Query};
use contract_model::{Millis, TenantId};
use daemon_store::{Scope, View, Write};
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
    /// The user's tokens in the tenant that have not been revoked.
    pub tokens: Vec<TokenView>,
}

/// Which tokens of a user are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// Those of these ids.
    These(Vec<String>),
    /// Every one.
    All,
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
        let (known, revision) =
            read::<UserRow>(&view, USERS, &user.id)?.map_or((None, 0), |(known, revision)| (known.email, revision));
        let email = user.email.clone().or(known);
        let row = MemberRow { tenant: tenant.to_string(), user: user.id.clone(), roles: roles.clone() };
        let deed = Deed { by, what: What::UserCreated, tenant: Some(tenant), user: Some(&user.id), names: &roles };
        let writes = vec![
            put(USERS, &user.id, &UserRow { email: email.clone() }, revision)?,
            put(MEMBERS, &member_id(named.id(), &user.id), &row, 0)?,
            deed.write()?,
        ];
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
        let tokens = self.tokens()?;
        rows.into_iter().map(|row| Self::told(&view, row, &tokens)).collect()
    }

    /// Gives a user of a tenant roles and takes others, at once and for all tokens that the user has. Blocks until that
    /// is on disk.
    pub fn change_roles(
        &self,
        by: &str,
        tenant: &TenantId,
        user: &str,
        granted: &[String],
        revoked: &[String],
    ) -> Result<Member, AccessError> {
        check_names("grant roles", granted)?;
        let view = self.store().view()?;
        let (mut row, revision) = self.known(&view, tenant, user)?;
        row.roles.extend(granted.iter().cloned());
        row.roles.retain(|role| !revoked.contains(role));
        row.roles.sort();
        row.roles.dedup();
        let deed = |what, names| Deed { by, what, tenant: Some(tenant), user: Some(user), names };
        let mut writes = vec![put(MEMBERS, &member_id(tenant, user), &row, revision)?];
        for (what, names) in [(What::RolesGranted, granted), (What::RolesRevoked, revoked)] {
            if !names.is_empty() {
                writes.push(deed(what, names).write()?);
            }
        }
        commit(self.store(), view, writes)?;
        self.changed();
        let view = self.store().view()?;
        Self::told(&view, row, &self.tokens()?)
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
        check_names(what, &scopes)?;
        if ttl.0 == 0 {
            return Err(AccessError::Invalid { what, why: "its ttl must be longer than nothing" });
        }
        if scopes.iter().any(|scope| scope == crate::SCOPE_ADMIN) {
            return Err(AccessError::Invalid { what, why: "scope `admin` is for who belongs to no tenant" });
        }
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

    /// Ends tokens of a user of a tenant at once, and gives their ids. Blocks until that is on disk.
    pub fn revoke_tokens(
        &self,
        by: &str,
        tenant: &TenantId,
        user: &str,
        which: &Tokens,
    ) -> Result<Vec<String>, AccessError> {
        let all = self.tokens()?;
        let view = self.store().view()?;
        self.known(&view, tenant, user)?;
        let own = |token: &&TokenView| token.tenant.as_deref() == Some(tenant.as_str()) && token.user == user;
        let own: Vec<&TokenView> = all.iter().filter(own).collect();
        if let Tokens::These(ids) = which
            && let Some(id) = ids.iter().find(|id| !own.iter().any(|token| token.id == **id))
        {
            return Err(AccessError::TokenUnknown { id: id.clone() });
        }
        let meant = |token: &&&TokenView| match which {
            Tokens::All => !token.revoked,
            Tokens::These(ids) => ids.contains(&token.id),
        };
        let ids: Vec<String> = own.iter().filter(meant).map(|token| token.id.clone()).collect();
        let mut writes: Vec<Write> = Vec::new();
        for id in &ids {
            let Some((mut row, revision)) = read::<TokenRow>(&view, TOKENS, id)? else { continue };
            row.revoked = true;
            writes.push(put(TOKENS, id, &row, revision)?);
        }
        let deed = Deed { by, what: What::TokensRevoked, tenant: Some(tenant), user: Some(user), names: &ids };
        writes.push(deed.write()?);
        commit(self.store(), view, writes)?;
        self.changed();
        Ok(ids)
    }

    fn known(&self, view: &View, tenant: &TenantId, user: &str) -> Result<(MemberRow, u64), AccessError> {
        self.named(tenant.as_str())?;
        let unknown = || AccessError::UserUnknown { tenant: tenant.to_string(), user: user.to_owned() };
        member(view, tenant, user)?.ok_or_else(unknown)
    }

    fn told(view: &View, row: MemberRow, tokens: &[TokenView]) -> Result<Member, AccessError> {
        let email = read::<UserRow>(view, USERS, &row.user)?.and_then(|(user, _)| user.email);
        let own =
            |token: &&TokenView| token.user == row.user && token.tenant.as_ref() == Some(&row.tenant) && !token.revoked;
        let tokens = tokens.iter().filter(own).cloned().collect();
        Ok(Member { user: row.user, email, roles: row.roles, tokens })
    }
}

/// What a user is in a tenant, with its revision.
pub(crate) fn member(view: &View, tenant: &TenantId, user: &str) -> Result<Option<(MemberRow, u64)>, AccessError> {
    read::<MemberRow>(view, MEMBERS, &member_id(tenant, user))
}

/// Names of tenants have no slash, so no two pairs share an id.
pub(crate) fn member_id(tenant: &TenantId, user: &str) -> String {
    format!("{tenant}/{user}")
}
