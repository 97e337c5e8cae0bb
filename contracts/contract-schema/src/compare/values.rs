//! Schemas that list their values.

use super::change::{ChangeKind, Verdict};
use super::document::Document;
use super::keywords::decides;
use super::types::Types;
use super::walk::Walk;
use contract_model::canonical::canonical_json;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most values that a message names.
const NAMED_MAX: usize = 5;

/// Values by their canonical form: to JSON Schema, 1 and 1.0 are one value.
type Values = BTreeMap<String, Value>;

impl Walk<'_> {
    /// Compares two schemas of which at least one lists its values, and says whether that settles everything.
    pub(super) fn listed(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
        if !lists(old) && !lists(new) {
            return false;
        }
        let (before, after) = (values(self.old, old), values(self.new, new));
        match (before, after) {
            (Some(before), Some(after)) => self.both_listed(&before, &after),
            (Some(before), None) => {
                let all = all_valid(self.new, new, &before);
                self.change(ChangeKind::EnumRemoved, all, Verdict::Incompatible, "need no longer be a listed value");
            }
            (None, Some(after)) => {
                let all = all_valid(self.old, old, &after);
                let message = format!("must be one of {} now", named(after.values()));
                self.change(ChangeKind::EnumAdded, Verdict::Incompatible, all, message);
            }
            (None, None) => self.undecided("lists values that cannot be judged one by one"),
        }
        true
    }

    fn both_listed(&mut self, before: &Values, after: &Values) {
        let lost: Vec<&Value> = before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(_, v)| v).collect();
        let gained: Vec<&Value> = after.iter().filter(|(key, _)| !before.contains_key(*key)).map(|(_, v)| v).collect();
        if !lost.is_empty() {
            self.narrowed(ChangeKind::EnumNarrowed, format!("may no longer be {}", named(lost)));
        }
        if !gained.is_empty() {
            self.widened(ChangeKind::EnumExtended, format!("may be {} now", named(gained)));
        }
    }
}

fn all_valid(document: Document<'_>, fields: &Map<String, Value>, listed: &Values) -> Verdict {
    match document.judge(fields) {
        None => Verdict::Unknown,
        Some(judge) if listed.values().all(|value| judge.is_valid(value)) => Verdict::Compatible,
        Some(_) => Verdict::Incompatible,
    }
}

fn lists(fields: &Map<String, Value>) -> bool {
    fields.contains_key("const") || fields.contains_key("enum")
}

/// The values that are valid, where they can be counted; those that other keywords exclude are left out.
pub(super) fn values(document: Document<'_>, fields: &Map<String, Value>) -> Option<Values> {
    let listed: Vec<Value> = match (fields.get("const"), fields.get("enum")) {
        (Some(one), _) => vec![one.clone()],
        (None, Some(Value::Array(many))) => many.clone(),
        _ => by_type(Types::of(document, fields))?,
    };
    let alone = fields.keys().filter(|keyword| decides(keyword)).count() <= 1;
    let judge = if alone { None } else { Some(document.judge(fields)?) };
    let valid = listed.into_iter().filter(|value| judge.as_ref().is_none_or(|judge| judge.is_valid(value)));
    Some(valid.map(|value| (canonical_json(&value), value)).collect())
}

/// Null, true and false are all there is of their types.
fn by_type(types: Types) -> Option<Vec<Value>> {
    let countable = [(Types::NULL, vec![json!(null)]), (Types::BOOLEAN, vec![json!(false), json!(true)])];
    if !types.without(Types::NULL | Types::BOOLEAN).is_empty() {
        return None;
    }
    Some(countable.into_iter().filter(|(kind, _)| types.has(*kind)).flat_map(|(_, values)| values).collect())
}

fn named<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let all: Vec<String> = values.into_iter().map(ToString::to_string).collect();
    let shown = all[..all.len().min(NAMED_MAX)].join(", ");
    if all.len() > NAMED_MAX { format!("{shown} and {} more", all.len() - NAMED_MAX) } else { shown }
}
