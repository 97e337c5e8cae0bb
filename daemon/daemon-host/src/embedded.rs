//! The embedded store as a transport of events, and the reading that the conductor shares with it.

use crate::settle::new_event;
use contract_model::{Event, EventHead, Sequence, SubscriptionId, TenantId, TopicPattern};
use daemon_bus::StoredRetry;
use daemon_bus::transport::{Commit, Committed, Note, Page, PageWanted, Standing, Transport, TransportError};
use daemon_store::{
    DeadLetter, DeadLetterChange, EventFilter, EventsPage, EventsWanted, ReadSet, Refused, Retry, RetryChange, Scope,
    Store, StoreError, Tenant, Unit, Unsettled, View,
};

/// Events read from the log at once.
const SCAN_EVENTS: usize = 1_024;

/// Reads a page for a subscription. `wants` leaves out what it passes over, `head` says what delivery goes by.
pub(crate) fn read_page(
    view: &View,
    tenant: Option<Tenant>,
    wanted: &PageWanted,
    wants: impl Fn(&Event) -> bool,
    head: impl Fn(&Event) -> EventHead,
) -> Result<Page, StoreError> {
    // A job due in a year holds its cursor back as long; the events of others in between are not looked at.
    let topic = match &wanted.patterns[..] {
        [only] => only.as_exact().map(TopicPattern::from),
        _ => None,
    };
    let filter = EventFilter { topic, tenant };
    // Below the cursor all is handled, and after a failed flush the bus reads from the beginning.
    let from = wanted.after.max(view.cursor(&wanted.subscription)?);
    let wanted_of_log = EventsWanted { filter, after: from, limit: SCAN_EVENTS, ..EventsWanted::default() };
    // What it passes over counts: who hears little asks again, and meanwhile others have their turn.
    let EventsPage { events, next } = view.events_on(&wanted_of_log)?;
    let (mut heads, mut through) = (Vec::new(), from);
    for event in events {
        if heads.len() == wanted.limit {
            return Ok(Page { heads, through, more: true });
        }
        through = event.sequence;
        if wants(&event) && !view.inbox_has(&wanted.subscription, event.sequence).unwrap_or(false) {
            heads.push(head(&event));
        }
    }
    Ok(Page { heads, through: through.max(next.unwrap_or_else(|| view.sequence())), more: next.is_some() })
}

/// Where a subscription stands.
fn standing(view: &View, id: &SubscriptionId) -> Result<Standing, StoreError> {
    let dead = view.unsettled(id, &[Unsettled::DeadLetter], (Sequence(0), Sequence(u64::MAX)), usize::MAX)?;
    Ok(Standing { cursor: view.cursor(id)?, retries: retries(view, id)?, dead })
}

/// What a subscription is to try again.
pub(crate) fn retries(view: &View, id: &SubscriptionId) -> Result<Vec<StoredRetry>, StoreError> {
    let mut retries = Vec::new();
    for retry in view.retries(id)? {
        if let Some(event) = view.event(retry.sequence)? {
            let again = view.inbox_has(id, retry.sequence)?;
            retries.push(StoredRetry { attempt: retry.attempts, due_ms: retry.due_ms, head: event.head(), again });
        }
    }
    Ok(retries)
}

/// The embedded store, as delivery sees it.
#[derive(Clone)]
pub struct Embedded {
    store: Store,
}

impl Embedded {
    /// An open store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    fn tenant(&self, id: &TenantId) -> Result<Tenant, TransportError> {
        self.store.tenant(id).ok_or_else(|| TransportError(format!("there is no tenant `{id}`")))
    }

    fn view(&self) -> Result<View, TransportError> {
        self.store.view().map_err(|error| failed(&error))
    }

    fn unit(&self, commit: Commit) -> Result<Unit, TransportError> {
        let scope = commit.tenant.as_ref().map_or(Ok(Scope::System), |id| self.tenant(id).map(Scope::Tenant))?;
        let time_ms = commit.events.first().map_or(0, |event| event.time_ms);
        let mut unit = Unit::new(scope, time_ms);
        // Who wants it on disk asks for that.
        unit.awaited = false;
        unit.events = commit.events.into_iter().map(new_event).collect();
        unit.handled = commit.handled;
        for note in commit.notes {
            self.note(&mut unit, note)?;
        }
        Ok(unit)
    }

    fn note(&self, unit: &mut Unit, note: Note) -> Result<(), TransportError> {
        match note {
            Note::Retry(subscription, sequence, attempts, due_ms) => {
                let retry = Retry { sequence, attempts, due_ms, error: String::new(), replay: false, payload: None };
                unit.retries.push(RetryChange::Put(subscription, retry));
            }
            Note::DeadLetter(subscription, sequence, attempts) => {
                let event = self.view()?.event(sequence).map_err(|error| failed(&error))?;
                let event = event.ok_or_else(|| TransportError(format!("there is no event {sequence}")))?;
                let letter = DeadLetter {
                    subscription: subscription.clone(),
                    sequence,
                    tenant: event.tenant,
                    event: event.id,
                    topic: event.topic,
                    attempts,
                    code: String::new(),
                    reason: String::new(),
                    stack: Vec::new(),
                    version: String::new(),
                    time_ms: unit.time_ms,
                    replay: false,
                    payload: None,
                };
                unit.retries.push(RetryChange::Clear(subscription.clone(), sequence));
                unit.dead_letters.push(DeadLetterChange::Put(Box::new(letter)));
                unit.handled = Some((subscription, sequence));
            }
            Note::Cursor(subscription, through) => unit.cursors.push((subscription, through)),
        }
        Ok(())
    }
}

