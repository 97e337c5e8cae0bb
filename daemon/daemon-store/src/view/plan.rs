//! Choosing how to answer a query: by a unique set, by a range of an index, or by walking the collection.

use crate::key::{Key, KeyBuilder, prefix_end};
use crate::order::{is_inexact, push_value, text_bytes_max};
use crate::record::collection_prefix;
use crate::registry::{Declared, FieldSet};
use contract_model::filter::{Comparison, Filter, Query, words};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where the candidates come from. The filter is applied to each of them in any case.
pub(super) enum Source<'a> {
    /// At most these ids.
    Ids(Vec<&'a str>),
    /// At most one record, found through a unique set.
    Unique { set: &'a FieldSet, key: Key },
    /// The entries of an index from `low` to `high`; the first `fixed` fields have one value each.
    Index { set: &'a FieldSet, prefix: Vec<u8>, fixed: usize, bounded: bool, low: Vec<u8>, high: Vec<u8> },
    /// All records.
    Documents { low: Vec<u8>, high: Vec<u8> },
}

/// A source, and whether it already gives the query's order (backwards if true).
pub(super) struct Plan<'a> {
    pub(super) source: Source<'a>,
    pub(super) ordered: Option<bool>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(declared: &'a Declared, tenant: u32, query: &'a Query) -> Self {
        let mut parts = Vec::new();
        conjuncts(&query.filter, &mut parts);
        if let Some(ids) = ids(&parts) {
            return Self { source: Source::Ids(ids), ordered: None };
        }
        let unique = declared.uniques.iter().find_map(|set| Some((set, unique_key(set, tenant, &parts)?)));
        if let Some((set, key)) = unique {
            return Self { source: Source::Unique { set, key }, ordered: None };
        }
        let (of_words, plain): (Vec<_>, Vec<_>) = declared.indexes.iter().partition(|set| set.words);
        let by_words = of_words.into_iter().filter_map(|set| by_word(set, tenant, &parts));
        let plans = plain.into_iter().map(|set| by_index(set, tenant, query, &parts)).chain(by_words);
        let best = plans.max_by_key(|(score, _)| *score).filter(|(score, _)| *score > 0);
        best.map_or_else(|| by_documents(declared, tenant, query), |(_, plan)| plan)
    }
}

/// How a query is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// What leads to the records: `id`, `unique`, `index`, `words` of a text, or `collection` where all of them are looked at.
    pub by: &'static str,
    /// The fields of the index or unique set.
    pub fields: Vec<String>,
    /// How many of these, from the first on, have one value that every match has.
    pub fixed: u64,
    /// Whether the field after those is bounded.
    pub bounded: bool,
    /// Whether it gives the order that is asked for; if not, all matches are sorted in memory.
    pub gives_order: bool,
    /// Records that were looked at.
    pub scanned: u64,
    /// Records that were given.
    pub given: u64,
}

impl Plan<'_> {
    /// What can be said of it before it is run.
    pub(super) fn explained(&self) -> Explained {
        let none = Explained::default();
        match &self.source {
            Source::Ids(_) => Explained { by: "id", ..none },
            Source::Unique { set, .. } => {
                Explained { by: "unique", fields: set.fields.clone(), fixed: set.fields.len() as u64, ..none }
            }
            Source::Index { set, fixed, bounded, .. } => {
                let by = if set.words { "words" } else { "index" };
                Explained { by, fields: set.fields.clone(), fixed: *fixed as u64, bounded: *bounded, ..none }
            }
            Source::Documents { .. } => Explained { by: "collection", ..none },
        }
    }
}

/// Which index would help a query: over the fields that every match has one value of, then one that is bounded.
pub(super) fn hint(filter: &Filter) -> String {
    let mut parts = Vec::new();
    conjuncts(filter, &mut parts);
    let is_range = |op| matches!(op, Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge);
    let mut fields: Vec<&str> = Vec::new();
    let fixed = parts.iter().filter(|(_, op, _)| *op == Comparison::Eq);
    for (field, _, _) in fixed.chain(parts.iter().find(|(_, op, _)| is_range(*op))) {
        if !fields.contains(field) {
            fields.push(field);
        }
    }
    if fields.is_empty() {
        return "narrow it by a field that an index begins with".to_owned();
    }
    format!("declare an index over {} in schema.json, or narrow it", fields.join(" + "))
}

type Conjunct<'a> = (&'a str, Comparison, &'a Value);

/// The comparisons that every match must fulfil.
fn conjuncts<'a>(filter: &'a Filter, out: &mut Vec<Conjunct<'a>>) {
    match filter {
        Filter::And(parts) => parts.iter().for_each(|part| conjuncts(part, out)),
        Filter::Field { field, op, value } => out.push((field, *op, value)),
        Filter::All | Filter::Or(_) | Filter::Not(_) => {}
    }
}

fn ids<'a>(parts: &[Conjunct<'a>]) -> Option<Vec<&'a str>> {
    parts.iter().find(|(field, _, _)| *field == "id").and_then(|(_, op, value)| match op {
        Comparison::Eq => Some(value.as_str().into_iter().collect()),
        Comparison::In => value.as_array().map(|items| items.iter().filter_map(Value::as_str).collect()),
        _ => None,
    })
}

fn equal_to<'a>(parts: &[Conjunct<'a>], field: &str) -> Option<&'a Value> {
    parts.iter().find(|(name, op, _)| *name == field && *op == Comparison::Eq).map(|(_, _, value)| *value)
}

