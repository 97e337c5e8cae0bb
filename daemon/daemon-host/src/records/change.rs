//! Making, changing and deleting records: all of a request's operations in one unit of work.

use super::{Place, RecordCaller};
use crate::api::{HostError, ReplyBody, VerbReply};
use crate::chance;
use crate::clock;
use crate::hooks;
use crate::host::{Host, Inner, acknowledge};
use crate::reader::{refused, store_error};
use crate::repeat::Keyed;
use crate::settle::PendingAnswer;
use crate::stamp::Cause;
use crate::task::{ChangeTask, Task};
use crate::traces;
use contract_model::collection::{AUTOMATIC_FIELDS, Action};
use contract_model::event::rfc3339;
use contract_model::ids::ulid;
use contract_model::limits::UNIT_RERUNS_MAX;
use contract_model::{ErrorCode, RecordId};
use daemon_frame::Proposed;
use daemon_store::{Record, Refused, Scope, Unit, View, Write};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What is to be done with one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Make it, under this id or a new one.
    Create(Option<String>),
    /// Change the given fields of this one.
    Update(String),
    /// Delete this one.
    Delete(String),
}

/// Which state of a record a change is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whichever there is.
    #[default]
    Any,
    /// One of these revisions.
    Revisions(Vec<u64>),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChange {
    /// What is done.
    pub operation: Operation,
    /// The fields; automatic ones among them do not count.
    pub fields: Map<String, Value>,
    /// The state that it is meant for.
    pub expected: Expected,
}

/// What became of a request, on disk by the time it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The records as they are stored, in the order of the operations; null where one was deleted.
    pub records: Vec<Value>,
    /// Whether this was answered before, under the same `Idempotency-Key`.
    pub replayed: bool,
}

impl Host {
    /// Does all operations or none. Under a key of the caller's, they are done once.
    pub async fn change_records(
        &self,
        mut caller: RecordCaller,
        collection: &str,
        changes: Vec<RecordChange>,
        key: Option<String>,
    ) -> Result<Changed, HostError> {
        let mut span = traces::change(&self.0.tracer, &mut caller, "change", collection);
        let done = self.changed(caller, collection, changes, key).await;
        if let Err(error) = &done {
            span.fail(|| error.line());
        }
        done
    }

