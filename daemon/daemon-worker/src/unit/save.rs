//! Writes of a unit.

use super::{Answers, Key, Pending, Shared, Unit, refuse_if_append_only};
use crate::refusal::{Halt, refusal};
use crate::value::SAFE_INTEGER_MAX;
use contract_model::collection::{AUTOMATIC_FIELDS, Collection};
use contract_model::event::rfc3339;
use contract_model::{ErrorCode, RecordId};
use daemon_frame::RecordOperation;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

/// A change of a record that hooks may look at before it is made.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// Collection and record.
    pub(crate) key: Key,
    /// The record as this unit sees it now.
    pub(crate) previous: Option<Shared>,
    /// The revision that the store must still have.
    pub(crate) base_revision: u64,
    /// The record as it is to be, with its automatic fields; none where it is to be deleted.
    pub(crate) record: Option<Shared>,
    /// The call's time, milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Proposal {
    /// Sets the fields that the record is to have.
    pub(crate) fn fill(&mut self, collection: &Collection, mut fields: Map<String, Value>) -> Result<(), Halt> {
        let now = rfc3339(self.now_ms);
        let created = self.previous.as_ref().and_then(|record| record.get("created").cloned());
        for name in AUTOMATIC_FIELDS {
            fields.remove(name);
        }
        crate::filters::validate(collection, &mut fields, self.previous.as_deref())?;
        fields.insert("id".to_owned(), self.key.1.as_str().into());
        fields.insert("created".to_owned(), created.unwrap_or_else(|| now.as_str().into()));
        fields.insert("updated".to_owned(), now.into());
        fields.insert("revision".to_owned(), (self.base_revision + 1).into());
        self.record = Some(Value::Object(fields).into());
        Ok(())
    }

    /// What is done with the record.
    pub(crate) fn operation(&self) -> RecordOperation {
        match (&self.record, &self.previous) {
            (None, _) => RecordOperation::Delete,
            (Some(_), None) => RecordOperation::Create,
            (Some(_), Some(_)) => RecordOperation::Update,
        }
    }
}

impl Unit {
    /// What storing a record would make of it: a new one without an id or with one that is not there yet, else a change
    /// of the fields given. Nothing is stored until it is adopted.
    pub(crate) fn propose(
        &mut self,
        collection: &Collection,
        mut fields: Map<String, Value>,
        host: &mut impl Answers,
    ) -> Result<Proposal, Halt> {
        let given = take_id(collection, &mut fields)?;
        let previous = match &given {
            Some(id) => self.get(&collection.name, id, host)?,
            None => None,
        };
        let id = given.unwrap_or_else(|| host.new_id());
        if previous.is_some() {
            refuse_if_append_only(collection, &id)?;
        }
        let key = (collection.name.clone(), id);
        let base_revision = self.base_revision(&key, previous.as_deref());
        let mut proposal = Proposal { key, previous, base_revision, record: None, now_ms: host.now_ms() };
        complete(&mut fields, proposal.previous.as_deref());
        proposal.fill(collection, fields)?;
        Ok(proposal)
    }

    /// What deleting a record would do, which must be there.
    pub(crate) fn propose_deletion(
        &mut self,
        collection: &Collection,
        id: &str,
        host: &mut impl Answers,
    ) -> Result<Proposal, Halt> {
        let previous = self.get(&collection.name, id, host)?;
        let Some(previous) = previous else { return Err(not_found(&collection.name, id)) };
        refuse_if_append_only(collection, id)?;
        let key = (collection.name.clone(), id.to_owned());
        let base_revision = self.base_revision(&key, Some(&*previous));
        Ok(Proposal { key, previous: Some(previous), base_revision, record: None, now_ms: host.now_ms() })
    }

    /// Takes what was proposed into the unit; the answer is the record as it will be stored, if it will be.
    pub(crate) fn adopt(&mut self, proposal: Proposal) -> Result<Option<Shared>, Halt> {
        let Proposal { key, base_revision, record, .. } = proposal;
        if record.is_none() && base_revision == 0 {
            // It was made in this very unit.
            self.forget(key);
            return Ok(None);
        }
        self.put(key, Pending { record: record.clone(), base_revision })?;
        Ok(record)
    }