/// The one value that a field of an index has in every match; of a list, an item that every match holds.
fn fixed_by<'a>(set: &FieldSet, at: usize, parts: &[Conjunct<'a>], field: &str) -> Option<&'a Value> {
    let wanted = if set.spread == Some(at) { Comparison::Contains } else { Comparison::Eq };
    parts.iter().find(|(name, op, _)| *name == field && *op == wanted).map(|(_, _, value)| *value)
}

fn unique_key(set: &FieldSet, tenant: u32, parts: &[Conjunct<'_>]) -> Option<Key> {
    let mut values = Map::new();
    for field in &set.fields {
        values.insert(field.clone(), equal_to(parts, field)?.clone());
    }
    set.unique_key(tenant, &values)
}

fn by_index<'a>(set: &'a FieldSet, tenant: u32, query: &Query, parts: &[Conjunct<'_>]) -> (usize, Plan<'a>) {
    let text_max = text_bytes_max(set.fields.len());
    let mut prefix = set.index_prefix(tenant).into_bytes();
    let mut fixed = 0;
    while let Some(value) = set.fields.get(fixed).and_then(|field| fixed_by(set, fixed, parts, field)) {
        push_value(&mut prefix, value, text_max);
        fixed += 1;
    }
    // A record stands in the index once for each item of its list, so that only the entries of one item are a query's.
    let usable = set.spread.is_none_or(|spread| spread < fixed);
    let (mut low, mut high) = (prefix.clone(), prefix_end(&prefix));
    let mut bounded = false;
    if let Some(field) = set.fields.get(fixed) {
        // A text too long to be exact bounds nothing; the filter itself still does.
        let bounds = parts.iter().filter(|(name, _, value)| name == field && !is_inexact(value, text_max));
        for (_, op, value) in bounds {
            bounded |= narrow(&prefix, *op, value, text_max, &mut low, &mut high);
        }
    }
    let ordered = index_order(set, fixed, query);
    let score = fixed * 10 + usize::from(bounded) * 5 + usize::from(ordered.is_some() && !query.sort.is_empty()) * 3;
    (if usable { score } else { 0 }, Plan { source: Source::Index { set, prefix, fixed, bounded, low, high }, ordered })
}

/// The records that hold the longest of the words that every match holds: it tends to be in the fewest.
fn by_word<'a>(set: &'a FieldSet, tenant: u32, parts: &[Conjunct<'_>]) -> Option<(usize, Plan<'a>)> {
    let of_set =
        parts.iter().filter(|(field, op, _)| *op == Comparison::Matches && set.fields.iter().any(|of| of == field));
    let wanted = of_set.filter_map(|(_, _, value)| value.as_str()).flat_map(words);
    let word = wanted.max_by_key(|word| word.chars().count())?;
    let prefix = set.value_prefix(tenant, &word);
    let (low, high) = (prefix.clone(), prefix_end(&prefix));
    let source = Source::Index { set, prefix, fixed: 1, bounded: false, low, high };
    Some((10, Plan { source, ordered: None }))
}

fn narrow(
    prefix: &[u8],
    op: Comparison,
    value: &Value,
    text_max: usize,
    low: &mut Vec<u8>,
    high: &mut Vec<u8>,
) -> bool {
    let mut at = prefix.to_vec();
    push_value(&mut at, value, text_max);
    match op {
        Comparison::Gt => raise(low, prefix_end(&at)),
        Comparison::Ge => raise(low, at),
        Comparison::Lt => lower(high, at),
        Comparison::Le => lower(high, prefix_end(&at)),
        _ => return false,
    }
    true
}

pub(super) fn raise(low: &mut Vec<u8>, to: Vec<u8>) {
    if to > *low {
        *low = to;
    }
}

pub(super) fn lower(high: &mut Vec<u8>, to: Vec<u8>) {
    if to < *high {
        *high = to;
    }
}

/// An index gives the order if the sort fields are exactly its fields after the fixed ones, all in one
/// direction; what is left then is the order by id.
fn index_order(set: &FieldSet, fixed: usize, query: &Query) -> Option<bool> {
    let rest = &set.fields[fixed..];
    let same = query.sort.len() == rest.len() && query.sort.iter().zip(rest).all(|((sort, _), field)| sort == field);
    let reverse = query.sort.first().is_some_and(|(_, descending)| *descending);
    (same && query.sort.iter().all(|(_, descending)| *descending == reverse)).then_some(reverse)
}

fn by_documents<'a>(declared: &Declared, tenant: u32, query: &Query) -> Plan<'a> {
    let low = collection_prefix(tenant, declared.number);
    let high = prefix_end(&low);
    let ordered = match query.sort.as_slice() {
        [] => Some(false),
        [(field, descending)] if field == "id" => Some(*descending),
        _ => None,
    };
    Plan { source: Source::Documents { low, high }, ordered }
}

/// The key of a place inside an index: the fixed prefix and the values of the other fields.
pub(super) fn index_place(set: &FieldSet, prefix: &[u8], fixed: usize, pivot: &Value) -> Option<KeyBuilder> {
    let text_max = text_bytes_max(set.fields.len());
    let mut bytes = prefix[1..].to_vec();
    for field in &set.fields[fixed..] {
        let value = pivot.get(field).unwrap_or(&Value::Null);
        if is_inexact(value, text_max) {
            return None;
        }
        push_value(&mut bytes, value, text_max);
    }
    Some(KeyBuilder::new(crate::key::Keyspace::Index).raw(&bytes))
}
