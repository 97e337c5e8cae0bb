//! Making tenants, users and tokens, and verifying tokens.

use crate::caller::{Caller, SCOPE_ADMIN};
use crate::error::AccessError;
use crate::roles::Roles;
use crate::stored::{MEMBERS, TOKENS, TokenRow, USERS, UserRow, declare, now_ms, read, remove, write};
use crate::token::{TokenHash, fresh};
use contract_model::filter::{Filter, Query};
use contract_model::manifest::Role;
use contract_model::{Millis, PluginSlug, TenantId};
use daemon_store::{Erased, Scope, Store, Tenant};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Verified tokens kept in memory. When there are more, all are looked up once again.
const TOKENS_CACHED_MAX: usize = 16_384;
/// Roles or scopes of one token.
const NAMES_PER_TOKEN_MAX: usize = 1_000;
const NAME_BYTES_MAX: usize = 200;

/// What a token is to be.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The tenant; none for an administrator.
    pub tenant: Option<TenantId>,
    /// The user it speaks for.
    pub user: String,
    /// Roles in the tenant.
    pub roles: Vec<String>,
    /// What it may be used for, such as `events:publish`; `admin` exactly where there is no tenant.
    pub scopes: Vec<String>,
    /// How long it is valid.
    pub ttl: Millis,
}

/// A new token. It cannot be shown again.
#[derive(Clone, Serialize)]
pub struct Issued {
    /// The token itself.
    pub token: String,
    /// Its id, by which it is listed and revoked.
    pub id: String,
}

/// A token as listed, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// The tenant; none for an administrator.
    pub tenant: Option<String>,
    /// The user.
    pub user: String,
    /// Roles in the tenant.
    pub roles: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// When it ends, milliseconds since 1970.
    pub expires_ms: u64,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A person or program that tokens speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id, as in `actor` of events.
    pub id: String,
    /// The mail address, if known.
    pub email: Option<String>,
}

/// Identity and permissions on top of the store. Clones are the same.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    store: Store,
    verified: RwLock<Verified>,
    roles: RwLock<Roles>,
}

#[derive(Default)]
struct Verified {
    callers: HashMap<TokenHash, (Arc<Caller>, u64)>,
    /// Counts revocations and changes of users, so that what was looked up before one is not kept after it.
    changes: u64,
}

impl Access {
    /// Declares what access keeps, where that is not yet done.
    pub fn open(store: Store) -> Result<Self, AccessError> {
        declare(&store)?;
        Ok(Self(Arc::new(Inner { store, verified: RwLock::default(), roles: RwLock::default() })))
    }

    /// Makes a tenant. Blocks until it is on disk.
    pub fn create_tenant(&self, id: &TenantId, name: &str) -> Result<Tenant, AccessError> {
        Ok(self.0.store.create_tenant(id, name)?)
    }

    /// Erases a tenant with all that is kept of it, and ends its tokens first. Blocks until that is on disk.
    pub fn erase_tenant(&self, id: &TenantId) -> Result<Erased, AccessError> {
        let all = self.tokens()?;
        for token in all.into_iter().filter(|token| token.tenant.as_deref() == Some(id.as_str())) {
            let view = self.0.store.view()?;
            let revision = read::<TokenRow>(&view, TOKENS, &token.id)?.map_or(0, |(_, revision)| revision);
            remove(&self.0.store, view, TOKENS, &token.id, revision)?;
        }
        for member in self.members(id)? {
            let view = self.0.store.view()?;
            let revision = crate::members::member(&view, id, &member.user)?.map_or(0, |(_, revision)| revision);
            remove(&self.0.store, view, MEMBERS, &crate::members::member_id(id, &member.user), revision)?;
        }
        let erased = self.0.store.erase_tenant(id, now_ms());
        self.changed();
        Ok(erased?)
    }

    /// Goes on with erasures that were begun when the daemon ended.
    pub fn finish_erasures(&self) -> Result<Vec<Erased>, AccessError> {
        Ok(self.0.store.finish_erasures(now_ms())?)
    }

    /// The tenant of this name.
    pub fn tenant(&self, id: &TenantId) -> Option<Tenant> {
        self.0.store.tenant(id)
    }