    async fn changed(
        &self,
        caller: RecordCaller,
        collection: &str,
        changes: Vec<RecordChange>,
        key: Option<String>,
    ) -> Result<Changed, HostError> {
        let place = Place::find(&self.0, collection)?;
        let inner = &self.0;
        let Some(key) = key else { return run(inner, &place, &caller, &changes, None).await };
        let epoch = inner.store.epoch();
        let asked = json!(changes.iter().map(asked).collect::<Vec<_>>());
        let mut keyed = Keyed::of_records(&caller.identity.user, collection, &key, &asked);
        keyed.take_turn(inner, &caller.tenant).await;
        let Some(PendingAnswer::Ready(reply)) = keyed.find(inner, &caller.tenant)? else {
            return run(inner, &place, &caller, &changes, Some(&keyed)).await;
        };
        drop(keyed);
        inner.synced_since(epoch).await?;
        let records = match reply.body {
            ReplyBody::Json(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        Ok(Changed { records, replayed: true })
    }
}

/// What a repeated request is recognised by.
fn asked(change: &RecordChange) -> Value {
    let (name, id) = match &change.operation {
        Operation::Create(id) => ("create", id.as_deref()),
        Operation::Update(id) => ("update", Some(id.as_str())),
        Operation::Delete(id) => ("delete", Some(id.as_str())),
    };
    json!([name, id, change.fields])
}

async fn run(
    inner: &Arc<Inner>,
    place: &Place,
    caller: &RecordCaller,
    changes: &[RecordChange],
    keyed: Option<&Keyed>,
) -> Result<Changed, HostError> {
    let began = Instant::now();
    refuse_twice(changes)?;
    for _ in 0..UNIT_RERUNS_MAX {
        let proposal = propose(inner, place, caller, changes)?;
        let ids = proposal.ids();
        let made = if proposal.is_looked_at(inner) {
            proposal.through_hooks(inner, place, keyed).await
        } else {
            proposal.make(inner, keyed).await
        };
        match made {
            Ok(records) => {
                inner.record_changes.took(began.elapsed());
                return Ok(Changed { records, replayed: false });
            }
            // A hook's own `CONFLICT` is an answer; the store's is not.
            Err(error) if error.plugin.is_none() && error.code() == Some(ErrorCode::Conflict) => {
                tracing::debug!(why = error.line(), "a change over REST runs again");
                inner.count_rerun();
                tokio::task::yield_now().await;
            }
            Err(error) => {
                return Err(match ids.iter().position(|id| is_about(&error, place.name(), id)) {
                    Some(at) => of_operation(error, at, ids.len()),
                    None => error,
                });
            }
        }
    }
    let text = format!("the change met others {UNIT_RERUNS_MAX} times (UNIT_RERUNS_MAX); try again");
    Err(HostError::new(ErrorCode::Conflict, text))
}

/// One request changes a record once: which of two changes came first would be lost on whoever reads it.
fn refuse_twice(changes: &[RecordChange]) -> Result<(), HostError> {
    let mut seen = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        let (Operation::Create(Some(id)) | Operation::Update(id) | Operation::Delete(id)) = &change.operation else {
            continue;
        };
        if let Some(first) = seen.insert(id, at) {
            let text = format!("operations {first} and {at} change the same record `{id}`; make one of them");
            return Err(HostError::new(ErrorCode::BodyInvalid, text).with_details(json!({"operation": at})));
        }
    }
    Ok(())
}

/// Changes that are allowed and in order, as of a snapshot.
struct Proposal {
    cause: Cause,
    view: View,
    writes: Vec<Write>,
    /// As they will be stored; null where one is deleted.
    records: Vec<Value>,
    /// As they are stored; null where one is made.
    previous: Vec<Value>,
}

fn propose(
    inner: &Arc<Inner>,
    place: &Place,
    caller: &RecordCaller,
    changes: &[RecordChange],
) -> Result<Proposal, HostError> {
    let now_ms = clock::now_ms();
    let scope = Scope::Tenant(inner.tenant(&caller.tenant)?);
    let draft = Draft { place, caller, view: inner.view()?, scope, now_ms };
    let (mut writes, mut records, mut previous) = (Vec::new(), Vec::new(), Vec::new());
    for (at, change) in changes.iter().enumerate() {
        let (write, record, before) = draft.write(change).map_err(|error| of_operation(error, at, changes.len()))?;
        writes.push(write);
        records.push(record);
        previous.push(before.map_or(Value::Null, Record::into_value));
    }
    let cause = cause(caller, now_ms);
    Ok(Proposal { cause, view: draft.view, writes, records, previous })
}

/// A client's changes begin a story.
pub(super) fn cause(caller: &RecordCaller, now_ms: u64) -> Cause {
    Cause {
        tenant: caller.tenant.clone(),
        publisher: format!("rest:{}", caller.identity.user),
        actor: caller.identity.user.clone(),
        roles: Vec::new(),
        correlation: ulid(now_ms, chance::number()),
        causation: None,
        hops: 0,
        trace: caller.trace.clone(),
        now_ms,
    }
}

impl Proposal {
    /// The records that are changed, in the order of the operations.
    fn ids(&self) -> Vec<String> {
        let id = |(Write::Put { id, .. } | Write::Delete { id, .. }): &Write| id.as_str().to_owned();
        self.writes.iter().map(id).collect()
    }

    fn is_looked_at(&self, inner: &Inner) -> bool {
        let table = inner.hooks();
        self.writes.iter().any(|write| hooks::is_looked_at(&table, write))
    }

    /// Decides the changes as they are.
    async fn make(self, inner: &Arc<Inner>, keyed: Option<&Keyed>) -> Result<Vec<Value>, HostError> {
        let mut unit = Unit::new(inner.tenant(&self.cause.tenant)?, self.cause.now_ms);
        unit.events = hooks::after(inner, &self.cause, &self.writes)?;
        unit.writes = self.writes;
        if let Some(keyed) = keyed {
            let reply = VerbReply::new(200, ReplyBody::Json(Value::Array(self.records.clone())));
            unit.answer = Some(keyed.keep(&PendingAnswer::Ready(reply))?);
        }
        let trace = self.cause.trace.as_deref();
        let decided = inner.decide_traced(trace, unit, self.view.into_reads()).map_err(|error| refused(&error))?;
        decided.synced.await.map_err(|error| store_error(&error))?;
        Ok(self.records)
    }