    /// The changes that add to the named fields of stored records; a record that is not there is to be stored as it was
    /// given. Everything is added up before anything is changed, so that a sum that does not fit leaves nothing behind.
    pub(crate) fn sums(
        &mut self,
        collection: &Collection,
        records: Vec<Map<String, Value>>,
        added: &[String],
        host: &mut impl Answers,
    ) -> Result<Vec<Map<String, Value>>, Halt> {
        let ids = records.iter().filter_map(|record| record.get("id")?.as_str().map(str::to_owned)).collect();
        self.prefetch(vec![(collection.name.clone(), ids)], host)?;
        let mut sums: IndexMap<String, Map<String, Value>> = IndexMap::new();
        for mut record in records {
            let id = take_id(collection, &mut record)?.ok_or_else(|| no_id(collection))?;
            if let Some(sum) = sums.get_mut(&id) {
                for field in added {
                    let value = plus(collection, &id, field, sum.get(field), record.get(field))?;
                    sum.insert(field.clone(), value);
                }
                continue;
            }
            let sum = match self.known(&collection.name, &id).flatten() {
                None => record,
                Some(stored) => {
                    let sum = |field: &String| {
                        let value = plus(collection, &id, field, stored.get(field), record.get(field))?;
                        Ok((field.clone(), value))
                    };
                    added.iter().map(sum).collect::<Result<_, Halt>>()?
                }
            };
            sums.insert(id, sum);
        }
        let named = sums.into_iter().map(|(id, mut fields)| {
            fields.insert("id".to_owned(), id.into());
            fields
        });
        Ok(named.collect())
    }

    /// The revision that the store must still have: the one first met in this unit.
    fn base_revision(&self, key: &(String, String), current: Option<&Value>) -> u64 {
        match self.writes.get(key) {
            Some(pending) => pending.base_revision,
            None => current.and_then(|record| record["revision"].as_u64()).unwrap_or(0),
        }
    }
}

/// The sum of two whole numbers, absent ones counting as zero, as long as JavaScript can hold it exactly.
fn plus(
    collection: &Collection,
    id: &str,
    field: &str,
    stored: Option<&Value>,
    given: Option<&Value>,
) -> Result<Value, Halt> {
    let whole = |value: Option<&Value>| value.filter(|value| !value.is_null()).map_or(Some(0), Value::as_i64);
    let sum = whole(stored).zip(whole(given)).and_then(|(stored, given)| stored.checked_add(given));
    let sum = sum.filter(|sum| sum.abs() <= SAFE_INTEGER_MAX).map(Value::from);
    sum.ok_or_else(|| {
        let what = "cannot be added to: both must be whole numbers, and their sum within 2^53-1";
        let mut error = refusal(ErrorCode::RecordInvalid, format!("{}: {field} of {id} {what}", collection.name));
        error.details = json!({"collection": collection.name, "id": id, "field": field});
        error.into()
    })
}

fn no_id(collection: &Collection) -> Halt {
    Halt::new(
        ErrorCode::RecordInvalid,
        format!("{}: what is added to a record must name it by its id", collection.name),
    )
}

/// No such record.
pub(crate) fn not_found(collection: &str, id: &str) -> Halt {
    Halt::new(ErrorCode::RecordNotFound, format!("there is no record `{id}` in `{collection}`"))
}

/// Takes over what the record has now and was not given.
fn complete(given: &mut Map<String, Value>, now: Option<&Value>) {
    for (name, value) in now.and_then(Value::as_object).into_iter().flatten() {
        if !given.contains_key(name) && !AUTOMATIC_FIELDS.contains(&name.as_str()) {
            given.insert(name.clone(), value.clone());
        }
    }
}

/// Takes the automatic fields out; what a plugin says of them beside the id does not count.
fn take_id(collection: &Collection, fields: &mut Map<String, Value>) -> Result<Option<String>, Halt> {
    let id = fields.remove("id");
    for name in AUTOMATIC_FIELDS {
        fields.remove(name);
    }
    let invalid = |why: String| Halt::new(ErrorCode::RecordInvalid, format!("{}.id: {why}", collection.name));
    match id {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => {
            RecordId::new(&id).map_err(|error| invalid(error.to_string()))?;
            Ok(Some(id))
        }
        Some(_) => Err(invalid("an id is a text".to_owned())),
    }
}
