//! Schemas made of schemas: `allOf`, `anyOf`, `oneOf`, `not`, `if`.

use super::change::{ChangeKind, Comparison, Verdict};
use super::document::Document;
use super::flatten::Flat;
use super::types::Types;
use super::values::values;
use super::walk::Walk;
use serde_json::{Map, Value, json};

impl Walk<'_> {
    /// Compares the combinations that two flattened schemas hold.
    pub(super) fn combined(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        self.products(old, new);
        let both = |any: &Map<String, Value>| any.contains_key("anyOf") && any.contains_key("oneOf");
        if both(old) || both(new) {
            for keyword in ["anyOf", "oneOf"] {
                self.sums(sum(self.old, old, &[keyword]), sum(self.new, new, &[keyword]), old, new);
            }
        } else {
            let keywords = ["anyOf", "oneOf"];
            self.sums(sum(self.old, old, &keywords), sum(self.new, new, &keywords), old, new);
        }
        self.exclusions(old.get("not"), new.get("not"));
        self.conditions(old, new);
    }

    /// Parts of `allOf` that could not be merged. Each new part must take what some old part took, and back.
    fn products(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let (before, after) = (listed(old, "allOf"), listed(new, "allOf"));
        if before.is_empty() && after.is_empty() {
            return;
        }
        if before.len() == after.len() {
            before.iter().zip(after).for_each(|(before, after)| self.schemas(before, after));
            return;
        }
        let own = |fields: &Map<String, Value>| {
            let mut own = fields.clone();
            own.remove("allOf");
            Value::Object(own)
        };
        let (mut before, mut after) = (before.to_vec(), after.to_vec());
        before.push(own(old));
        after.push(own(new));
        let backward = covers(&after, |new| before.iter().map(|old| self.relation(old, new).backward).min());
        let forward = covers(&before, |old| after.iter().map(|new| self.relation(old, new).forward).min());
        if backward.max(forward) > Verdict::Compatible {
            self.change(ChangeKind::ProductChanged, backward, forward, "must fit other parts of `allOf`");
        }
    }

    fn sums(
        &mut self,
        old: Option<Sum<'_>>,
        new: Option<Sum<'_>>,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) {
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => {
                let whole = Value::Object(before.clone());
                let one = new.branches.iter().map(|branch| self.relation(&whole, branch).backward).min();
                let backward = one.unwrap_or(Verdict::Unknown).min(Verdict::Unknown);
                let backward = if new.exact { backward.max(Verdict::Unknown) } else { backward };
                self.change(ChangeKind::SumAdded, backward, Verdict::Compatible, "must fit one of several forms now");
            }
            (Some(old), None) => {
                let whole = Value::Object(after.clone());
                let one = old.branches.iter().map(|branch| self.relation(branch, &whole).forward).min();
                let forward = one.unwrap_or(Verdict::Unknown).min(Verdict::Unknown);
                let forward = if old.exact { forward.max(Verdict::Unknown) } else { forward };
                let message = "need no longer fit one of several forms";
                self.change(ChangeKind::SumRemoved, Verdict::Compatible, forward, message);
            }
            (Some(old), Some(new)) => self.both_sums(&old, &new),
        }
    }

    fn both_sums(&mut self, old: &Sum<'_>, new: &Sum<'_>) {
        let (before, after) = self.unequal(old.branches, new.branches);
        if before.is_empty() && after.is_empty() {
            return;
        }
        if old.exact || new.exact {
            let message = "is one of several forms that may overlap, and they changed";
            return self.change(ChangeKind::SumChanged, Verdict::Unknown, Verdict::Unknown, message);
        }
        if let ([before], [after]) = (before.as_slice(), after.as_slice()) {
            return self.schemas(before, after);
        }
        let (all_old, all_new) = (old.branches, new.branches);
        let backward = covers(&before, |old| all_new.iter().map(|new| self.relation(old, new).backward).min());
        let forward = covers(&after, |new| all_old.iter().map(|old| self.relation(old, new).forward).min());
        let (kind, message) = match (before.is_empty(), after.is_empty()) {
            (true, _) => (ChangeKind::SumExtended, "may have a further form"),
            (_, true) => (ChangeKind::SumNarrowed, "may no longer have one of its forms"),
            _ => (ChangeKind::SumChanged, "has other forms"),
        };
        self.change(kind, backward, forward, message);
    }

    /// The branches that have no equal on the other side. What is taken for equal must be so both ways, as one of
    /// two forms that exclude each other may not even be wider.
    fn unequal<'v>(&mut self, old: &'v [Value], new: &'v [Value]) -> (Vec<&'v Value>, Vec<&'v Value>) {
        let mut after: Vec<&Value> = new.iter().collect();
        let mut before = Vec::new();
        for branch in old {
            match after.iter().position(|other| self.contrary(|walk| walk.relation(branch, other)).is_equal()) {
                Some(at) => drop(after.remove(at)),
                None => before.push(branch),
            }
        }
        (before, after)
    }

    /// Under `not`, what is narrower makes the whole wider.
    fn exclusions(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, None) => {}
            (None, Some(_)) => {
                let message = "excludes something with `not` now";
                self.change(ChangeKind::ExclusionAdded, Verdict::Incompatible, Verdict::Compatible, message);
            }
            (Some(_), None) => {
                let message = "no longer excludes something with `not`";
                self.change(ChangeKind::ExclusionRemoved, Verdict::Compatible, Verdict::Incompatible, message);
            }
            (Some(old), Some(new)) => {
                let inside = self.aside(|walk| walk.contrary(|walk| walk.schemas(old, new)));
                let inside = Comparison { changes: inside };
                let (backward, forward) = (inside.forward(), inside.backward());
                let kind = match (backward, forward) {
                    (Verdict::Compatible, Verdict::Compatible) => return,
                    (Verdict::Compatible, _) => ChangeKind::ExclusionRemoved,
                    (_, Verdict::Compatible) => ChangeKind::ExclusionAdded,
                    _ => ChangeKind::Undecided,
                };
                self.change(kind, backward, forward, "excludes something else with `not`");
            }
        }
    }

    fn conditions(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let message = "depends on another condition";
        match (old.get("if"), new.get("if")) {
            (None, None) => {}
            (None, Some(_)) => self.change(ChangeKind::ExclusionAdded, Verdict::Unknown, Verdict::Compatible, message),
            (Some(_), None) => {
                self.change(ChangeKind::ExclusionRemoved, Verdict::Compatible, Verdict::Unknown, message);
            }
            (Some(before), Some(after)) => {
                if !self.contrary(|walk| walk.relation(before, after)).is_equal() {
                    return self.change(ChangeKind::ConditionChanged, Verdict::Unknown, Verdict::Unknown, message);
                }
                for branch in ["then", "else"] {
                    let of = |fields: &Map<String, Value>| fields.get(branch).cloned().unwrap_or(json!(true));
                    self.schemas(&of(old), &of(new));
                }
            }
        }
    }
}

