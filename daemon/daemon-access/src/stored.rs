//! Users and tokens as records of the system's scope.

use crate::error::AccessError;
use contract_model::collection::Collection;
use contract_model::{RecordId, TenantId};
use daemon_store::{Refused, Scope, Store, Unit, View, Write};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const TOKENS: &str = "access_tokens";
pub(crate) const USERS: &str = "access_users";
pub(crate) const MEMBERS: &str = "access_members";
pub(crate) const AUDIT: &str = "access_audit";
/// How often a change begins anew because tokens or users changed while it was made.
const RETRIES: u32 = 16;

/// A token as stored. Its record's id is the token's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    /// SHA-256, hexadecimal.
    pub(crate) hash: String,
    pub(crate) tenant: Option<String>,
    pub(crate) user: String,
    pub(crate) roles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_ms: u64,
    pub(crate) revoked: bool,
    /// It holds the roles that its user holds in the tenant, in place of its own.
    #[serde(default)]
    pub(crate) follows: bool,
}

/// What a user is in a tenant, as stored. Its record's id is made of both.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    pub(crate) tenant: String,
    pub(crate) user: String,
    /// The mail address, which belongs to the user of this tenant and goes with it.
    #[serde(default)]
    pub(crate) email: Option<String>,
    pub(crate) roles: Vec<String>,
}

/// A user as an older version stored it. Its record's id is the user's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UserRow {
    pub(crate) email: Option<String>,
}

/// Declares what access keeps.
pub(crate) fn declare(store: &Store) -> Result<(), AccessError> {
    let tokens = json!({"name": TOKENS, "indexes": [["tenant", "user"], ["expires_ms"]], "fields": [
        {"name": "hash", "type": "string", "required": true, "maxLength": 64},
        {"name": "tenant", "type": "string"},
        {"name": "user", "type": "string", "required": true},
        {"name": "roles", "type": "list"},
        {"name": "scopes", "type": "list"},
        {"name": "expires_ms", "type": "integer", "required": true},
        {"name": "revoked", "type": "boolean"},
        {"name": "follows", "type": "boolean"},
    ]});
    let members = json!({"name": MEMBERS, "indexes": [["tenant"]], "fields": [
        {"name": "tenant", "type": "string", "required": true},
        {"name": "user", "type": "string", "required": true},
        {"name": "email", "type": "email"},
        {"name": "roles", "type": "list"},
    ]});
    let audit = json!({"name": AUDIT, "appendOnly": true, "indexes": [["tenant"]], "fields": [
        {"name": "at_ms", "type": "integer", "required": true},
        {"name": "by", "type": "string", "required": true},
        {"name": "what", "type": "string", "required": true},
        {"name": "tenant", "type": "string"},
        {"name": "user", "type": "string"},
        {"name": "names", "type": "list"},
        {"name": "count", "type": "integer"},
    ]});
    let users = json!({"name": USERS, "fields": [{"name": "email", "type": "email"}]});
    let collections =
        [tokens, users, members, audit].into_iter().map(serde_json::from_value::<Collection>).collect::<Result<_, _>>();
    let unreadable =
        AccessError::Invalid { what: "declare the collections of access", why: "they are not well formed" };
    Ok(store.declare(collections.map_err(|_| unreadable)?)?)
}

/// A stored row with its record's revision.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    view: &View,
    collection: &str,
    id: &str,
) -> Result<Option<(T, u64)>, AccessError> {
    let Some(record) = view.get(&Scope::System, collection, id)? else { return Ok(None) };
    let revision = record.revision;
    let row = serde_json::from_value(record.into_value());
    row.map(|row| Some((row, revision))).map_err(|_| AccessError::Invalid {
        what: "read a record of access",
        why: "it does not have the expected fields; restore it from a backup",
    })
}

/// Stores a row and waits until it is on disk.
pub(crate) fn write<T: Serialize>(
    store: &Store,
    view: View,
    collection: &str,
    id: &str,
    row: &T,
    base_revision: u64,
) -> Result<(), AccessError> {
    commit(store, view, vec![put(collection, id, row, base_revision)?])
}

/// A row that is to be stored.
pub(crate) fn put<T: Serialize>(collection: &str, id: &str, row: &T, base_revision: u64) -> Result<Write, AccessError> {
    let malformed = |why| AccessError::Invalid { what: "store a record of access", why };
    let Ok(Value::Object(record)) = serde_json::to_value(row) else { return Err(malformed("it is no object")) };
    let id = RecordId::new(id).map_err(|_| malformed("its id must be 1 to 200 bytes without control characters"))?;
    Ok(Write::Put { collection: collection.to_owned(), id, record, base_revision })
}

/// Stores all of these or none, and waits until they are on disk.
pub(crate) fn commit(store: &Store, view: View, writes: Vec<Write>) -> Result<(), AccessError> {
    let unit = Unit { writes, ..Unit::new(Scope::System, now_ms()) };
    Ok(store.decide(unit, view.into_reads())?.synced.wait()?)
}

/// The same of what takes rights away, which must not wait for room in the store.
pub(crate) fn commit_revocation(store: &Store, view: View, writes: Vec<Write>) -> Result<(), AccessError> {
    let unit = Unit { writes, must_pass: true, ..Unit::new(Scope::System, now_ms()) };
    Ok(store.decide(unit, view.into_reads())?.synced.wait()?)
}

/// Makes a change anew where others came in between, a bounded number of times.
pub(crate) fn again<T>(change: impl Fn() -> Result<T, AccessError>) -> Result<T, AccessError> {
    for _ in 0..RETRIES {
        match change() {
            Err(AccessError::Refused(Refused::Conflict { .. })) => {}
            made => return made,
        }
    }
    change()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What a user is in a tenant, with its revision.
pub(crate) fn member(view: &View, tenant: &TenantId, user: &str) -> Result<Option<(MemberRow, u64)>, AccessError> {
    read::<MemberRow>(view, MEMBERS, &member_id(tenant, user))
}

/// Names of tenants have no slash, so no two pairs share an id.
pub(crate) fn member_id(tenant: &TenantId, user: &str) -> String {
    format!("{tenant}/{user}")
}
