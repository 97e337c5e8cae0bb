//! Queries: candidates from the plan's source, filtered, ordered, cut into pages.

use super::View;
use super::plan::{Explained, Order, Plan};
use crate::allowance::GivenUp;
use crate::error::StoreError;
use crate::key::strong_hash;
use crate::record::Record;
use crate::registry::Declared;
use crate::tenant::Scope;
use contract_model::filter::{Matcher, Query};
use contract_model::limits::QUERY_ROWS_MAX;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::ops::ControlFlow;

/// Enough to notice a mistake; a cursor opens nothing that the query itself does not.
const CURSOR_TAG_BYTES: usize = 6;

/// One page of a query's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The records, in the query's order.
    pub items: Vec<Record>,
    /// Where the next page starts, if there is more.
    pub cursor: Option<String>,
}

impl View {
    /// Records by filter, sorted, a page at a time; all there are if the query has no limit.
    pub fn find(&self, scope: &Scope, collection: &str, query: &Query) -> Result<Page, StoreError> {
        let declared = self.registry.collection(collection)?;
        let search = Search::new(self, declared, scope.number(), query)?;
        let plan = Plan::of(declared, scope.number(), query);
        search.page(&plan)
    }

    /// How a query is answered: it is run, and what it looked at is counted.
    pub fn explain(&self, scope: &Scope, collection: &str, query: &Query) -> Result<Explained, StoreError> {
        let declared = self.registry.collection(collection)?;
        let search = Search::new(self, declared, scope.number(), query)?;
        let plan = Plan::of(declared, scope.number(), query);
        let page = search.page(&plan)?;
        let gives_order = plan.ordered.is_some() && !search.inexact.get();
        Ok(Explained { scanned: search.scanned.get(), given: page.items.len() as u64, gives_order, ..plan.explained() })
    }
}

pub(super) struct Search<'a> {
    pub(super) view: &'a View,
    pub(super) declared: &'a Declared,
    pub(super) tenant: u32,
    query: &'a Query,
    wanted: Matcher<'a>,
    /// The last record of the page before, as far as the order looks at it.
    pub(super) pivot: Option<Value>,
    /// An index entry was met that only sorts by its beginning, so the index does not give the order.
    pub(super) inexact: Cell<bool>,
    /// Records that were looked at, and those of them that match.
    scanned: Cell<u64>,
    matched: Cell<u64>,
}

/// What is done with each match.
pub(super) type Visit<'v> = dyn FnMut(Record) -> Result<ControlFlow<()>, StoreError> + 'v;

impl<'a> Search<'a> {
    pub(super) fn new(
        view: &'a View,
        declared: &'a Declared,
        tenant: u32,
        query: &'a Query,
    ) -> Result<Self, StoreError> {
        let (inexact, scanned, matched) = (Cell::new(false), Cell::new(0), Cell::new(0));
        let wanted = Matcher::of(&query.filter);
        let search = Self { view, declared, tenant, query, wanted, pivot: None, inexact, scanned, matched };
        let sorted = query.sort.iter().map(|(field, _)| field.as_str());
        if let Some(unknown) = query.filter.fields().into_iter().chain(sorted).find(|name| !declared.has_field(name)) {
            return Err(search.refuse(format!("it has no field `{unknown}`")));
        }
        let pivot = query.cursor.as_ref().map(|cursor| search.read_cursor(cursor)).transpose()?;
        Ok(Self { pivot, ..search })
    }

