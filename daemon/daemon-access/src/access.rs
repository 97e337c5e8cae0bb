//! Making tenants, users and tokens, and verifying tokens.

use crate::addresses;
use crate::audit::{self, Deed, Noted, What};
use crate::caller::{Caller, SCOPE_ADMIN, SCOPES};
use crate::error::AccessError;
use crate::roles::Roles;
use crate::stored::{MEMBERS, TOKENS, TokenRow, again, commit, declare, member, now_ms, put, read, write};
use crate::sweep::sweep;
use crate::token::{TokenHash, fresh};
use contract_model::filter::{Filter, Query};
use contract_model::manifest::Role;
use contract_model::{Millis, PluginSlug, RecordId, TenantId};
use daemon_store::{Beside, Erased, ReadSet, Scope, Store, Tenant, Write};
use serde::Serialize;
use serde_json::json;
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
        addresses::settle(&store)?;
        Ok(Self(Arc::new(Inner { store, verified: RwLock::default(), roles: RwLock::default() })))
    }

    /// Makes a tenant. Blocks until it is on disk.
    pub fn create_tenant(&self, id: &TenantId, name: &str) -> Result<Tenant, AccessError> {
        Ok(self.0.store.create_tenant(id, name)?)
    }

    /// Makes a tenant with a first token, whose request names it, and notes both, in one commit. Blocks until that is on
    /// disk.
    pub fn create_tenant_by(
        &self,
        by: &str,
        id: &TenantId,
        name: &str,
        first: TokenRequest,
    ) -> Result<Issued, AccessError> {
        Self::check(&first)?;
        let made = Deed { by, what: What::TenantCreated, tenant: Some(id), user: None, names: &[] };
        let made = made.write()?;
        let (issued, mut writes) = draft_token(first, Some(by))?;
        writes.push(made);
        let beside = Beside { writes, reads: ReadSet::default(), time_ms: now_ms() };
        self.0.store.create_tenant_with(id, name, beside)?;
        Ok(issued)
    }

    /// Erases a tenant with all that is kept of it. Its tokens and users go, and it is noted who did it, in the commit
    /// from which on nobody reaches it. Blocks until all of it is on disk.
    pub fn erase_tenant(&self, by: &str, id: &TenantId) -> Result<Erased, AccessError> {
        let deed = Deed { by, what: What::TenantErased, tenant: Some(id), user: None, names: &[] };
        let erased = again(|| {
            // Where another token was made or ended meanwhile, it may be one of this tenant.
            let (mut writes, reads) = self.belongings(id)?;
            writes.push(deed.write()?);
            Ok(self.0.store.erase_tenant_with(id, Beside { writes, reads, time_ms: now_ms() })?)
        });
        self.changed();
        erased
    }

    /// The removal of all tokens and users of a tenant, and what was read for it.
    fn belongings(&self, id: &TenantId) -> Result<(Vec<Write>, ReadSet), AccessError> {
        let view = self.0.store.view()?;
        let mut writes = Vec::new();
        for collection in [TOKENS, MEMBERS] {
            let filter = Filter::from_structured(&json!({"tenant": id})).unwrap_or(Filter::All);
            let query = Query { filter, sort: Vec::new(), limit: None, cursor: None };
            for record in view.find(&Scope::System, collection, &query)?.items {
                let (id, base_revision) = (record.id().to_owned(), record.revision);
                let id = RecordId::new(&id).map_err(|_| AccessError::Invalid {
                    what: "remove a record of access",
                    why: "its id is not one",
                })?;
                writes.push(Write::Delete { collection: collection.to_owned(), id, base_revision });
            }
        }
        Ok((writes, view.into_reads()))
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

    /// Makes a token. Blocks until it is on disk.
    pub fn issue_token(&self, request: TokenRequest) -> Result<Issued, AccessError> {
        self.issue(request, None)
    }

    /// Makes a token and notes who did it, in one commit. Blocks until that is on disk.
    pub fn issue_token_by(&self, by: &str, request: TokenRequest) -> Result<Issued, AccessError> {
        self.issue(request, Some(by))
    }

    fn issue(&self, request: TokenRequest, by: Option<&str>) -> Result<Issued, AccessError> {
        Self::check(&request)?;
        if let Some(tenant) = &request.tenant {
            self.named(tenant.as_str())?;
        }
        sweep(&self.0.store)?;
        let (issued, writes) = draft_token(request, by)?;
        commit(&self.0.store, self.0.store.view()?, writes)?;
        Ok(issued)
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
        let tenant = row.tenant.as_deref().map(|tenant| self.named(tenant)).transpose()?;
        let admin = tenant.is_none() && row.scopes.iter().any(|scope| scope == SCOPE_ADMIN);
        let member = tenant.as_ref().map(|tenant| member(&view, tenant.id(), &row.user)).transpose()?.flatten();
        let email = member.as_ref().and_then(|(member, _)| member.email.clone());
        let roles = if row.follows { member.ok_or(AccessError::TokenInvalid)?.0.roles } else { row.roles };
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

    /// What was noted, the newest first, at most `limit`; of one tenant, or of all.
    pub fn audit(&self, tenant: Option<&TenantId>, limit: u64) -> Result<Vec<Noted>, AccessError> {
        audit::noted(self.store(), tenant, limit)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn named(&self, tenant: &str) -> Result<Tenant, AccessError> {
        let unknown = || AccessError::TenantUnknown { tenant: tenant.to_owned() };
        let id = TenantId::new(tenant).map_err(|_| unknown())?;
        self.tenant(&id).ok_or_else(unknown)
    }

    fn check(request: &TokenRequest) -> Result<(), AccessError> {
        let what = "make a token";
        for names in [&request.roles, &vec![request.user.clone()]] {
            check_names(what, names)?;
        }
        check_scopes(&request.scopes)?;
        if request.ttl.0 == 0 {
            return Err(AccessError::Invalid { what, why: "its ttl must be longer than nothing" });
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

/// A new token and what is to be stored of it, with a note where it is said who makes it.
fn draft_token(request: TokenRequest, by: Option<&str>) -> Result<(Issued, Vec<Write>), AccessError> {
    let token = fresh();
    let malformed = AccessError::Invalid { what: "make a token", why: "it is not of a token's form" };
    let hash = TokenHash::of(&token).ok_or(malformed)?;
    let id = hash.id();
    let (tenant, user, names) = (request.tenant.as_ref(), Some(request.user.as_str()), std::slice::from_ref(&id));
    let note = by.map(|by| Deed { by, what: What::TokenIssued, tenant, user, names }.write()).transpose()?;
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
    let writes = std::iter::once(put(TOKENS, &id, &row, 0)?).chain(note).collect();
    Ok((Issued { token, id }, writes))
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

/// A scope that opens nothing would be held for one that does.
pub(crate) fn check_scopes(scopes: &[String]) -> Result<(), AccessError> {
    check_names("make a token", scopes)?;
    match scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        Some(scope) => Err(AccessError::ScopeUnknown { scope: scope.clone() }),
        None => Ok(()),
    }
}
