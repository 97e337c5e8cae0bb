//! Reservations: an amount leaves a record's field in the unit of work that makes the reservation, and the end of its
//! time is an event with that due time. So what delivers jobs ends reservations, and there is no clock beside it.

use crate::api::HostError;
use crate::clock;
use crate::destination::{Destination, Handler, Route, deadline};
use crate::hooks;
use crate::host::Inner;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use crate::settle::new_event;
use crate::stamp::{Cause, Wanted, stamp};
use crate::subscribe::put_in_force;
use contract_model::collection::{Collection, FieldType};
use contract_model::event::Event;
use contract_model::ids::ulid;
use contract_model::limits::{RESERVATION_KEPT_MS, UNIT_RERUNS_MAX};
use contract_model::reservation::{COLLECTION, Reservation, Resource, State};
use contract_model::{ErrorCode, PluginSlug, RecordId, SubscriptionId, TopicName, job};
use daemon_bus::{Failure, Input, Subscription};
use daemon_frame::Reserved;
use daemon_store::{Decided, NewEvent, Record, Refused, Scope, Unit, View, Write};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The daemon's own collection.
pub(crate) fn collection() -> Result<Collection, HostError> {
    let text = |name: &str| json!({"name": name, "type": "string", "required": true});
    let whole = |name: &str| json!({"name": name, "type": "integer", "required": true});
    let fields = [text("plugin"), text("resource"), whole("amount"), text("state"), whole("expires")];
    let declared = json!({"name": COLLECTION, "fields": fields});
    serde_json::from_value(declared).map_err(|error| HostError::new(ErrorCode::Internal, error.to_string()))
}

/// Whether there is anything of a plugin that could be reserved.
pub(crate) fn applies(plugin: &Plugin) -> bool {
    let mut fields = plugin.collections().iter().filter(|one| !one.append_only).flat_map(|one| &one.fields);
    fields.any(|field| field.kind == FieldType::Integer)
}

/// Puts the ends of a plugin's reservations in force, from where they stood.
pub(crate) fn subscribe(inner: &Arc<Inner>, pool: &Pool) -> Result<(), HostError> {
    if !applies(&pool.plugin) {
        return Ok(());
    }
    let slug = &pool.plugin.manifest.slug.value;
    let topic = topic(slug)?;
    let Some(id) = job::subscription(&topic) else { return Ok(()) };
    let subscription = Subscription::new(id, vec![topic.clone().into()]);
    let routes =
        [Route { handler: Handler::Reservation, pattern: topic.into(), when: None, deadline: deadline(None) }].into();
    put_in_force(inner, subscription, None, Destination { plugin: slug.clone(), routes, is_group: false })
}

fn topic(slug: &PluginSlug) -> Result<TopicName, HostError> {
    job::topic(slug, job::RESERVATION_KIND).map_err(|error| HostError::new(ErrorCode::Internal, error.to_string()))
}

/// A reservation of a plugin.
pub(crate) fn find(view: &View, scope: &Scope, id: &str) -> Result<Option<Reserved>, HostError> {
    let record = view.get(scope, COLLECTION, id).map_err(|error| store_error(&error))?;
    record.map(read).transpose()
}

fn read(record: Record) -> Result<Reserved, HostError> {
    let (id, base_revision) = (record.id().to_owned(), record.revision);
    let damaged = |error| HostError::new(ErrorCode::Internal, format!("reservation `{id}` cannot be read: {error}"));
    let reservation: Reservation = serde_json::from_value(record.into_value()).map_err(damaged)?;
    Ok(Reserved { id, reservation, base_revision })
}

/// Adds reservations to the unit that makes or ends them. A worker that was subverted reaches no other plugin's.
pub(crate) fn keep(
    inner: &Inner,
    plugin: &Plugin,
    cause: &Cause,
    unit: &mut Unit,
    reserved: Vec<Reserved>,
) -> Result<(), HostError> {
    for one in reserved {
        let resource = Resource::parse(&one.reservation.resource);
        let owns = resource.is_ok_and(|resource| plugin.owns(&resource.collection));
        let stored = find(&inner.view()?, &unit.scope, &one.id)?;
        let foreign = stored.is_some_and(|stored| stored.reservation.plugin != plugin.slug());
        if !owns || foreign || one.reservation.plugin != plugin.slug() {
            let text = format!("plugin `{}` may not change the reservation `{}`", plugin.slug(), one.id);
            return Err(plugin.denied(text));
        }
        add(inner, &plugin.manifest.slug.value, cause, unit, one)?;
    }
    Ok(())
}

/// Adds a reservation to a unit, and to a new one its end.
pub(crate) fn add(
    inner: &Inner,
    plugin: &PluginSlug,
    cause: &Cause,
    unit: &mut Unit,
    reserved: Reserved,
) -> Result<(), HostError> {
    let Reserved { id, reservation, base_revision } = reserved;
    if base_revision == 0 {
        unit.events.push(end_at(inner, plugin, cause, &id, reservation.expires)?);
    }
    unit.writes.push(put(&id, &reservation, base_revision)?);
    Ok(())
}

fn put(id: &str, reservation: &Reservation, base_revision: u64) -> Result<Write, HostError> {
    let internal = |error: String| HostError::new(ErrorCode::Internal, error);
    let id = RecordId::new(id).map_err(|error| internal(error.to_string()))?;
    let record = match serde_json::to_value(reservation) {
        Ok(Value::Object(record)) => record,
        Ok(_) => return Err(internal("a reservation is an object".to_owned())),
        Err(error) => return Err(internal(error.to_string())),
    };
    Ok(Write::Put { collection: COLLECTION.to_owned(), id, record, base_revision })
}