    fn page(&self, plan: &Plan<'_>) -> Result<Page, StoreError> {
        let limit = self.query.limit.unwrap_or(QUERY_ROWS_MAX).min(QUERY_ROWS_MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ordered = plan.ordered.map(|order| self.ordered(plan, order, limit)).transpose()?;
        let mut items = match ordered.filter(|_| !self.inexact.get()) {
            Some(items) => items,
            None => self.sorted(plan)?,
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| more).map(|last| self.write_cursor(last));
        Ok(Page { items, cursor })
    }

    /// Matches from a source that gives the order, until one more than the limit is found.
    fn ordered(&self, plan: &Plan<'_>, order: Order, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut items: Vec<Record> = Vec::new();
        self.walk(&plan.source, Some(order), &mut |record| {
            self.hold(&record)?;
            items.push(record);
            Ok(if items.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(items)
    }

    /// All matches, put in order in memory.
    fn sorted(&self, plan: &Plan<'_>) -> Result<Vec<Record>, StoreError> {
        let mut items: Vec<Value> = Vec::new();
        let mut versions = std::collections::HashMap::new();
        self.walk(&plan.source, None, &mut |record| {
            if items.len() as u64 >= QUERY_ROWS_MAX {
                self.view.shared.meter.gave_up(GivenUp::Rows);
                return Err(StoreError::TooManyRows { collection: self.declared.definition.name.clone() });
            }
            self.hold(&record)?;
            versions.insert(record.id().to_owned(), (record.revision, record.born));
            items.push(record.into_value());
            Ok(ControlFlow::Continue(()))
        })?;
        items.sort_by(|left, right| self.query.compare(left, right));
        let records = items.into_iter().filter_map(|item| match item {
            Value::Object(fields) => {
                let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
                let (revision, born) = versions.get(id).copied().unwrap_or_default();
                Some(Record { revision, born, fields })
            }
            _ => None,
        });
        Ok(records.collect())
    }

    pub(super) fn offer(&self, record: Record, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, StoreError> {
        self.scanned.set(self.scanned.get() + 1);
        if !self.wanted.matches(&record.fields) {
            self.not_too_many()?;
            return Ok(ControlFlow::Continue(()));
        }
        self.matched.set(self.matched.get() + 1);
        let Some(pivot) = &self.pivot else { return visit(record) };
        let Record { revision, born, fields } = record;
        let value = Value::Object(fields);
        if self.query.compare(&value, pivot).is_le() {
            return Ok(ControlFlow::Continue(()));
        }
        let Value::Object(fields) = value else { return Ok(ControlFlow::Continue(())) };
        visit(Record { revision, born, fields })
    }

    /// What is kept of the matches is bounded in memory.
    fn hold(&self, record: &Record) -> Result<(), StoreError> {
        self.view.hold_record(&self.declared.definition.name, record)
    }

    /// A query that looks at record after record in vain is given up before it holds up others.
    fn not_too_many(&self) -> Result<(), StoreError> {
        let scanned = self.scanned.get();
        if scanned - self.matched.get() <= self.view.shared.query_limits.scanned_max {
            return Ok(());
        }
        self.view.shared.meter.gave_up(GivenUp::Scanned);
        let collection = self.declared.definition.name.clone();
        let hint = super::plan::hint(&self.query.filter);
        Err(StoreError::Unindexed { collection, scanned, hint })
    }

    fn write_cursor(&self, last: &Record) -> String {
        let value = |field: &str| last.fields.get(field).cloned().unwrap_or(Value::Null);
        let mut parts: Vec<Value> = self.query.sort.iter().map(|(field, _)| value(field)).collect();
        parts.extend([last.id().into(), self.cursor_tag().into()]);
        hex::encode(Value::Array(parts).to_string())
    }

    fn read_cursor(&self, cursor: &str) -> Result<Value, StoreError> {
        let wrong = || self.refuse("its cursor is not one that a page of this query gave");
        let bytes = hex::decode(cursor).map_err(|_| wrong())?;
        let parts: Vec<Value> = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let (_, parts) = parts.split_last().filter(|(tag, _)| **tag == self.cursor_tag()).ok_or_else(wrong)?;
        let (id, values) = parts.split_last().ok_or_else(wrong)?;
        if values.len() != self.query.sort.len() || !id.is_string() {
            return Err(wrong());
        }
        let sorted = self.query.sort.iter().map(|(field, _)| field.clone());
        let mut pivot: Map<String, Value> = sorted.zip(values.iter().cloned()).collect();
        pivot.insert("id".to_owned(), id.clone());
        Ok(Value::Object(pivot))
    }

    /// Tells a cursor of another tenant, collection or order from one of this query's.
    fn cursor_tag(&self) -> String {
        let query = (self.tenant, self.declared.number, &self.query.sort);
        hex::encode(&strong_hash(serde_json::json!(query).to_string().as_bytes())[..CURSOR_TAG_BYTES])
    }

    fn refuse(&self, why: impl Into<String>) -> StoreError {
        StoreError::Query { collection: self.declared.definition.name.clone(), why: why.into() }
    }
}
