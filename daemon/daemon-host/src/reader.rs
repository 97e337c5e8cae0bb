//! Answers the questions of a running handler from its snapshot.

use crate::api::HostError;
use crate::host::Inner;
use crate::jobs::{former_topic, in_force};
use crate::plugin::Plugin;
use contract_model::{ErrorCode, TenantId, TopicName};
use daemon_frame::{Ask, Asked, Known, Reserved, listed};
use daemon_store::{KnownKey, Record, Refused, Scope, StoreError, Tenant, View};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Answers one question, within the plugin's tenant and what it may read.
pub(crate) fn answer(
    inner: &Arc<Inner>,
    plugin: &Plugin,
    tenant: &TenantId,
    view: &View,
    ask: Ask,
) -> Result<Asked, HostError> {
    let scope = Scope::Tenant(inner.tenant(tenant)?);
    let failed = |error: StoreError| store_error(&error);
    view.next_question();
    match ask {
        Ask::Get { collection, id } => {
            check_may_read(plugin, &collection)?;
            let record = view.get(&scope, &collection, &id).map_err(failed)?;
            Ok(Asked::Record(record.map(Record::into_value)))
        }
        Ask::GetAcross { wanted } => {
            let mut records = Vec::new();
            for (collection, ids) in wanted {
                check_may_read(plugin, &collection)?;
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                records.extend(view.get_many(&scope, &collection, &ids).map_err(failed)?);
            }
            Ok(Asked::Records(records.into_iter().map(|record| record.map(Record::into_value)).collect()))
        }
        // The session takes it for a lane before it comes here.
        Ask::Ahead { .. } => Err(HostError::new(ErrorCode::Internal, "nothing is read ahead by an item")),
        Ask::Find { collection, query } => {
            check_may_read(plugin, &collection)?;
            let page = beside(|| view.find(&scope, &collection, &query)).map_err(failed)?;
            Ok(Asked::Page { items: page.items.into_iter().map(Record::into_value).collect(), cursor: page.cursor })
        }
        Ask::Count { collection, filter } => {
            check_may_read(plugin, &collection)?;
            beside(|| view.count(&scope, &collection, &filter)).map(Asked::Count).map_err(failed)
        }
        Ask::Providers { capability } => crate::capability::list(inner, plugin, &capability),
        // Only handlers ask hosts outside, and theirs is answered before it comes here.
        Ask::Fetch(_) => {
            Err(HostError::new(ErrorCode::CapabilityReadOnly, "a method of a capability asks no hosts outside"))
        }
        // A call takes its time, so it is answered before it comes here.
        Ask::Call { .. } => Err(HostError::new(ErrorCode::Internal, "a call of a capability is no read")),
        Ask::Rehearse { .. } => {
            Err(plugin.denied(format!("plugin `{}` is served and rehearses nothing", plugin.slug())))
        }
        Ask::Reservation { id } => {
            let own = |one: &Reserved| one.reservation.plugin == plugin.slug();
            let found = crate::reservations::find(view, &scope, &id)?.filter(own);
            Ok(Asked::Reservation(found.map(Box::new)))
        }
        Ask::Known { topic, key, hash } => {
            let topic =
                TopicName::new(&topic).map_err(|error| HostError::new(ErrorCode::TopicUnknown, error.to_string()))?;
            let tenant = inner.tenant(tenant)?;
            let taken = match taken(view, &tenant, &topic, &key)? {
                // A job of the kind's former name holds its unique key, too.
                None => former_topic(inner, plugin, &topic)
                    .map(|old| taken(view, &tenant, &old, &key))
                    .transpose()?
                    .flatten(),
                taken => taken,
            };
            Ok(Asked::Known(match taken {
                None => Known::New,
                Some(known) if known.payload_hash == hash => Known::Same(known.event.as_str().to_owned()),
                Some(known) => Known::Other(known.event.as_str().to_owned()),
            }))
        }
    }
}

/// Does what may take a while without keeping a thread from what others wait for.
fn beside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

/// The event that has this key on a topic; a job has it until it is over.
fn taken(view: &View, tenant: &Tenant, topic: &TopicName, key: &str) -> Result<Option<KnownKey>, HostError> {
    let failed = |error| store_error(&error);
    let Some(known) = view.known(tenant, topic, key).map_err(failed)? else { return Ok(None) };
    let is_over = match in_force(view, topic)? {
        Some(subscription) => view.is_handled(&subscription, known.sequence).map_err(failed)?,
        None => false,
    };
    Ok((!is_over).then_some(known))
}

fn check_may_read(plugin: &Plugin, collection: &str) -> Result<(), HostError> {
    if plugin.may_read(collection) {
        return Ok(());
    }
    let slug = plugin.slug();
    let text = if plugin.owns(collection) {
        format!(
            "plugin `{slug}` may not read `{collection}`: its plugin.yaml does not list `records:own` under `permissions`"
        )
    } else if collection.starts_with(&format!("{slug}_")) {
        let own = listed(&plugin.collections().iter().map(|one| one.name.as_str()).collect());
        format!("plugin `{slug}` may not read `{collection}`: its schema has no such collection, only {own}")
    } else {
        format!(
            "plugin `{slug}` may not read `{collection}`: it does not own it, and its plugin.yaml does not ask for `records:read:{collection}`"
        )
    };
    let mut error = plugin.denied(text);
    error.error.status = 500;
    Err(error)
}

/// A failure of the store as others are told of it.
pub(crate) fn store_error(error: &StoreError) -> HostError {
    HostError::new(error.code(), error.to_string())
}

/// A refusal of the store as others are told of it.
pub(crate) fn refused(refused: &Refused) -> HostError {
    HostError::new(refused.code(), refused.to_string()).with_details(details(refused))
}

/// What a program needs to mend a refused record.
fn details(refused: &Refused) -> Value {
    match refused {
        Refused::Invalid { collection, id, errors } => json!({"collection": collection, "id": id, "fields": errors}),
        Refused::NotUnique { collection, fields, id } => json!({"collection": collection, "fields": fields, "id": id}),
        Refused::ReferenceNotFound { collection, id, field, target, target_id } => {
            json!({"collection": collection, "id": id, "field": field, "target": {"collection": target, "id": target_id}})
        }
        Refused::Referenced { collection, id, by, by_id, field } => {
            json!({"collection": collection, "id": id, "by": {"collection": by, "id": by_id, "field": field}})
        }
        _ => Value::Null,
    }
}