    /// The names of all tenants, sorted.
    pub fn tenants(&self) -> Vec<TenantId> {
        self.0.store.tenants().iter().map(|tenant| tenant.id().clone()).collect()
    }

    /// Makes a user or changes one. Blocks until it is on disk.
    pub fn put_user(&self, user: &User) -> Result<(), AccessError> {
        check_names("make a user", std::slice::from_ref(&user.id))?;
        let view = self.0.store.view()?;
        let revision = read::<UserRow>(&view, USERS, &user.id)?.map_or(0, |(_, revision)| revision);
        write(&self.0.store, view, USERS, &user.id, &UserRow { email: user.email.clone() }, revision)?;
        self.changed();
        Ok(())
    }

    /// Makes a token. Blocks until it is on disk.
    pub fn issue_token(&self, request: TokenRequest) -> Result<Issued, AccessError> {
        self.check(&request)?;
        let token = fresh();
        let malformed = AccessError::Invalid { what: "make a token", why: "it is not of a token's form" };
        let hash = TokenHash::of(&token).ok_or(malformed)?;
        let row = TokenRow {
            hash: hash.to_hex(),
            tenant: request.tenant.map(String::from),
            user: request.user,
            roles: request.roles,
            scopes: request.scopes,
            expires_ms: now_ms().saturating_add(request.ttl.0),
            revoked: false,
            follows: false,
        };
        write(&self.0.store, self.0.store.view()?, TOKENS, &hash.id(), &row, 0)?;
        Ok(Issued { token, id: hash.id() })
    }

    /// Lets a token hold these roles from now on, in place of those it held. Blocks until that is on disk.
    pub fn give_roles(&self, token: &str, roles: Vec<String>) -> Result<(), AccessError> {
        let id = TokenHash::of(token).ok_or(AccessError::TokenInvalid)?.id();
        let view = self.0.store.view()?;
        let unknown = || AccessError::TokenUnknown { id: id.clone() };
        let (mut row, revision) = read::<TokenRow>(&view, TOKENS, &id)?.ok_or_else(unknown)?;
        row.roles = roles;
        let stored = write(&self.0.store, view, TOKENS, &id, &row, revision);
        self.changed();
        stored
    }

    /// Ends a token at once. Blocks until that is on disk. Revoking twice is no error.
    pub fn revoke(&self, id: &str) -> Result<(), AccessError> {
        let view = self.0.store.view()?;
        let unknown = || AccessError::TokenUnknown { id: id.to_owned() };
        let (mut row, revision) = read::<TokenRow>(&view, TOKENS, id)?.ok_or_else(unknown)?;
        row.revoked = true;
        let stored = write(&self.0.store, view, TOKENS, id, &row, revision);
        self.changed();
        stored
    }

    /// All tokens, by id.
    pub fn tokens(&self) -> Result<Vec<TokenView>, AccessError> {
        let query = Query { filter: Filter::All, sort: Vec::new(), limit: None, cursor: None };
        let view = self.0.store.view()?;
        let page = view.find(&Scope::System, TOKENS, &query)?;
        let ids: Vec<String> = page.items.iter().map(|record| record.id().to_owned()).collect();
        let rows = ids.into_iter().map(|id| Ok(read::<TokenRow>(&view, TOKENS, &id)?.map(|(row, _)| listed(id, row))));
        rows.filter_map(Result::transpose).collect()
    }

    /// Who a token speaks for. Known tokens cost a hash and a look into memory.
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<Arc<Caller>, AccessError> {
        let hash = TokenHash::of(token).ok_or(AccessError::TokenInvalid)?;
        let (known, changes) = {
            let verified = self.verified();
            (verified.callers.get(&hash).cloned(), verified.changes)
        };
        let (caller, expires_ms) = match known {
            Some(known) => known,
            None => self.look_up(hash, changes)?,
        };
        if now_ms < expires_ms { Ok(caller) } else { Err(AccessError::TokenExpired) }
    }

    /// Takes the roles that a plugin teaches, in place of what it taught before.
    pub fn teach(&self, plugin: &PluginSlug, roles: Vec<Role>) {
        self.roles_mut().teach(plugin, roles);
    }

    /// Forgets the roles of a removed plugin.
    pub fn forget(&self, plugin: &PluginSlug) {
        self.roles_mut().forget(plugin);
    }

