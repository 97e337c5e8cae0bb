//! Choosing how to answer a query: by a unique set, by a range of an index, or by walking the collection.

use crate::key::{Key, KeyBuilder, after, prefix_end};
use crate::order::{is_inexact, push_value, text_bytes_max};
use crate::record::collection_prefix;
use crate::registry::{Declared, FieldSet};
use contract_model::RecordId;
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
    /// All records, or those between two ids.
    Documents { bounded: bool, low: Vec<u8>, high: Vec<u8> },
}

/// How a source is walked so that it gives the query's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// From its front.
    Upwards,
    /// From its end, and so by descending ids too.
    Downwards,
    /// Values from the end, and of equal ones the ids from the front.
    ValuesDownwards,
}

/// A source, and how it gives the query's order, if it does.
pub(super) struct Plan<'a> {
    pub(super) source: Source<'a>,
    pub(super) ordered: Option<Order>,
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
        let by_words = of_words.into_iter().filter_map(|set| by_word(set, tenant, query, &parts));
        let plans = plain.into_iter().map(|set| by_index(set, tenant, query, &parts)).chain(by_words);
        let best = plans.max_by_key(|(score, _)| *score).filter(|(score, _)| *score > 0);
        best.map_or_else(|| by_documents(declared, tenant, query, &parts), |(_, plan)| plan)
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
    /// Whether the field after those is bounded, or the id where there is none.
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
            Source::Documents { bounded, .. } => Explained { by: "collection", bounded: *bounded, ..none },
        }
    }
}

impl Source<'_> {
    /// The entries whose records are just those that the filter wants, if no record needs to be looked at to tell.
    pub(super) fn entries_of(&self, filter: &Filter) -> Option<(&[u8], &[u8])> {
        let Self::Index { set, fixed, low, high, .. } = self else { return None };
        let mut parts = Vec::new();
        let whole = conjuncts(filter, &mut parts);
        let place = |field: &str| set.fields[..*fixed].iter().position(|of| of == field);
        // One value has one place in an index, whatever its length; only of a missing list there is no item.
        let told = |(field, op, value): &Conjunct<'_>| {
            place(field).is_some_and(|at| {
                let item = set.spread != Some(at) || !value.is_null();
                item && *op == wanted_at(set, at) && fixed_by(set, at, &parts, field) == Some(value)
            })
        };
        (whole && !set.words && parts.iter().all(told)).then_some((low, high))
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
        // Whatever an index is over, its entries end in the id.
        if !fields.contains(field) && *field != "id" {
            fields.push(field);
        }
    }
    if fields.is_empty() {
        return "narrow it by a field that an index begins with".to_owned();
    }
    format!("declare an index over {} in schema.json, or narrow it", fields.join(" + "))
}

type Conjunct<'a> = (&'a str, Comparison, &'a Value);

/// The comparisons that every match must fulfil. Gives whether they are the whole filter.
fn conjuncts<'a>(filter: &'a Filter, out: &mut Vec<Conjunct<'a>>) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => {
            let mut whole = true;
            for part in parts {
                whole &= conjuncts(part, out);
            }
            whole
        }
        Filter::Field { field, op, value } => {
            out.push((field, *op, value));
            true
        }
        Filter::Or(_) | Filter::Not(_) => false,
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
    let wanted = wanted_at(set, at);
    parts.iter().find(|(name, op, _)| *name == field && *op == wanted).map(|(_, _, value)| *value)
}

fn wanted_at(set: &FieldSet, at: usize) -> Comparison {
    if set.spread == Some(at) { Comparison::Contains } else { Comparison::Eq }
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
    } else {
        bounded = narrow_by_id(&prefix, parts, &mut low, &mut high);
    }
    let ordered = index_order(set, fixed, query);
    let score = fixed * 10 + usize::from(bounded) * 5 + usize::from(ordered.is_some() && !query.sort.is_empty()) * 3;
    (if usable { score } else { 0 }, Plan { source: Source::Index { set, prefix, fixed, bounded, low, high }, ordered })
}

/// The records that hold the longest of the words that every match holds: it tends to be in the fewest.
fn by_word<'a>(set: &'a FieldSet, tenant: u32, query: &Query, parts: &[Conjunct<'_>]) -> Option<(usize, Plan<'a>)> {
    let of_set =
        parts.iter().filter(|(field, op, _)| *op == Comparison::Matches && set.fields.iter().any(|of| of == field));
    let wanted = of_set.filter_map(|(_, _, value)| value.as_str()).flat_map(words);
    let word = wanted.max_by_key(|word| word.chars().count())?;
    let prefix = set.value_prefix(tenant, &word);
    let (mut low, mut high) = (prefix.clone(), prefix_end(&prefix));
    let bounded = narrow_by_id(&prefix, parts, &mut low, &mut high);
    let source = Source::Index { set, prefix, fixed: 1, bounded, low, high };
    Some((10, Plan { source, ordered: index_order(set, 1, query) }))
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

/// Where ids follow right after a prefix, in their order. One that no record can have bounds nothing.
fn narrow_by_id(prefix: &[u8], parts: &[Conjunct<'_>], low: &mut Vec<u8>, high: &mut Vec<u8>) -> bool {
    let mut bounded = false;
    let of_id = parts.iter().filter(|(field, _, _)| *field == "id");
    let ids = of_id.filter_map(|(_, op, value)| Some((*op, value.as_str()?)));
    for (op, id) in ids.filter(|(_, id)| RecordId::new(id).is_ok()) {
        let at = [prefix, id.as_bytes()].concat();
        match op {
            Comparison::Gt => raise(low, after(&at)),
            Comparison::Ge => raise(low, at),
            Comparison::Lt => lower(high, at),
            Comparison::Le => lower(high, after(&at)),
            _ => continue,
        }
        bounded = true;
    }
    bounded
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

/// An index gives the order if the sort fields are exactly its fields after the fixed ones, all in one direction; what
/// is left then is the order by id, which may be asked for as well.
fn index_order(set: &FieldSet, fixed: usize, query: &Query) -> Option<Order> {
    let (sort, ids) = match query.sort.split_last() {
        Some(((field, descending), before)) if field == "id" => (before, *descending),
        _ => (query.sort.as_slice(), false),
    };
    let rest = &set.fields[fixed..];
    let same = sort.len() == rest.len() && sort.iter().zip(rest).all(|((sort, _), field)| sort == field);
    let values = sort.first().map_or(ids, |(_, descending)| *descending);
    if !same || sort.iter().any(|(_, descending)| *descending != values) {
        return None;
    }
    match (values, ids) {
        (false, false) => Some(Order::Upwards),
        (true, true) => Some(Order::Downwards),
        (true, false) => Some(Order::ValuesDownwards),
        (false, true) => None,
    }
}

fn by_documents<'a>(declared: &Declared, tenant: u32, query: &Query, parts: &[Conjunct<'_>]) -> Plan<'a> {
    let prefix = collection_prefix(tenant, declared.number);
    let (mut low, mut high) = (prefix.clone(), prefix_end(&prefix));
    let bounded = narrow_by_id(&prefix, parts, &mut low, &mut high);
    let ordered = match query.sort.as_slice() {
        [] => Some(Order::Upwards),
        [(field, descending)] if field == "id" => Some(if *descending { Order::Downwards } else { Order::Upwards }),
        _ => None,
    };
    Plan { source: Source::Documents { bounded, low, high }, ordered }
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