/// The event that ends a reservation at a time.
fn end_at(inner: &Inner, slug: &PluginSlug, cause: &Cause, id: &str, at_ms: u64) -> Result<NewEvent, HostError> {
    let event = ulid(cause.now_ms, rand::random());
    let wanted = Wanted {
        topic: topic(slug)?.as_str().to_owned(),
        payload: json!({"reservation": id}),
        key: Some(event.clone()),
        id: event,
        idempotency_key: None,
        delay_ms: at_ms.saturating_sub(cause.now_ms).max(1),
        headers: Map::from_iter([(job::KIND.to_owned(), Value::from(job::RESERVATION_KIND))]),
    };
    // It waits before it runs, so it is no part of a loop that turns at once.
    stamp(&inner.contracts(), &Cause { hops: 0, ..cause.clone() }, wanted).map(new_event)
}

/// The time of a reservation has come. What is still held goes back; what has ended long ago is forgotten.
pub(crate) fn fall_due(inner: &Arc<Inner>, subscription: SubscriptionId, event: Arc<Event>, epoch: u64) {
    let inner = inner.clone();
    // Not within the step of the bus that has delivered it: each end leads to the next.
    tokio::spawn(async move {
        let failed = |error: String, failure| {
            let (subscription, sequence) = (subscription.clone(), event.sequence);
            inner.input(Input::Failed { subscription, sequence, error, failure });
        };
        for _ in 0..UNIT_RERUNS_MAX {
            match end(&inner, &subscription, &event, epoch) {
                Ok(Ok(_) | Err(Refused::AlreadyHandled)) => return,
                Ok(Err(Refused::Conflict { .. })) if inner.store.epoch() != epoch => return,
                Ok(Err(Refused::Conflict { .. })) => tokio::task::yield_now().await,
                Ok(Err(other)) => return failed(refused(&other).line(), Failure::Counted),
                Err(error) => return failed(error.line(), Failure::Counted),
            }
        }
        failed(format!("{}: it met others again and again", ErrorCode::Conflict), Failure::Uncounted);
    });
}

type Ended = Result<Result<Decided, Refused>, HostError>;

fn end(inner: &Arc<Inner>, subscription: &SubscriptionId, event: &Event, epoch: u64) -> Ended {
    let now_ms = clock::now_ms();
    let cause = Cause { publisher: "daemon".to_owned(), ..Cause::of_event(event, subscription.plugin(), now_ms) };
    let (view, scope) = (inner.view()?, Scope::Tenant(inner.tenant(&event.tenant)?));
    let mut unit = Unit::new(scope.clone(), now_ms);
    unit.handled = Some((subscription.clone(), event.sequence));
    unit.epoch = Some(epoch);
    unit.awaited = false;
    let id = event.payload["reservation"].as_str().unwrap_or_default();
    if let Some(reserved) = find(&view, &scope, id)? {
        next(inner, &cause, &view, &mut unit, reserved)?;
    }
    unit.events.extend(hooks::after(inner, &cause, &unit.writes)?);
    Ok(inner.decide(unit, view.into_reads()))
}

/// What becomes of a reservation whose time has come.
fn next(
    inner: &Arc<Inner>,
    cause: &Cause,
    view: &View,
    unit: &mut Unit,
    mut reserved: Reserved,
) -> Result<(), HostError> {
    let slug = PluginSlug::new(&reserved.reservation.plugin)
        .map_err(|error| HostError::new(ErrorCode::Internal, error.to_string()))?;
    let forget_ms = reserved.reservation.expires.saturating_add(RESERVATION_KEPT_MS);
    match reserved.reservation.state {
        State::Held if reserved.reservation.expires > cause.now_ms => {
            unit.events.push(end_at(inner, &slug, cause, &reserved.id, reserved.reservation.expires)?);
        }
        State::Held => {
            unit.writes.extend(give_back(view, &unit.scope, &reserved.reservation)?);
            reserved.reservation.state = State::Expired;
            unit.writes.push(put(&reserved.id, &reserved.reservation, reserved.base_revision)?);
            unit.events.push(end_at(inner, &slug, cause, &reserved.id, forget_ms)?);
            if let Some(pool) = inner.pool(&slug) {
                pool.plugin.meter.reserved(State::Expired);
            }
        }
        _ if forget_ms > cause.now_ms => unit.events.push(end_at(inner, &slug, cause, &reserved.id, forget_ms)?),
        _ => {
            let id =
                RecordId::new(&reserved.id).map_err(|error| HostError::new(ErrorCode::Internal, error.to_string()))?;
            unit.writes.push(Write::Delete {
                collection: COLLECTION.to_owned(),
                id,
                base_revision: reserved.base_revision,
            });
        }
    }
    Ok(())
}

/// The write that gives an amount back to its field; none where the record is gone.
pub(crate) fn give_back(view: &View, scope: &Scope, reservation: &Reservation) -> Result<Option<Write>, HostError> {
    let Ok(resource) = Resource::parse(&reservation.resource) else { return Ok(None) };
    let stored =
        view.get(scope, &resource.collection, resource.record.as_str()).map_err(|error| store_error(&error))?;
    Ok(stored.map(|stored| {
        let there = stored.fields.get(&resource.field).and_then(Value::as_i64).unwrap_or(0);
        set_field(view, stored, &resource, there.saturating_add(i64::try_from(reservation.amount).unwrap_or(0)))
    }))
}

pub(crate) fn set_field(view: &View, stored: Record, resource: &Resource, value: i64) -> Write {
    let mut record = stored.fields;
    // It may be older than what its collection declares now.
    record.retain(|name, _| view.declares(&resource.collection, name));
    record.insert(resource.field.clone(), value.into());
    let (collection, id) = (resource.collection.clone(), resource.record.clone());
    Write::Put { collection, id, record, base_revision: stored.revision }
}