    /// All roles taught, by plugin.
    pub fn roles(&self) -> Vec<(PluginSlug, Role)> {
        self.0.roles.read().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// Whether one of the caller's roles grants this.
    pub fn may(&self, caller: &Caller, grant: &str) -> bool {
        self.0.roles.read().unwrap_or_else(PoisonError::into_inner).grant(&caller.roles, grant)
    }

    fn look_up(&self, hash: TokenHash, changes: u64) -> Result<(Arc<Caller>, u64), AccessError> {
        let view = self.0.store.view()?;
        let id = hash.id();
        let row = read::<TokenRow>(&view, TOKENS, &id)?.map(|(row, _)| row);
        let row = row.filter(|row| hash.matches(&row.hash) && !row.revoked).ok_or(AccessError::TokenInvalid)?;
        let email = read::<UserRow>(&view, USERS, &row.user)?.and_then(|(user, _)| user.email);
        let tenant = row.tenant.as_deref().map(|tenant| self.named(tenant)).transpose()?;
        let admin = tenant.is_none() && row.scopes.iter().any(|scope| scope == SCOPE_ADMIN);
        let roles = match &tenant {
            Some(tenant) if row.follows => {
                let member = crate::members::member(&view, tenant.id(), &row.user)?;
                member.ok_or(AccessError::TokenInvalid)?.0.roles
            }
            _ => row.roles,
        };
        let (user, scopes) = (row.user, row.scopes);
        let caller = Arc::new(Caller { user, email, tenant, roles, scopes, admin, token: id });
        let mut verified = self.verified_mut();
        if verified.changes == changes {
            if verified.callers.len() >= TOKENS_CACHED_MAX {
                verified.callers.clear();
            }
            verified.callers.insert(hash, (caller.clone(), row.expires_ms));
        }
        Ok((caller, row.expires_ms))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn named(&self, tenant: &str) -> Result<Tenant, AccessError> {
        let unknown = || AccessError::TenantUnknown { tenant: tenant.to_owned() };
        let id = TenantId::new(tenant).map_err(|_| unknown())?;
        self.tenant(&id).ok_or_else(unknown)
    }

    fn check(&self, request: &TokenRequest) -> Result<(), AccessError> {
        let what = "make a token";
        for names in [&request.roles, &request.scopes, &vec![request.user.clone()]] {
            check_names(what, names)?;
        }
        if request.ttl.0 == 0 {
            return Err(AccessError::Invalid { what, why: "its ttl must be longer than nothing" });
        }
        if let Some(tenant) = &request.tenant {
            self.named(tenant.as_str())?;
        }
        let admin = request.scopes.iter().any(|scope| scope == SCOPE_ADMIN);
        if admin == request.tenant.is_none() {
            Ok(())
        } else {
            Err(AccessError::Invalid { what, why: "scope `admin` and a tenant exclude each other, and it needs one" })
        }
    }

    pub(crate) fn changed(&self) {
        let mut verified = self.verified_mut();
        verified.changes += 1;
        verified.callers.clear();
    }

    fn verified(&self) -> RwLockReadGuard<'_, Verified> {
        self.0.verified.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn verified_mut(&self) -> RwLockWriteGuard<'_, Verified> {
        self.0.verified.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn roles_mut(&self) -> RwLockWriteGuard<'_, Roles> {
        self.0.roles.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Access").field(&self.0.store).finish()
    }
}

/// Keeps the secret out of logs.
impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("id", &self.id).finish_non_exhaustive()
    }
}

fn listed(id: String, row: TokenRow) -> TokenView {
    let TokenRow { tenant, user, roles, scopes, expires_ms, revoked, .. } = row;
    TokenView { id, tenant, user, roles, scopes, expires_ms, revoked }
}

pub(crate) fn check_names(what: &'static str, names: &[String]) -> Result<(), AccessError> {
    let well_formed = |name: &String| (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    if names.len() <= NAMES_PER_TOKEN_MAX && names.iter().all(well_formed) {
        Ok(())
    } else {
        Err(AccessError::Invalid {
            what,
            why: "user, roles and scopes are names of 1 to 200 bytes without control characters, at most 1000 of them",
        })
    }
}