    /// Has a worker of the plugin show the changes to its hooks, which may alter or refuse them.
    async fn through_hooks(
        self,
        inner: &Arc<Inner>,
        place: &Place,
        keyed: Option<&Keyed>,
    ) -> Result<Vec<Value>, HostError> {
        let slug = &place.plugin.manifest.slug.value;
        let unavailable = || {
            let text = format!("plugin `{slug}`, whose hooks look at changes of `{}`, is not loaded", place.name());
            HostError::new(ErrorCode::PluginUnavailable, text).retry_after(Duration::from_secs(1))
        };
        let pool = inner.pool(slug).ok_or_else(unavailable)?;
        let (answer, settled) = oneshot::channel();
        let stored = self.records.into_iter().zip(self.previous);
        let changes =
            self.writes.into_iter().zip(stored).map(|(write, (record, previous))| proposed(write, record, previous));
        let task = ChangeTask {
            cause: Cause { publisher: format!("plugin:{slug}"), ..self.cause },
            changes: changes.collect(),
            view: Some(self.view),
            keyed: keyed.map(Keyed::without_turn),
            answer,
        };
        pool.enqueue(None, Task::change(task)).map_err(|(_, error)| error)?;
        let stopped = || HostError::new(ErrorCode::ShuttingDown, "the daemon is stopping; try again");
        let reply = acknowledge(inner, settled.await.map_err(|_| stopped())??).await?;
        match reply.body {
            ReplyBody::Json(Value::Array(records)) => Ok(records),
            _ => Err(HostError::new(ErrorCode::Internal, "changed records came back without the records")),
        }
    }
}

fn proposed(write: Write, record: Value, previous: Value) -> Proposed {
    let (Write::Put { base_revision, .. } | Write::Delete { base_revision, .. }) = &write;
    let base_revision = *base_revision;
    let (Write::Put { collection, id, .. } | Write::Delete { collection, id, .. }) = write;
    let given = |value: Value| Some(value).filter(|value| !value.is_null());
    Proposed { collection, id: id.as_str().to_owned(), record: given(record), previous: given(previous), base_revision }
}

/// Whether the store refused this record.
fn is_about(error: &HostError, collection: &str, id: &str) -> bool {
    let details = &error.error.details;
    details["collection"] == collection && details["id"] == id
}

/// Says which operation of several is at fault.
fn of_operation(mut error: HostError, at: usize, all: usize) -> HostError {
    if all > 1 {
        error.error.message = format!("operation {at}: {}", error.error.message);
        match &mut error.error.details {
            Value::Object(details) => drop(details.insert("operation".to_owned(), at.into())),
            details => *details = json!({"operation": at}),
        }
    }
    error
}

/// A write, the record as it will be stored, and the record as it is.
type Drafted = (Write, Value, Option<Record>);

/// Turns operations into writes, as of one view.
pub(super) struct Draft<'a> {
    pub(super) place: &'a Place,
    pub(super) caller: &'a RecordCaller,
    pub(super) view: View,
    pub(super) scope: Scope,
    pub(super) now_ms: u64,
}

