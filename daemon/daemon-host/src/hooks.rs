//! Record hooks. Those before a change run in the worker that changes the record, or, where a client does, in one of the
//! plugin's. Those after it are told by an event on a topic of the daemon's own, which is stored with the change: so
//! what delivers, retries and buries events does it for them, once each.

use crate::api::HostError;
use crate::destination::{Destination, Handler, Route, deadline};
use crate::host::Inner;
use crate::pool::Pool;
use crate::reader::store_error;
use crate::settle::new_event;
use crate::stamp::Cause;
use crate::subscribe::put_in_force;
use contract_model::event::{EVENT_HOPS_MAX, rfc3339};
use contract_model::ids::{NameError, ulid};
use contract_model::{ErrorCode, Event, EventId, Permission, PluginSlug, Sequence, TopicName, job};
use daemon_bus::Subscription;
use daemon_frame::{ChangedRun, HookDeclared, HookTime, RecordOperation};
use daemon_store::{NewEvent, Scope, View, Write};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who has hooks on what, of all plugins in force.
#[derive(Debug, Default)]
pub(crate) struct HookTable {
    hooks: BTreeMap<(HookTime, RecordOperation, String), Vec<PluginSlug>>,
}

impl HookTable {
    pub(crate) fn of(pools: &[Arc<Pool>]) -> Self {
        let mut hooks: BTreeMap<_, Vec<PluginSlug>> = BTreeMap::new();
        for pool in pools {
            let slug = &pool.plugin.manifest.slug.value;
            for HookDeclared { when, operation, collection, .. } in &pool.registered().hooks {
                let plugins = hooks.entry((*when, *operation, collection.clone())).or_default();
                if !plugins.contains(slug) {
                    plugins.push(slug.clone());
                }
            }
        }
        Self { hooks }
    }

