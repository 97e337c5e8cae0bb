//! A host that is played: routes that echo, and a log in memory.

use contract_model::collection::Collection;
use contract_model::reservation::State;
use contract_model::{ErrorCode, Event, EventId, PluginSlug, Sequence, TenantId, TopicName, memory};
use contract_schema::Schema;
use daemon_frame::RouteOptions;
use daemon_host::{
    Changed, Compaction, DeadLetterQuery, DeadLetterView, DeadLettersPage, EventQuery, EventsPage, Expansion,
    ExternalEvent, HostError, HostMetrics, JobQuery, JobView, JobsPage, Outcome, PluginLimits, PluginStatus, Published,
    QuotaView, RecordCaller, RecordChange, RecordPage, RecordQuery, Replay, ReplayRequest, ReplyBody, ReservationView,
    ReserveRequest, Route, RouteSet, ScheduleView, Settings, StoryNode, StoryPage, Taken, VerbReply, VerbRequest, Wish,
};
use daemon_http::Backend;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

type Later<'a, T> = BoxFuture<'a, Result<T, HostError>>;

pub(crate) struct PlayedHost {
    routes: Arc<RouteSet>,
    log: Mutex<Vec<Arc<Event>>>,
    sender: async_broadcast::Sender<Arc<Event>>,
    _idle: async_broadcast::InactiveReceiver<Arc<Event>>,
    in_flight: Arc<AtomicUsize>,
    pub(crate) most_in_flight: Arc<AtomicUsize>,
    /// Calls with `"hold": true` wait until there are permits.
    pub(crate) doors: Arc<Semaphore>,
}

impl PlayedHost {
    pub(crate) fn new() -> Self {
        let (mut sender, receiver) = async_broadcast::broadcast(1_024);
        sender.set_overflow(true);
        Self {
            routes: Arc::new(RouteSet { version: 1, routes: routes() }),
            log: Mutex::default(),
            sender,
            _idle: receiver.deactivate(),
            in_flight: Arc::default(),
            most_in_flight: Arc::default(),
            doors: Arc::new(Semaphore::new(0)),
        }
    }

    fn put(&self, event: ExternalEvent) -> Result<Published, HostError> {
        let id = event.id.unwrap_or_else(|| "made".to_owned());
        let known = self.event(&event.tenant, &id)?;
        let duplicate = known.is_some();
        let topic = TopicName::new(&event.topic).map_err(|_| refusal(ErrorCode::TopicUnknown))?;
        let stored = known.unwrap_or_else(|| {
            self.append_traced(event.tenant.as_str(), topic.as_str(), &id, event.payload, event.trace)
        });
        Ok(Published { id, sequence: stored.sequence, duplicate })
    }

    /// Appends an event and tells the listeners.
    pub(crate) fn append(&self, tenant: &str, topic: &str, id: &str, payload: Value) -> Arc<Event> {
        self.append_traced(tenant, topic, id, payload, None)
    }

    fn append_traced(&self, tenant: &str, topic: &str, id: &str, payload: Value, trace: Option<String>) -> Arc<Event> {
        let mut log = self.log.lock().expect("lock");
        let event = Arc::new(Event {
            id: EventId::new(id).expect("id"),
            sequence: Sequence(log.len() as u64 + 1),
            topic: TopicName::new(topic).expect("topic"),
            tenant: TenantId::new(tenant).expect("tenant"),
            publisher: "plugin:ap".to_owned(),
            actor: "u".to_owned(),
            roles: Vec::new(),
            time_ms: 0,
            correlation: id.to_owned(),
            causation: None,
            hops: 0,
            key: tenant.to_owned(),
            idempotency_key: None,
            trace,
            due_ms: None,
            expires_ms: None,
            headers: serde_json::Map::new(),
            payload,
        });
        log.push(event.clone());
        let _ = self.sender.try_broadcast(event.clone());
        event
    }
}

fn routes() -> Vec<Arc<Route>> {
    let bill = json!({"type": "object", "required": ["entity"], "properties": {"amount": {"type": "integer"}}});
    let none = RouteOptions::default;
    let table = [
        ("GET", "/api/ap/bills/{id}", None, none()),
        ("POST", "/api/ap/bills", Some(&bill), RouteOptions { roles: vec!["ap.clerk".to_owned()], ..none() }),
        ("POST", "/api/ap/pay", None, RouteOptions { grants: vec!["ap.pay".to_owned()], ..none() }),
        ("GET", "/api/ap/open", None, RouteOptions { public: Some(true), ..none() }),
        ("POST", "/api/ap/once", None, RouteOptions { idempotent: Some(true), ..none() }),
        ("POST", "/api/ap/busy", None, none()),
        ("POST", "/api/ap/import", Some(&bill), RouteOptions { stream: Some("ndjson".to_owned()), ..none() }),
    ];
    let rows = (0_u32..).zip(table);
    rows.map(|(index, (method, path, schema, options))| {
        Arc::new(Route {
            plugin: PluginSlug::new("ap").expect("slug"),
            index,
            method: method.to_owned(),
            path: path.to_owned(),
            options,
            request: schema.map(|schema| Schema::compile_value(schema, "bill").expect("a schema")),
            response: None,
            described: (schema.cloned(), None),
            at: None,
            deadline: Duration::from_secs(5),
        })
    })
    .collect()
}