impl Draft<'_> {
    /// The write, the record as it will be stored, and the one that is.
    fn write(&self, change: &RecordChange) -> Result<Drafted, HostError> {
        match &change.operation {
            Operation::Create(id) => self.create(id.as_deref(), change.fields.clone()),
            Operation::Update(id) => self.update(id, &change.fields, &change.expected),
            Operation::Delete(id) => self.delete(id, &change.expected),
        }
    }

    fn create(&self, id: Option<&str>, mut fields: Map<String, Value>) -> Result<Drafted, HostError> {
        let admitted = self.place.admits(self.caller, Action::Create, Some(&fields))?;
        let new = ulid(self.now_ms, chance::number());
        let record_id = RecordId::new(id.unwrap_or(&new))
            .map_err(|error| HostError::new(ErrorCode::RecordInvalid, error.to_string()))?;
        // A made-up id is new; one that was given may be taken.
        if id.is_some() && self.stored(record_id.as_str())?.is_some() {
            let text = format!("there is already a record `{record_id}` in `{}`", self.place.name());
            let details = json!({"collection": self.place.name(), "fields": ["id"]});
            return Err(HostError::new(ErrorCode::RecordNotUnique, text).with_details(details));
        }
        let valid = self.validate(record_id.as_str(), &mut fields, None);
        let record = self.complete(&record_id, &fields, 1, rfc3339(self.now_ms).into());
        // Before what is wrong with the fields: who may not do it need not mend them.
        if !admitted.matches_map(&record) {
            return Err(self.place.forbidden(Action::Create));
        }
        valid?;
        Ok((self.put(record_id, fields, 0), Value::Object(record), None))
    }

    fn update(&self, id: &str, given: &Map<String, Value>, expected: &Expected) -> Result<Drafted, HostError> {
        self.refuse_if_append_only(id)?;
        let stored = self.admitted(id, Action::Update, Some(given))?;
        self.check_revision(&stored, expected)?;
        let created = stored.fields.get("created").cloned().unwrap_or_default();
        let mut fields = stored.fields.clone();
        for name in AUTOMATIC_FIELDS {
            fields.remove(name);
        }
        fields.extend(given.clone());
        self.validate(id, &mut fields, Some(&stored))?;
        let record_id = RecordId::new(id).map_err(|_| self.place.no_record(id))?;
        let record = self.complete(&record_id, &fields, stored.revision + 1, created);
        Ok((self.put(record_id, fields, stored.revision), Value::Object(record), Some(stored)))
    }

    fn delete(&self, id: &str, expected: &Expected) -> Result<Drafted, HostError> {
        self.refuse_if_append_only(id)?;
        let stored = self.admitted(id, Action::Delete, None)?;
        self.check_revision(&stored, expected)?;
        let id = RecordId::new(id).map_err(|_| self.place.no_record(id))?;
        let collection = self.place.name().to_owned();
        Ok((Write::Delete { collection, id, base_revision: stored.revision }, Value::Null, Some(stored)))
    }

    fn put(&self, id: RecordId, record: Map<String, Value>, base_revision: u64) -> Write {
        Write::Put { collection: self.place.name().to_owned(), id, record, base_revision }
    }

    pub(super) fn stored(&self, id: &str) -> Result<Option<Record>, HostError> {
        self.view.get(&self.scope, self.place.name(), id).map_err(|error| store_error(&error))
    }

    /// The stored record, if the caller may do this with it. One that they may not even view is not there for them.
    pub(super) fn admitted(
        &self,
        id: &str,
        action: Action,
        body: Option<&Map<String, Value>>,
    ) -> Result<Record, HostError> {
        let may = self.place.admits(self.caller, action, body);
        let viewable = self.place.admits(self.caller, Action::View, None);
        let stored = self.stored(id)?.filter(|stored| {
            let sees = viewable.as_ref().is_ok_and(|filter| filter.matches_map(&stored.fields));
            sees || may.as_ref().is_ok_and(|filter| filter.matches_map(&stored.fields))
        });
        let may = may?;
        let stored = stored.ok_or_else(|| self.place.no_record(id))?;
        if may.matches_map(&stored.fields) { Ok(stored) } else { Err(self.place.forbidden(action)) }
    }

    fn check_revision(&self, stored: &Record, expected: &Expected) -> Result<(), HostError> {
        let Expected::Revisions(wanted) = expected else { return Ok(()) };
        if wanted.contains(&stored.revision) {
            return Ok(());
        }
        let (id, name, revision) = (stored.id(), self.place.name(), stored.revision);
        let text = format!("record `{id}` of `{name}` has revision {revision} by now; read it again");
        let details = json!({"collection": name, "id": id, "revision": revision});
        Err(HostError::new(ErrorCode::RevisionMismatch, text).with_details(details))
    }

    fn refuse_if_append_only(&self, id: &str) -> Result<(), HostError> {
        if !self.place.collection().append_only {
            return Ok(());
        }
        let text = format!("`{}` only takes new records; `{id}` stays as it is", self.place.name());
        Err(HostError::new(ErrorCode::RecordAppendOnly, text))
    }

    fn validate(&self, id: &str, fields: &mut Map<String, Value>, stored: Option<&Record>) -> Result<(), HostError> {
        let collection = self.place.collection();
        let invalid =
            |errors| refused(&Refused::Invalid { collection: collection.name.clone(), id: id.to_owned(), errors });
        collection.validate_change(fields, stored.map(|stored| &stored.fields)).map_err(invalid)
    }

    /// The record as it will be read.
    fn complete(
        &self,
        id: &RecordId,
        fields: &Map<String, Value>,
        revision: u64,
        created: Value,
    ) -> Map<String, Value> {
        let mut record = fields.clone();
        record.insert("id".to_owned(), id.as_str().into());
        record.insert("created".to_owned(), created);
        record.insert("updated".to_owned(), rfc3339(self.now_ms).into());
        record.insert("revision".to_owned(), revision.into());
        record
    }
}
