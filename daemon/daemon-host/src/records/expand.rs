//! Following references: a record with those that it refers to, as far as the caller may view them.

use super::{Place, RecordCaller};
use crate::api::HostError;
use crate::reader::store_error;
use contract_model::ErrorCode;
use contract_model::collection::Action;
use contract_model::filter::Filter;
use contract_model::memory;
use daemon_store::{Scope, View};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The references to follow, by field, each with those to follow from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion(pub BTreeMap<String, Expansion>);

impl Expansion {
    /// Adds a path of fields.
    pub fn add<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) {
        let mut at = self;
        for field in path {
            at = at.0.entry(field.to_owned()).or_default();
        }
    }
}

/// An expansion that fits its collection and that the caller may ask for.
pub(super) struct Checked(Vec<Step>);

struct Step {
    field: String,
    target: Place,
    /// Which of the records there the caller may view.
    admitted: Filter,
    further: Checked,
}

pub(super) struct Expander<'a> {
    view: &'a View,
    scope: &'a Scope,
    caller: &'a RecordCaller,
}

impl<'a> Expander<'a> {
    pub(super) fn new(view: &'a View, scope: &'a Scope, caller: &'a RecordCaller) -> Self {
        Self { view, scope, caller }
    }

    pub(super) fn check(&self, place: &Place, wanted: &Expansion) -> Result<Checked, HostError> {
        let steps = wanted.0.iter().map(|(field, further)| {
            let reference = place.collection().references().find(|(name, _)| name == field);
            let target = reference.and_then(|(_, to)| place.sibling(&to.collection));
            let target = target.ok_or_else(|| no_reference(place, field))?;
            let admitted = target.admits(self.caller, Action::View, None)?;
            let further = self.check(&target, further)?;
            Ok(Step { field: field.clone(), target, admitted, further })
        });
        steps.collect::<Result<_, _>>().map(Checked)
    }

    /// Puts what the records refer to into their field `expand`. What the caller may not view stays an id.
    pub(super) fn expand(&self, checked: &Checked, items: &mut [Value]) -> Result<(), HostError> {
        for step in &checked.0 {
            let ids: BTreeSet<String> = items.iter().filter_map(|item| referred(item, &step.field)).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let found =
                self.view.get_many(self.scope, step.target.name(), &ids).map_err(|error| store_error(&error))?;
            let viewable = found.into_iter().flatten().filter(|record| step.admitted.matches_map(&record.fields));
            let mut targets: Vec<Value> = viewable.map(daemon_store::Record::into_value).collect();
            self.expand(&step.further, &mut targets)?;
            let by_id: BTreeMap<String, (u64, Value)> = targets
                .into_iter()
                .filter_map(|target| Some((target["id"].as_str()?.to_owned(), (memory::of(&target), target))))
                .collect();
            for item in items.iter_mut() {
                let target = referred(item, &step.field).and_then(|id| by_id.get(&id));
                // Each of those that refer to a record has a copy of it.
                let takes = target.map_or(0, |(takes, _)| *takes);
                self.view.hold(step.target.name(), takes).map_err(|error| store_error(&error))?;
                put(item, &step.field, target.map(|(_, target)| target.clone()));
            }
        }
        Ok(())
    }
}

fn referred(item: &Value, field: &str) -> Option<String> {
    item.get(field).and_then(Value::as_str).map(str::to_owned)
}

fn put(item: &mut Value, field: &str, target: Option<Value>) {
    let Value::Object(fields) = item else { return };
    let expanded = fields.entry("expand").or_insert_with(|| Value::Object(Map::new()));
    if let (Some(expanded), Some(target)) = (expanded.as_object_mut(), target) {
        expanded.insert(field.to_owned(), target);
    }
}

fn no_reference(place: &Place, field: &str) -> HostError {
    let there: Vec<&str> = place.collection().references().map(|(name, _)| name).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let text = format!("`expand` names `{field}`, which is no reference of `{}`; it has {there}", place.name());
    HostError::new(ErrorCode::QueryInvalid, text)
}