pub(crate) fn refusal(code: ErrorCode) -> HostError {
    HostError::new(code, "played")
}

impl Backend for PlayedHost {
    fn routes(&self) -> Arc<RouteSet> {
        self.routes.clone()
    }

    fn submit(&self, request: VerbRequest) -> Later<'static, VerbReply> {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let (in_flight, doors) = (self.in_flight.clone(), self.doors.clone());
        Box::pin(async move {
            tokio::task::yield_now().await;
            if request.body["hold"] == true {
                let _room = doors.acquire().await.expect("a semaphore");
            }
            in_flight.fetch_sub(1, Ordering::SeqCst);
            if request.route.path.ends_with("busy") {
                return Err(refusal(ErrorCode::Overloaded));
            }
            let header = |name: &str| Some((name.to_owned(), Value::from(request.headers.get(name)?)));
            let headers: Map<String, Value> =
                ["x-own", "cookie", "authorization"].into_iter().filter_map(header).collect();
            let seen = json!({
                "params": request.params, "query": request.query, "body": request.body,
                "user": request.identity.user, "tenant": request.tenant, "headers": headers,
            });
            let body = if request.route.options.stream.is_some() { request.body } else { seen };
            Ok(VerbReply::new(200, ReplyBody::Json(body)))
        })
    }

    fn publish(&self, event: ExternalEvent) -> Later<'static, Published> {
        let published = self.put(event);
        Box::pin(async move { published })
    }

    fn request(&self, event: ExternalEvent, _: Duration) -> Later<'static, (Published, Option<Outcome>)> {
        let tenant = event.tenant.clone();
        let done = self.put(event).and_then(|published| {
            let event = self.event(&tenant, &published.id)?.ok_or_else(|| refusal(ErrorCode::NotFound))?;
            Ok((published, Some(Outcome::Ok(event))))
        });
        Box::pin(async move { done })
    }

    fn outcome<'a>(&'a self, tenant: &'a TenantId, event: &'a str, _: Duration) -> Later<'a, Outcome> {
        Box::pin(async move {
            let event = self.event(tenant, event)?.ok_or_else(|| refusal(ErrorCode::NotFound))?;
            Ok(Outcome::Ok(event))
        })
    }

    fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<Arc<Event>>, HostError> {
        let log = self.log.lock().expect("lock");
        Ok(log.iter().find(|event| event.tenant == *tenant && event.id.as_str() == id).cloned())
    }

    fn events(&self, query: EventQuery) -> Result<EventsPage<Arc<Event>>, HostError> {
        let log = self.log.lock().expect("lock");
        let wanted = |event: &&Arc<Event>| {
            event.sequence > query.after
                && query.before.is_none_or(|before| event.sequence < before)
                && query.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant)
                && query.topic.as_ref().is_none_or(|topic| topic.matches(event.topic.as_str()))
        };
        let newest = log.iter().rev().filter(wanted).cloned();
        let oldest = log.iter().filter(wanted).cloned();
        let mut events: Vec<_> = if query.newest_first { newest.collect() } else { oldest.collect() };
        let whole = events.len();
        let (mut left, bytes) = (query.bytes.unwrap_or(u64::MAX), |event: &Event| memory::of(&event.payload));
        events.truncate(query.limit);
        let fits = events.iter().position(|event| {
            let is_full = left == 0;
            left = left.saturating_sub(bytes(event));
            is_full
        });
        events.truncate(fits.unwrap_or(events.len()));
        let is_cut = events.len() < whole;
        let next = events.last().filter(|_| is_cut).map(|event| event.sequence);
        Ok(EventsPage { events, next })
    }

    fn last_sequence(&self) -> Result<Sequence, HostError> {
        Ok(Sequence(self.log.lock().expect("lock").len() as u64))
    }

    fn story(&self, tenant: &TenantId, id: &str, _: Sequence, _: usize) -> Result<Option<StoryPage>, HostError> {
        let node = |event: Arc<Event>| StoryNode { event: event.to_cloudevent(), deliveries: vec![], children: vec![] };
        Ok(self.event(tenant, id)?.map(|event| StoryPage { roots: vec![node(event)], next: None }))
    }

    fn tail(&self) -> async_broadcast::Receiver<Arc<Event>> {
        self.sender.new_receiver()
    }

    // Records need a store behind them; they are tested through the whole daemon.
    fn collections(&self) -> Vec<Collection> {
        Vec::new()
    }

    fn records<'a>(&'a self, _: RecordCaller, _: &'a str, _: RecordQuery) -> Later<'a, RecordPage> {
        Box::pin(async { Err(refusal(ErrorCode::CollectionUnknown)) })
    }

    fn record<'a>(&'a self, _: &'a RecordCaller, _: &'a str, _: &'a str, _: &'a Expansion) -> Later<'a, Value> {
        Box::pin(async { Err(refusal(ErrorCode::CollectionUnknown)) })
    }

    fn change_records<'a>(
        &'a self,
        _: RecordCaller,
        _: &'a str,
        _: Vec<RecordChange>,
        _: Option<String>,
    ) -> Later<'a, Changed> {
        Box::pin(async { Err(refusal(ErrorCode::CollectionUnknown)) })
    }

    fn reserve(&self, _: RecordCaller, _: ReserveRequest) -> Later<'_, ReservationView> {
        Box::pin(async { Err(refusal(ErrorCode::CollectionUnknown)) })
    }

    fn end_reservation(&self, _: RecordCaller, _: String, _: State) -> Later<'_, ReservationView> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn plugins(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    fn settings(&self, _: &str) -> Result<Settings, HostError> {
        Err(refusal(ErrorCode::NotFound))
    }

    fn limits(&self, _: &str) -> Result<PluginLimits, HostError> {
        Err(refusal(ErrorCode::NotFound))
    }

    fn wish(&self, _: String, _: Wish) -> Later<'_, PluginStatus> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn dead_letters(&self, _: &DeadLetterQuery, _: usize) -> Result<DeadLettersPage, HostError> {
        Ok(DeadLettersPage::default())
    }

    fn dead_letter(&self, _: &str) -> Result<DeadLetterView, HostError> {
        Err(refusal(ErrorCode::NotFound))
    }

    fn retry_dead_letter<'a>(&'a self, _: &'a str, _: Option<Value>) -> Later<'a, ()> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn retry_dead_letters<'a>(&'a self, _: &'a DeadLetterQuery) -> Later<'a, Taken> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn drop_dead_letter<'a>(&'a self, _: &'a str) -> Later<'a, ()> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn drop_dead_letters<'a>(&'a self, _: &'a DeadLetterQuery) -> Later<'a, Taken> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn replay(&self, _: ReplayRequest) -> Later<'_, Replay> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn replays(&self) -> Result<Vec<Replay>, HostError> {
        Ok(Vec::new())
    }

    fn cancel_replay<'a>(&'a self, _: &'a str) -> Later<'a, ()> {
        Box::pin(async { Err(refusal(ErrorCode::NotFound)) })
    }

    fn jobs(&self, _: &JobQuery) -> Result<JobsPage, HostError> {
        Ok(JobsPage::default())
    }

    fn job(&self, _: &str, _: Option<&TenantId>) -> Result<JobView, HostError> {
        Err(refusal(ErrorCode::NotFound))
    }

    fn schedules(&self) -> Vec<ScheduleView> {
        Vec::new()
    }

    fn run_job_now<'a>(&'a self, _: &'a str, _: Option<&'a TenantId>, _: Value) -> Later<'a, Vec<String>> {
        Box::pin(async { Ok(vec!["made".to_owned()]) })
    }

    fn cancel_job<'a>(&'a self, _: &'a str, _: Option<&'a TenantId>) -> Later<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn compact(&self) -> Later<'_, Compaction> {
        Box::pin(async { Ok(Compaction::default()) })
    }

    fn quotas(&self) -> Vec<QuotaView> {
        Vec::new()
    }

    fn set_quota(&self, _: String, _: Option<String>, _: Option<u64>) -> Later<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn tenant_made<'a>(&'a self, _: &'a TenantId) -> Later<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn tenant_erased<'a>(&'a self, tenant: &'a TenantId) -> Later<'a, ()> {
        let is_odd = tenant.as_str() == "odd";
        Box::pin(async move { if is_odd { Err(HostError::new(ErrorCode::StoreIo, "it is odd")) } else { Ok(()) } })
    }

    fn metrics(&self) -> HostMetrics {
        let (plugins, published, handled) = (Vec::new(), Vec::new(), Vec::new());
        HostMetrics {
            plugins,
            published,
            handled,
            reruns: 0,
            subscriptions: Vec::new(),
            quota_refusals: Vec::new(),
            subscription_limits_met: Vec::new(),
            record_changes: daemon_store::Distribution::default(),
            retention: (0, Vec::new()),
            traces: daemon_trace::Figures::default(),
        }
    }

    fn facts(&self) -> Value {
        json!({"schema": "trunkline.facts/1", "plugins": [], "facts": []})
    }
}
