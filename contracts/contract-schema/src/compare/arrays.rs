//! Arrays: what their items are, how many, and what must be among them.

use super::change::{ChangeKind, Verdict};
use super::path::Step;
use super::types::Types;
use super::walk::Walk;
use serde_json::{Map, Value, json};

impl Walk<'_> {
    /// Compares what is said of arrays, where both allow arrays.
    pub(super) fn arrays(&mut self, both: Types, old: &Map<String, Value>, new: &Map<String, Value>) {
        if !both.has(Types::ARRAY) {
            return;
        }
        self.counts(old, new, ["minItems", "maxItems"], "a number of items of");
        for place in 0..prefix(old).len().max(prefix(new).len()) {
            let step = Step::Field(place.to_string());
            self.within(step, |walk| walk.schemas(&item(old, place), &item(new, place)));
        }
        self.within(Step::Each, |walk| walk.schemas(&rest(old), &rest(new)));
        match (unique(old), unique(new)) {
            (false, true) => self.narrowed(ChangeKind::UniqueAdded, "may no longer hold an item twice"),
            (true, false) => self.widened(ChangeKind::UniqueRemoved, "may hold an item twice now"),
            _ => {}
        }
        self.contains(old, new);
    }

    fn contains(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        match (contained(old), contained(new)) {
            (None, Some(_)) => self.narrowed(ChangeKind::ContainsAdded, "must contain something particular now"),
            (Some(_), None) => self.widened(ChangeKind::ContainsRemoved, "need no longer contain something particular"),
            (Some(before), Some(after)) => {
                let relation = self.relation(before.schema, after.schema);
                let (mut backward, mut forward) = (relation.backward, relation.forward);
                if before.most != after.most || (before.most.is_some() && !relation.is_equal()) {
                    (backward, forward) = (Verdict::Unknown, Verdict::Unknown);
                }
                if after.least > before.least {
                    backward = backward.max(Verdict::Incompatible);
                }
                if before.least > after.least {
                    forward = forward.max(Verdict::Incompatible);
                }
                if backward.max(forward) > Verdict::Compatible {
                    self.change(ChangeKind::ContainsChanged, backward, forward, "must contain something else");
                }
            }
            (None, None) => {}
        }
    }
}

/// What an array must contain, and how often.
struct Contained<'v> {
    schema: &'v Value,
    least: u64,
    most: Option<u64>,
}

fn contained(fields: &Map<String, Value>) -> Option<Contained<'_>> {
    let count = |name: &str| fields.get(name).and_then(|count| count.as_u64().or_else(|| float_count(count)));
    let found = Contained {
        schema: fields.get("contains")?,
        least: count("minContains").unwrap_or(1),
        most: count("maxContains"),
    };
    // To contain something no times or more is no demand.
    (found.least > 0 || found.most.is_some()).then_some(found)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts in schemas are small and whole")]
fn float_count(count: &Value) -> Option<u64> {
    count.as_f64().map(|float| float as u64)
}

fn prefix(fields: &Map<String, Value>) -> &[Value] {
    fields.get("prefixItems").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn rest(fields: &Map<String, Value>) -> Value {
    fields.get("items").cloned().unwrap_or(json!(true))
}

fn item(fields: &Map<String, Value>, place: usize) -> Value {
    prefix(fields).get(place).cloned().unwrap_or_else(|| rest(fields))
}

fn unique(fields: &Map<String, Value>) -> bool {
    fields.get("uniqueItems") == Some(&Value::Bool(true))
}