    fn of_change(&self, when: HookTime, operation: RecordOperation, collection: &str) -> &[PluginSlug] {
        if self.hooks.is_empty() {
            return &[];
        }
        self.hooks.get(&(when, operation, collection.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// Whether a plugin may have the hooks that its code registered. The worker refuses what may not be, too; here it holds
/// even if it was subverted.
pub(crate) fn check(pool: &Pool) -> Result<(), HostError> {
    let plugin = &pool.plugin;
    for HookDeclared { when, collection, .. } in &pool.registered().hooks {
        if plugin.owns(collection) {
            plugin.demand(&Permission::OwnRecords, "have hooks on its records")?;
        } else if *when == HookTime::After {
            let permission = Permission::ReadRecords(collection.clone());
            plugin.demand(&permission, &format!("have a hook after changes of `{collection}`"))?;
        } else {
            let text = format!("plugin `{}` may not have a hook before changes of `{collection}`", plugin.slug());
            return Err(plugin.denied(text));
        }
        topic(&plugin.manifest.slug.value, collection)?;
    }
    Ok(())
}

/// Puts a plugin's hooks after changes in force, each from where it stood.
pub(crate) fn subscribe(inner: &Arc<Inner>, pool: &Pool) -> Result<(), HostError> {
    let slug = &pool.plugin.manifest.slug.value;
    let mut done: Vec<TopicName> = Vec::new();
    for declared in &pool.registered().hooks {
        let topic = topic(slug, &declared.collection)?;
        if declared.when == HookTime::Before || done.contains(&topic) {
            continue;
        }
        let Some(id) = job::subscription(&topic) else { continue };
        let subscription = Subscription::new(id, vec![topic.clone().into()]);
        let routes =
            [Route { handler: Handler::Hooks, pattern: topic.clone().into(), when: None, deadline: deadline(None) }]
                .into();
        put_in_force(inner, subscription, None, Destination { plugin: slug.clone(), routes, is_group: false })?;
        done.push(topic);
    }
    Ok(())
}

fn topic(slug: &PluginSlug, collection: &str) -> Result<TopicName, HostError> {
    let topic = job::hook_topic(slug, collection);
    topic.map_err(|error| HostError::new(ErrorCode::PluginInvalid, error.to_string()).of_plugin(slug.as_str()))
}

/// The events that tell of changes to those who want to know, to be stored with the changes.
pub(crate) fn after(inner: &Arc<Inner>, cause: &Cause, writes: &[Write]) -> Result<Vec<NewEvent>, HostError> {
    let table = inner.hooks();
    let told = |write| table.of_change(HookTime::After, operation(write), collection(write));
    let wanted: Vec<(&Write, &[PluginSlug])> =
        writes.iter().map(|write| (write, told(write))).filter(|(_, told)| !told.is_empty()).collect();
    let Some((first, _)) = wanted.first() else { return Ok(Vec::new()) };
    if cause.hops > EVENT_HOPS_MAX {
        let text = format!(
            "the {} of a record of `{}` would be the {}th change of its chain; at most {EVENT_HOPS_MAX} may follow one another",
            operation(first).as_str(),
            collection(first),
            cause.hops
        );
        return Err(HostError::new(ErrorCode::HopLimit, text));
    }
    let (view, scope) = (inner.view()?, Scope::Tenant(inner.tenant(&cause.tenant)?));
    let mut events = Vec::new();
    for (write, told) in wanted {
        let payload = payload(&view, &scope, cause.now_ms, write)?;
        for slug in told {
            let topic = topic(slug, collection(write))?;
            events.push(new_event(event(cause, topic, write, payload.clone())?));
        }
    }
    Ok(events)
}

/// Whether a change must be shown to hooks before it is made.
pub(crate) fn is_looked_at(table: &HookTable, write: &Write) -> bool {
    !table.of_change(HookTime::Before, operation(write), collection(write)).is_empty()
}

fn collection(write: &Write) -> &str {
    let (Write::Put { collection, .. } | Write::Delete { collection, .. }) = write;
    collection
}

fn operation(write: &Write) -> RecordOperation {
    match write {
        Write::Put { base_revision: 0, .. } => RecordOperation::Create,
        Write::Put { .. } => RecordOperation::Update,
        Write::Delete { .. } => RecordOperation::Delete,
    }
}

/// What a hook is told. If the record is not the one that the change follows on, the change will be refused anyway.
fn payload(view: &View, scope: &Scope, now_ms: u64, write: &Write) -> Result<Value, HostError> {
    let (Write::Put { collection, id, .. } | Write::Delete { collection, id, .. }) = write;
    let stored = view.get(scope, collection, id.as_str()).map_err(|error| store_error(&error))?;
    let stored = stored.map(daemon_store::Record::into_value).unwrap_or_default();
    let (record, previous) = match write {
        Write::Delete { .. } => (stored, Value::Null),
        Write::Put { record, base_revision, .. } => {
            let now = Value::from(rfc3339(now_ms));
            let created = stored.get("created").cloned().unwrap_or_else(|| now.clone());
            let mut record = record.clone();
            record.extend([
                ("id".to_owned(), id.as_str().into()),
                ("created".to_owned(), created),
                ("updated".to_owned(), now),
                ("revision".to_owned(), (base_revision + 1).into()),
            ]);
            (Value::Object(record), stored)
        }
    };
    let operation = operation(write);
    Ok(json!({"operation": operation, "collection": collection, "id": id, "record": record, "previous": previous}))
}

fn event(cause: &Cause, topic: TopicName, write: &Write, payload: Value) -> Result<Event, HostError> {
    let (Write::Put { collection, id: record, .. } | Write::Delete { collection, id: record, .. }) = write;
    let id = ulid(cause.now_ms, crate::chance::number());
    let invalid = |error: NameError| HostError::new(ErrorCode::Internal, error.to_string());
    Ok(Event {
        id: EventId::new(&id).map_err(invalid)?,
        sequence: Sequence(0),
        topic,
        tenant: cause.tenant.clone(),
        publisher: cause.publisher.clone(),
        actor: cause.actor.clone(),
        roles: Vec::new(),
        time_ms: cause.now_ms,
        correlation: cause.correlation.clone(),
        causation: cause.causation.clone(),
        hops: cause.hops,
        // Changes of a record are told in their order.
        key: format!("{collection}/{record}"),
        idempotency_key: None,
        trace: cause.trace.clone(),
        due_ms: None,
        expires_ms: None,
        headers: Map::new(),
        payload,
    })
}

/// What a worker is given for such an event.
pub(crate) fn told(event: &Event, attempt: u32) -> ChangedRun {
    let take = |name: &str| event.payload.get(name).cloned().unwrap_or_default();
    ChangedRun {
        operation: serde_json::from_value(take("operation")).unwrap_or(RecordOperation::Update),
        collection: take("collection").as_str().unwrap_or_default().to_owned(),
        record: take("record"),
        previous: take("previous"),
        id: event.id.as_str().to_owned(),
        attempt,
    }
}
