//! Mail addresses as older versions kept them: by a user's id alone, whatever the tenant, and longer than the user.

use crate::audit::{Noted, What};
use crate::error::AccessError;
use crate::stored::{AUDIT, MEMBERS, USERS, UserRow, commit, member, member_id, put};
use contract_model::filter::{Filter, Query};
use contract_model::{RecordId, TenantId};
use daemon_store::{Record, Refused, Scope, Store, View, Write};
use std::collections::BTreeMap;

/// Records that are read at a time.
const PAGE: u64 = 1_000;

/// Moves the addresses of an older version to the users they are of, and forgets those of whom that is not certain: where
/// more than one user of the id was ever made, in whichever tenant, or none is left. Without room for it nothing is moved
/// until a later start.
pub(crate) fn settle(store: &Store) -> Result<(), AccessError> {
    let view = store.view()?;
    let old = all(&view, USERS)?;
    if old.is_empty() {
        return Ok(());
    }
    let made = made(&view)?;
    let mut writes = Vec::new();
    for record in old {
        let (user, base_revision) = (record.id().to_owned(), record.revision);
        let email = serde_json::from_value::<UserRow>(record.into_value()).ok().and_then(|row| row.email);
        if let (Some(email), Some([tenant])) = (email, made.get(&user).map(Vec::as_slice))
            && let Some((mut row, revision)) = member(&view, tenant, &user)?
            && row.email.is_none()
        {
            row.email = Some(email);
            writes.push(put(MEMBERS, &member_id(tenant, &user), &row, revision)?);
        }
        let malformed = AccessError::Invalid { what: "remove a record of access", why: "its id is not one" };
        let id = RecordId::new(&user).map_err(|_| malformed)?;
        writes.push(Write::Delete { collection: USERS.to_owned(), id, base_revision });
    }
    match commit(store, view, writes) {
        Err(AccessError::Refused(Refused::Full { .. })) => Ok(()),
        settled => settled,
    }
}

/// The tenants in which a user of an id was ever made, as noted.
fn made(view: &View) -> Result<BTreeMap<String, Vec<TenantId>>, AccessError> {
    let mut made: BTreeMap<String, Vec<TenantId>> = BTreeMap::new();
    let notes =
        all(view, AUDIT)?.into_iter().filter_map(|note| serde_json::from_value::<Noted>(note.into_value()).ok());
    for note in notes.filter(|note| note.what == What::UserCreated) {
        if let (Some(user), Some(Ok(tenant))) = (note.user, note.tenant.as_deref().map(TenantId::new)) {
            made.entry(user).or_default().push(tenant);
        }
    }
    Ok(made)
}

/// All records of a collection, a page at a time, as a query has a limit of its own.
fn all(view: &View, collection: &str) -> Result<Vec<Record>, AccessError> {
    let mut query = Query { filter: Filter::All, sort: Vec::new(), limit: Some(PAGE), cursor: None };
    let mut records = Vec::new();
    loop {
        let page = view.find(&Scope::System, collection, &query)?;
        records.extend(page.items);
        query.cursor = page.cursor;
        if query.cursor.is_none() {
            return Ok(records);
        }
    }
}