impl Transport for Embedded {
    async fn commit(&self, commit: Commit) -> Result<Committed, TransportError> {
        match self.store.decide(self.unit(commit)?, ReadSet::default()) {
            Ok(decided) => Ok(Committed::Done(decided.events.iter().map(|event| event.sequence).collect())),
            Err(Refused::AlreadyHandled) => Ok(Committed::AlreadyHandled),
            Err(Refused::EventExists { .. }) => Ok(Committed::EventExists),
            Err(other) => Err(TransportError(other.to_string())),
        }
    }

    async fn synced(&self) -> Result<(), TransportError> {
        self.store.synced_since(self.store.epoch()).await.map_err(|error| failed(&error))
    }

    async fn log_end(&self) -> Result<Sequence, TransportError> {
        Ok(self.view()?.sequence())
    }

    async fn event(&self, sequence: Sequence) -> Result<Option<Event>, TransportError> {
        self.view()?.event(sequence).map_err(|error| failed(&error))
    }

    async fn page(&self, wanted: PageWanted) -> Result<Page, TransportError> {
        let tenant = wanted.tenant.as_ref().map(|id| self.tenant(id)).transpose()?;
        let hears = |event: &Event| wanted.patterns.iter().any(|pattern| pattern.matches(event.topic.as_str()));
        read_page(&self.view()?, tenant, &wanted, hears, Event::head).map_err(|error| failed(&error))
    }

    async fn standing(&self, subscription: SubscriptionId) -> Result<Standing, TransportError> {
        standing(&self.view()?, &subscription).map_err(|error| failed(&error))
    }
}

fn failed(error: &StoreError) -> TransportError {
    TransportError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemon_bus::conformance::{Site, examine};
    use daemon_store::{Options, QueryLimits};
    use std::path::Path;
    use tempfile::TempDir;

    /// Folders with a store each.
    struct Folders(Option<(TempDir, Store)>);

    impl Site for Folders {
        type Opened = Embedded;

        fn fresh(&mut self) -> Embedded {
            let folder = tempfile::tempdir().expect("a folder");
            let store = open(folder.path());
            for name in ["t1", "t2", "t10"] {
                store.create_tenant(&TenantId::new(name).expect("a name"), name).expect("a tenant");
            }
            self.0 = Some((folder, store.clone()));
            Embedded::new(store)
        }

        fn reopen(&mut self) -> Embedded {
            let (folder, store) = self.0.take().expect("it was open");
            // Everything is on disk that is said to be; what a kill leaves is shown by the crash tests.
            store.close();
            drop(store);
            let store = open(folder.path());
            self.0 = Some((folder, store.clone()));
            Embedded::new(store)
        }
    }

    fn open(folder: &Path) -> Store {
        Store::open(folder, Options { map_bytes: 64 << 20, ..Options::default() }).expect("a store")
    }

    /// One tenant's only event lies behind many of others: each page looks at so many, and says that there is more.
    #[test]
    fn a_page_looks_at_so_many_events_and_is_gone_on_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let query_limits = QueryLimits { events_scanned_max: 4, ..QueryLimits::default() };
        let options = Options { map_bytes: 64 << 20, query_limits, ..Options::default() };
        let store = Store::open(folder.path(), options).expect("a store");
        let [many, one] = ["many", "one"]
            .map(|name| store.create_tenant(&TenantId::new(name).expect("a name"), name).expect("a tenant"));
        for n in 1..=10 {
            let mut unit = Unit::new(if n == 10 { one.clone() } else { many.clone() }, 1);
            unit.events.push(new_event(crate::reply::tests::event(&format!("e{n}"), "gl.post.done", None).event));
            store.decide(unit, ReadSet::none()).expect("decided");
        }
        let subscription = SubscriptionId::from("gl/post".to_owned());
        let patterns = vec![TopicPattern::new("gl.**").expect("a pattern")];
        let mut wanted = PageWanted { subscription, patterns, tenant: None, after: Sequence(0), limit: 9 };
        let mut pages = Vec::new();
        loop {
            let view = store.view().expect("a view");
            let page = read_page(&view, Some(one.clone()), &wanted, |_| true, Event::head).expect("a page");
            pages.push((page.heads.len(), page.through.0));
            wanted.after = page.through;
            if !page.more {
                break;
            }
        }
        assert_eq!(pages, [(0, 4), (0, 8), (1, 10)]);
        assert_eq!(store.metrics().pages_cut_short[0].1, 0, "nobody was told less than there is");
    }

    #[tokio::test]
    async fn the_embedded_store_passes() {
        assert_eq!(examine(&mut Folders(None)).await, Ok(17));
    }
}
