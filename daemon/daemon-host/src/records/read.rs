//! Listing and showing records.

use super::expand::{Expander, Expansion};
use super::{Place, RecordCaller};
use crate::api::HostError;
use crate::host::{Host, Inner, is_undone};
use crate::reader::store_error;
use contract_model::ErrorCode;
use contract_model::collection::Action;
use contract_model::filter::{Filter, Query};
use daemon_store::{Record, Scope, View};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct RecordQuery {
    /// A filter in the expression form; empty for all.
    pub filter: String,
    /// Fields to sort by; `true` is descending.
    pub sort: Vec<(String, bool)>,
    /// At most so many.
    pub limit: u64,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
    /// References to follow.
    pub expand: Expansion,
    /// Whether to count all that match.
    pub count: bool,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// The records, in order.
    pub items: Vec<Value>,
    /// Where the next page begins, if there is one.
    pub cursor: Option<String>,
    /// How many match on all pages, if that was asked.
    pub count: Option<u64>,
}

/// What was read, and how far the disk must be before it may be told.
struct Read<T> {
    found: T,
    epoch: u64,
    position: u64,
}

impl Host {
    /// Records of a collection that the caller may list.
    pub async fn records(
        &self,
        caller: RecordCaller,
        collection: &str,
        query: RecordQuery,
    ) -> Result<RecordPage, HostError> {
        let place = Arc::new(Place::find(&self.0, collection)?);
        let asked = Arc::new((caller, query));
        let read = self.listed(self.0.view()?, &place, &asked).await?;
        match self.told(read).await {
            Err(error) if is_undone(&error) => Ok(self.listed(self.0.synced_view()?, &place, &asked).await?.found),
            told => told,
        }
    }

    async fn listed(
        &self,
        view: View,
        place: &Arc<Place>,
        asked: &Arc<(RecordCaller, RecordQuery)>,
    ) -> Result<Read<RecordPage>, HostError> {
        let (inner, place, asked, view) = (self.0.clone(), place.clone(), asked.clone(), asked.0.reading(view));
        // A filter that no index answers walks the whole collection, which is no work for a thread of the server.
        let read = tokio::task::spawn_blocking(move || list(&inner, &view, &place, &asked.0, &asked.1)).await;
        read.map_err(|error| HostError::new(ErrorCode::Internal, format!("listing records was cut off: {error}")))?
    }

    /// One record of a collection, if the caller may view it.
    pub async fn record(
        &self,
        caller: &RecordCaller,
        collection: &str,
        id: &str,
        expand: &Expansion,
    ) -> Result<Value, HostError> {
        let place = Place::find(&self.0, collection)?;
        let read = show(&self.0, &caller.reading(self.0.view()?), &place, caller, id, expand)?;
        match self.told(read).await {
            Err(error) if is_undone(&error) => {
                Ok(show(&self.0, &caller.reading(self.0.synced_view()?), &place, caller, id, expand)?.found)
            }
            told => told,
        }
    }

    /// Gives what was read once all of it is on disk. What was undone instead is read again from what is there: who only
    /// reads is not told that the disk is full.
    async fn told<T>(&self, read: Read<T>) -> Result<T, HostError> {
        let synced = self.0.store.synced_at(read.epoch, read.position).await;
        synced.map_err(|error| store_error(&error))?;
        Ok(read.found)
    }
}

impl<T> Read<T> {
    fn from(view: &View, found: T) -> Self {
        Self { found, epoch: view.epoch(), position: view.position() }
    }
}

fn list(
    inner: &Arc<Inner>,
    view: &View,
    place: &Place,
    caller: &RecordCaller,
    wanted: &RecordQuery,
) -> Result<Read<RecordPage>, HostError> {
    let admitted = place.admits(caller, Action::List, None)?;
    let asked = Filter::parse(&wanted.filter, &Map::new())
        .map_err(|error| HostError::new(ErrorCode::FilterInvalid, error.to_string()))?;
    let scope = Scope::Tenant(inner.tenant(&caller.tenant)?);
    let expander = Expander::new(view, &scope, caller);
    let expansion = expander.check(place, &wanted.expand)?;
    let query = Query {
        filter: admitted.and(asked),
        sort: wanted.sort.clone(),
        limit: Some(wanted.limit),
        cursor: wanted.cursor.clone(),
    };
    let page = view.find(&scope, place.name(), &query).map_err(|error| store_error(&error))?;
    let count = wanted.count.then(|| view.count(&scope, place.name(), &query.filter)).transpose();
    let count = count.map_err(|error| store_error(&error))?;
    let mut items: Vec<Value> = page.items.into_iter().map(Record::into_value).collect();
    expander.expand(&expansion, &mut items)?;
    Ok(Read::from(view, RecordPage { items, cursor: page.cursor, count }))
}

fn show(
    inner: &Arc<Inner>,
    view: &View,
    place: &Place,
    caller: &RecordCaller,
    id: &str,
    expand: &Expansion,
) -> Result<Read<Value>, HostError> {
    let admitted = place.admits(caller, Action::View, None)?;
    let scope = Scope::Tenant(inner.tenant(&caller.tenant)?);
    let expander = Expander::new(view, &scope, caller);
    let expansion = expander.check(place, expand)?;
    let record = view.get(&scope, place.name(), id).map_err(|error| store_error(&error))?;
    let record = record.filter(|record| admitted.matches_map(&record.fields)).ok_or_else(|| place.no_record(id))?;
    view.hold_record(place.name(), &record).map_err(|error| store_error(&error))?;
    let mut items = [record.into_value()];
    expander.expand(&expansion, &mut items)?;
    let [record] = items;
    Ok(Read::from(view, record))
}