/// The worst over all of these of the best that `one` finds.
fn covers<T>(all: &[T], mut one: impl FnMut(&T) -> Option<Verdict>) -> Verdict {
    let verdicts = all.iter().map(|each| one(each).unwrap_or(Verdict::Incompatible));
    verdicts.max().unwrap_or(Verdict::Compatible)
}

/// Several forms of which a value has one.
struct Sum<'v> {
    branches: &'v [Value],
    /// Whether a value that has two of the forms is refused, and some value might.
    exact: bool,
}

fn sum<'v>(document: Document<'_>, fields: &'v Map<String, Value>, keywords: &[&str]) -> Option<Sum<'v>> {
    let keyword = keywords.iter().find(|keyword| fields.contains_key(**keyword))?;
    let branches = listed(fields, keyword);
    let exact = *keyword == "oneOf" && !exclude_each_other(document, branches);
    Some(Sum { branches, exact })
}

fn listed<'v>(fields: &'v Map<String, Value>, keyword: &str) -> &'v [Value] {
    fields.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether it is proved that no value fits two of these.
fn exclude_each_other(document: Document<'_>, branches: &[Value]) -> bool {
    let flat: Vec<Flat> = branches.iter().map(|branch| document.flatten(branch)).collect();
    (0..flat.len()).all(|at| flat[at + 1..].iter().all(|other| are_disjoint(document, &flat[at], other, true)))
}

fn are_disjoint(document: Document<'_>, a: &Flat, b: &Flat, within: bool) -> bool {
    let (Flat::Of(a), Flat::Of(b)) = (a, b) else { return true };
    let common = Types::of(document, a) & Types::of(document, b);
    if common.is_empty() {
        return true;
    }
    if let (Some(one), Some(other)) = (values(document, a), values(document, b)) {
        return one.keys().all(|key| !other.contains_key(key));
    }
    within && common == Types::OBJECT && are_told_apart(document, a, b)
}

/// Whether a field that both must have cannot be the same in both.
fn are_told_apart(document: Document<'_>, a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    let names = listed(a, "required").iter().filter(|name| listed(b, "required").contains(name));
    names.filter_map(Value::as_str).any(|name| {
        let of = |fields: &Map<String, Value>| fields.get("properties").and_then(|all| all.get(name)).cloned();
        let (Some(one), Some(other)) = (of(a), of(b)) else { return false };
        are_disjoint(document, &document.flatten(&one), &document.flatten(&other), false)
    })
}
