//! The store as a whole, property by property.

mod backup;
mod conflicts;
mod damage;
mod durability;
mod encryption;
mod export;
mod faults;
mod letters;
mod logbook;
mod model;
mod queries;
mod references;
mod retention;
mod upgrade;

use crate::{Decided, NewEvent, Options, ReadSet, Refused, Scope, Store, Tenant, Unit, Write};
use contract_model::collection::Collection;
use contract_model::{Event, EventId, RecordId, Sequence, TenantId, TopicName};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Enough for every test here, and small enough to be cheap.
const MAP_BYTES: u64 = 64 * 1024 * 1024;

struct Bench {
    dir: TempDir,
    store: Store,
    tenant: Tenant,
}

fn tenant_id(name: &str) -> TenantId {
    TenantId::new(name).expect("tenant name")
}

fn options() -> Options {
    Options { map_bytes: MAP_BYTES, ..Options::default() }
}

/// Longer than anything here reads.
const HOUR: std::time::Duration = std::time::Duration::from_hours(1);

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path(), options()).expect("open")
}

fn bills() -> Collection {
    serde_json::from_value(json!({"name": "ap_bills", "fields": [
        {"name": "number", "type": "string"},
        {"name": "status", "type": "string"},
        {"name": "total", "type": "integer"},
        {"name": "tags", "type": "list"},
    ], "unique": [["number"]], "indexes": [["status", "total"], ["total"], ["created"], ["tags", "total"]]}))
    .expect("collection")
}

fn entries() -> Collection {
    let value = json!({"name": "gl_entries", "fields": [{"name": "n", "type": "integer"}], "appendOnly": true});
    serde_json::from_value(value).expect("collection")
}

/// Nothing of it is in an index.
fn notes() -> Collection {
    let value = json!({"name": "gl_notes", "fields": [{"name": "text", "type": "string"}]});
    serde_json::from_value(value).expect("collection")
}

impl Bench {
    fn new() -> Self {
        Self::with_map(MAP_BYTES)
    }

    fn with_map(map_bytes: u64) -> Self {
        Self::with(Options { map_bytes, ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let dir = TempDir::new().expect("folder");
        let store = Store::open(dir.path(), options).expect("open");
        store.declare(vec![bills(), entries(), notes()]).expect("declare");
        let tenant = store.create_tenant(&tenant_id("demo"), "Demo").expect("tenant");
        Self { dir, store, tenant }
    }

    fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant.clone())
    }

    fn unit(&self) -> Unit {
        Unit::new(self.tenant.clone(), 1_700_000_000_000)
    }

    fn writing(&self, write: Write) -> Unit {
        Unit { writes: vec![write], ..self.unit() }
    }

    fn publishing(&self, event: NewEvent) -> Unit {
        Unit { events: vec![event], ..self.unit() }
    }

    fn decide(&self, unit: Unit) -> Result<Decided, Refused> {
        self.store.decide(unit, ReadSet::none())
    }

    /// Decides a unit and waits for the disk.
    fn settle(&self, unit: Unit) -> Decided {
        let mut decided = self.decide(unit).expect("decided");
        let (done, synced) = tokio::sync::oneshot::channel();
        std::mem::replace(&mut decided.synced, crate::Synced(synced)).wait().expect("synced");
        done.send(Ok(())).expect("held");
        decided
    }

    /// Makes the next flush fail.
    fn fail_next_flush(&self) {
        self.store.shared().fails_next.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Makes every move into the map fail from now on.
    fn fail_moves(&self) {
        self.store.shared().fails_moves.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    fn bill(&self, id: &str) -> Option<Value> {
        let record = self.store.view().expect("view").get(&self.scope(), "ap_bills", id).expect("get");
        record.map(crate::Record::into_value)
    }

    fn reopened(self) -> Self {
        let Self { dir, store, tenant } = self;
        let id = tenant.id().clone();
        drop((store, tenant));
        let store = open(&dir);
        let tenant = store.tenant(&id).expect("tenant");
        Self { dir, store, tenant }
    }
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("object")
}

fn put(id: &str, base_revision: u64, record: &Value) -> Write {
    put_in("ap_bills", id, base_revision, record)
}

fn put_in(collection: &str, id: &str, base_revision: u64, record: &Value) -> Write {
    let id = RecordId::new(id).expect("id");
    Write::Put { collection: collection.into(), id, record: map(record), base_revision }
}

fn delete(id: &str, base_revision: u64) -> Write {
    Write::Delete { collection: "ap_bills".into(), id: RecordId::new(id).expect("id"), base_revision }
}

fn event(id: &str, topic: &str) -> NewEvent {
    let event = Event {
        id: EventId::new(id).expect("id"),
        sequence: Sequence(0),
        topic: TopicName::new(topic).expect("topic"),
        tenant: tenant_id("forged"),
        publisher: "plugin:ap".into(),
        actor: "user".into(),
        roles: vec!["gl.import".into()],
        time_ms: 1_700_000_000_000,
        correlation: "story".into(),
        causation: None,
        hops: 3,
        key: "k".into(),
        idempotency_key: None,
        trace: None,
        due_ms: None,
        expires_ms: None,
        headers: Map::new(),
        payload: json!({"amount": i64::MAX, "id": id}),
    };
    NewEvent { event, payload_hash: format!("hash of {id}"), unique_until: None }
}

/// At most `limit` events after a position.
fn events(view: &crate::View, filter: crate::EventFilter, after: u64, limit: usize) -> Vec<Event> {
    let wanted = crate::EventsWanted { filter, after: Sequence(after), limit, ..crate::EventsWanted::default() };
    view.events_on(&wanted).expect("a page").events
}

fn story(view: &crate::View, tenant: &Tenant, correlation: &str) -> Vec<Event> {
    let filter = crate::EventFilter { tenant: Some(tenant.clone()), topic: None };
    let correlation = Some(correlation.to_owned());
    let wanted = crate::EventsWanted { filter, correlation, limit: 1_000, ..crate::EventsWanted::default() };
    view.events_page(&wanted).expect("a page").events
}

#[test]
fn views_may_move_and_stores_may_be_shared() {
    fn movable<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    movable::<crate::View>();
    shared::<Store>();
    shared::<ReadSet>();
}
