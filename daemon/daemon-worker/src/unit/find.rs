//! Queries of a unit: the host's answer with the pending writes laid over it.

use super::{Answers, Shared, Unit};
use crate::refusal::Halt;
use contract_model::ErrorCode;
use contract_model::filter::{Comparison, Filter, Query};
use contract_model::memory;
use daemon_frame::{Ask, Asked};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who reads more makes a report, whose records are not saved again; a second copy of them would only cost memory.
const CACHED_RECORDS_MAX: usize = 1_000;
/// The same in bytes, as reckoned, for records may be large.
const CACHED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where a page ended, so that a later page can place pending records before or after it.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// The host's cursor to ask from, if not from the start.
    cursor: Option<String>,
    /// Records after that cursor which earlier pages have given.
    given: u64,
    /// What the last record given is ordered by.
    last: Value,
}

/// The records that a unit found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) cursor: Option<String>,
}

/// Pending records of one collection by id; none where one will be deleted.
type Overlay = BTreeMap<String, Option<Shared>>;

impl Unit {
    /// The records that match, as they will be after this unit.
    pub(crate) fn find(&mut self, collection: &str, query: Query, host: &mut impl Answers) -> Result<Page, Halt> {
        let overlay = self.overlay(collection);
        let own_mark = query.cursor.as_ref().and_then(|cursor| self.marks.get(cursor)).cloned();
        if overlay.is_empty() && own_mark.as_ref().is_none_or(|mark| mark.given == 0) {
            return self.ask_page(collection, query, host);
        }
        let mark = match (&query.cursor, own_mark) {
            (None, _) => None,
            (Some(_), Some(mark)) => Some(mark),
            (Some(_), None) => return Err(foreign_cursor(collection)),
        };
        let limit = query.limit;
        let mut wide = query.clone();
        wide.cursor = mark.as_ref().and_then(|mark| mark.cursor.clone());
        let given = mark.as_ref().map_or(0, |mark| mark.given);
        wide.limit = limit.map(|limit| limit.saturating_add(overlay.len() as u64).saturating_add(given));
        let page = self.ask_page(collection, wide.clone(), host)?;
        let more = page.cursor.is_some();
        let mut items = laid_over(page.items, overlay, &query, mark.as_ref());
        let cut = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| items.len() > *limit || more);
        items.truncate(cut.unwrap_or(items.len()));
        let cursor = cut.and(items.last()).map(|last| {
            let mark = Mark { cursor: wide.cursor, given: given + items.len() as u64, last: place(last, &query.sort) };
            let name = format!("unit:{}", self.marks.len());
            self.marks.insert(name.clone(), mark);
            name
        });
        Ok(Page { items, cursor })
    }

    /// How many records match, as it will be after this unit.
    pub(crate) fn count(&mut self, collection: &str, filter: Filter, host: &mut impl Answers) -> Result<u64, Halt> {
        let overlay = self.overlay(collection);
        let pending = overlay.values().flatten().filter(|record| filter.matches(record)).count() as u64;
        let filter = without(filter, overlay);
        match host.ask(Ask::Count { collection: collection.to_owned(), filter })? {
            Asked::Count(stored) => Ok(stored + pending),
            _ => Err(host.unfit()),
        }
    }

    fn ask_page(&mut self, collection: &str, query: Query, host: &mut impl Answers) -> Result<Page, Halt> {
        let sort = query.sort.clone();
        let asked = host.ask(Ask::Find { collection: collection.to_owned(), query })?;
        let Asked::Page { items, cursor } = asked else { return Err(host.unfit()) };
        for item in self.worth_keeping(&items) {
            if let Some(id) = item["id"].as_str() {
                self.read.insert((collection.to_owned(), id.to_owned()), Some(Arc::new(item.clone())));
            }
        }
        if let (Some(cursor), Some(last)) = (&cursor, items.last()) {
            let mark = Mark { cursor: Some(cursor.clone()), given: 0, last: place(last, &sort) };
            self.marks.insert(cursor.clone(), mark);
        }
        Ok(Page { items, cursor })
    }

    /// The records of a page as long as there is room for them, and none of them from then on.
    fn worth_keeping<'a>(&mut self, items: &'a [Value]) -> &'a [Value] {
        if self.read.len() + items.len() > CACHED_RECORDS_MAX || self.cached_bytes > CACHED_BYTES_MAX {
            return &[];
        }
        self.cached_bytes += items.iter().map(memory::of).sum::<u64>();
        if self.cached_bytes > CACHED_BYTES_MAX { &[] } else { items }
    }

    fn overlay(&self, collection: &str) -> Overlay {
        let pending = self.writes.iter().filter(|((name, _), _)| name == collection);
        pending.map(|((_, id), pending)| (id.clone(), pending.record.clone())).collect()
    }
}

/// What a record is ordered by. Whole records would pile up, one for each page of a long report.
fn place(record: &Value, sort: &[(String, bool)]) -> Value {
    let fields = sort.iter().map(|(field, _)| field.as_str()).chain(["id"]);
    fields.filter_map(|field| Some((field.to_owned(), record.get(field)?.clone()))).collect()
}

fn foreign_cursor(collection: &str) -> Halt {
    let message =
        format!("the cursor comes from outside this call, which has changed {collection} already; page first");
    Halt::new(ErrorCode::FilterInvalid, message)
}

/// The filter, without the records that the unit answers for itself.
fn without(filter: Filter, overlay: Overlay) -> Filter {
    if overlay.is_empty() {
        return filter;
    }
    let ids = overlay.into_keys().map(Value::String).collect();
    let pending = Filter::Field { field: "id".to_owned(), op: Comparison::In, value: Value::Array(ids) };
    Filter::And(vec![filter, Filter::Not(Box::new(pending))])
}

fn laid_over(items: Vec<Value>, overlay: Overlay, query: &Query, mark: Option<&Mark>) -> Vec<Value> {
    let stored = items.into_iter().filter(|item| !item["id"].as_str().is_some_and(|id| overlay.contains_key(id)));
    let mut all: Vec<Value> = stored.collect();
    all.extend(overlay.into_values().flatten().filter(|record| query.filter.matches(record)).map(Arc::unwrap_or_clone));
    all.retain(|item| mark.is_none_or(|mark| query.compare(&mark.last, item) == Ordering::Less));
    all.sort_by(|a, b| query.compare(a, b));
    all
}
