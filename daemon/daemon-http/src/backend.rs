//! What HTTP needs of the host, as a trait so that the whole face can be tested without workers.

use contract_model::collection::Collection;
use contract_model::reservation::State;
use contract_model::{ErrorCode, Event, Sequence, TenantId};
use daemon_host::{
    Changed, Compaction, DeadLetterQuery, DeadLetterView, DeadLettersPage, EventQuery, EventsPage, Expansion,
    ExternalEvent, Host, HostError, HostMetrics, JobQuery, JobView, JobsPage, Outcome, PluginLimits, PluginStatus,
    Published, QuotaView, RecordCaller, RecordChange, RecordPage, RecordQuery, Replay, ReplayRequest, ReservationView,
    ReserveRequest, RouteSet, ScheduleView, Settings, StoryPage, Taken, VerbReply, VerbRequest, Wish,
};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

type Later<'a, T> = BoxFuture<'a, Result<T, HostError>>;

/// The host as HTTP sees it. Every method answers as the method of the same name of [`Host`].
pub trait Backend: Send + Sync + 'static {
    /// The mounted routes.
    fn routes(&self) -> Arc<RouteSet>;
    /// Enqueues a verb call at once, so that calls submitted in order keep their order.
    fn submit(&self, request: VerbRequest) -> Later<'static, VerbReply>;
    /// Publishes an event from outside. It is put into the log at once, so that events published in order keep their order.
    fn publish(&self, event: ExternalEvent) -> Later<'static, Published>;
    /// Publishes an event, as [`Backend::publish`] does, and waits for its outcome, which only a request has.
    fn request(&self, event: ExternalEvent, wait: Duration) -> Later<'static, (Published, Option<Outcome>)>;
    /// What became of a request; waits for at most `wait`.
    fn outcome<'a>(&'a self, tenant: &'a TenantId, event: &'a str, wait: Duration) -> Later<'a, Outcome>;
    /// One event.
    fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<Arc<Event>>, HostError>;
    /// A page of the log.
    fn events(&self, query: EventQuery) -> Result<EventsPage<Arc<Event>>, HostError>;
    /// The last position of the log.
    fn last_sequence(&self) -> Result<Sequence, HostError>;
    /// A page of the story an event belongs to.
    fn story(&self, tenant: &TenantId, id: &str, after: Sequence, limit: usize)
    -> Result<Option<StoryPage>, HostError>;
    /// Synced events as they come.
    fn tail(&self) -> async_broadcast::Receiver<Arc<Event>>;
    /// The collections of the plugins that are running.
    fn collections(&self) -> Vec<Collection>;
    /// Records that the caller may list.
    fn records<'a>(&'a self, by: RecordCaller, collection: &'a str, query: RecordQuery) -> Later<'a, RecordPage>;
    /// One record that the caller may view.
    fn record<'a>(
        &'a self,
        by: &'a RecordCaller,
        collection: &'a str,
        id: &'a str,
        expand: &'a Expansion,
    ) -> Later<'a, Value>;
    /// Does all operations or none.
    fn change_records<'a>(
        &'a self,
        by: RecordCaller,
        collection: &'a str,
        changes: Vec<RecordChange>,
        key: Option<String>,
    ) -> Later<'a, Changed>;
    /// Takes an amount out of a record's field for a time.
    fn reserve(&self, by: RecordCaller, wanted: ReserveRequest) -> Later<'_, ReservationView>;
    /// Ends a reservation.
    fn end_reservation(&self, by: RecordCaller, id: String, end: State) -> Later<'_, ReservationView>;
    /// The loaded plugins.
    fn plugins(&self) -> Vec<PluginStatus>;
    /// The settings of a plugin.
    fn settings(&self, slug: &str) -> Result<Settings, HostError>;
    /// The limits of a plugin's calls.
    fn limits(&self, slug: &str) -> Result<PluginLimits, HostError>;
    /// Does what an operator wants of a plugin.
    fn wish(&self, slug: String, wish: Wish) -> Later<'_, PluginStatus>;
    /// A page of dead letters.
    fn dead_letters(&self, query: &DeadLetterQuery, limit: usize) -> Result<DeadLettersPage, HostError>;
    /// One dead letter.
    fn dead_letter(&self, id: &str) -> Result<DeadLetterView, HostError>;
    /// Offers the event of a dead letter again.
    fn retry_dead_letter<'a>(&'a self, id: &'a str, payload: Option<Value>) -> Later<'a, ()>;
    /// Offers the events of many again.
    fn retry_dead_letters<'a>(&'a self, query: &'a DeadLetterQuery) -> Later<'a, Taken>;
    /// Gives a dead letter up.
    fn drop_dead_letter<'a>(&'a self, id: &'a str) -> Later<'a, ()>;
    /// Gives many up.
    fn drop_dead_letters<'a>(&'a self, query: &'a DeadLetterQuery) -> Later<'a, Taken>;
    /// Begins a replay.
    fn replay(&self, request: ReplayRequest) -> Later<'_, Replay>;
    /// The replays that have not ended.
    fn replays(&self) -> Result<Vec<Replay>, HostError>;
    /// Ends a replay.
    fn cancel_replay<'a>(&'a self, id: &'a str) -> Later<'a, ()>;
    /// The quotas in force.
    fn quotas(&self) -> Vec<QuotaView>;
    /// Sets a quota, or takes it back.
    fn set_quota(&self, name: String, of: Option<String>, value: Option<u64>) -> Later<'_, ()>;
    /// The jobs.
    fn jobs(&self, query: &JobQuery) -> Result<JobsPage, HostError>;
    /// One job.
    fn job(&self, id: &str, tenant: Option<&TenantId>) -> Result<JobView, HostError>;
    /// The schedules.
    fn schedules(&self) -> Vec<ScheduleView>;
    /// Enqueues a job for now.
    fn run_job_now<'a>(&'a self, name: &'a str, tenant: Option<&'a TenantId>, args: Value) -> Later<'a, Vec<String>>;
    /// Ends a job that has not ended.
    fn cancel_job<'a>(&'a self, id: &'a str, tenant: Option<&'a TenantId>) -> Later<'a, ()>;
    /// A tenant was made: what plugins have for each tenant begins.
    fn tenant_made<'a>(&'a self, tenant: &'a TenantId) -> Later<'a, ()>;
    /// A tenant was erased: what is kept of it beside the store goes.
    fn tenant_erased<'a>(&'a self, tenant: &'a TenantId) -> Later<'a, ()>;
    /// Compacts what was handled and kept long enough.
    fn compact(&self) -> Later<'_, Compaction>;
    /// The facts of what is loaded.
    fn facts(&self) -> Value;
    /// The figures of plugins and their work.
    fn metrics(&self) -> HostMetrics;
}

impl Backend for Host {
    fn routes(&self) -> Arc<RouteSet> {
        Host::routes(self)
    }
    fn submit(&self, request: VerbRequest) -> Later<'static, VerbReply> {
        Host::submit(self, request)
    }
    fn publish(&self, event: ExternalEvent) -> Later<'static, Published> {
        Box::pin(Host::publish(self, event))
    }
    fn request(&self, event: ExternalEvent, wait: Duration) -> Later<'static, (Published, Option<Outcome>)> {
        Box::pin(Host::request(self, event, wait))
    }
    fn outcome<'a>(&'a self, tenant: &'a TenantId, event: &'a str, wait: Duration) -> Later<'a, Outcome> {
        Box::pin(Host::outcome(self, tenant, event, wait))
    }
    fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<Arc<Event>>, HostError> {
        Host::event(self, tenant, id)
    }
    fn events(&self, query: EventQuery) -> Result<EventsPage<Arc<Event>>, HostError> {
        Host::events(self, &query)
    }
    fn last_sequence(&self) -> Result<Sequence, HostError> {
        Host::last_sequence(self)
    }
    fn story(
        &self,
        tenant: &TenantId,
        id: &str,
        after: Sequence,
        limit: usize,
    ) -> Result<Option<StoryPage>, HostError> {
        Host::story(self, tenant, id, after, limit)
    }
    fn tail(&self) -> async_broadcast::Receiver<Arc<Event>> {
        Host::tail(self)
    }
    fn collections(&self) -> Vec<Collection> {
        Host::collections(self)
    }
    fn records<'a>(&'a self, by: RecordCaller, collection: &'a str, query: RecordQuery) -> Later<'a, RecordPage> {
        Box::pin(Host::records(self, by, collection, query))
    }
    fn record<'a>(
        &'a self,
        by: &'a RecordCaller,
        collection: &'a str,
        id: &'a str,
        expand: &'a Expansion,
    ) -> Later<'a, Value> {
        Box::pin(Host::record(self, by, collection, id, expand))
    }
    fn change_records<'a>(
        &'a self,
        by: RecordCaller,
        collection: &'a str,
        changes: Vec<RecordChange>,
        key: Option<String>,
    ) -> Later<'a, Changed> {
        let Some(key) = key else { return Box::pin(Host::change_records(self, by, collection, changes, None)) };
        // Who repeats it under its key waits for this one, and so it must come to its end.
        let (host, collection) = (self.clone(), collection.to_owned());
        through(async move { host.change_records(by, &collection, changes, Some(key)).await })
    }
    fn reserve(&self, by: RecordCaller, wanted: ReserveRequest) -> Later<'_, ReservationView> {
        Box::pin(async move { Host::reserve(self, &by, &wanted).await })
    }
    fn end_reservation(&self, by: RecordCaller, id: String, end: State) -> Later<'_, ReservationView> {
        Box::pin(async move { Host::end_reservation(self, &by, &id, end).await })
    }
    fn plugins(&self) -> Vec<PluginStatus> {
        Host::plugins(self)
    }
    fn settings(&self, slug: &str) -> Result<Settings, HostError> {
        Host::settings(self, slug)
    }
    fn limits(&self, slug: &str) -> Result<PluginLimits, HostError> {
        Host::limits(self, slug)
    }
    fn wish(&self, slug: String, wish: Wish) -> Later<'_, PluginStatus> {
        let host = self.clone();
        through(async move { host.wish(&slug, &wish).await })
    }
    fn dead_letters(&self, query: &DeadLetterQuery, limit: usize) -> Result<DeadLettersPage, HostError> {
        Host::dead_letters(self, query, limit)
    }
    fn dead_letter(&self, id: &str) -> Result<DeadLetterView, HostError> {
        Host::dead_letter(self, id)
    }
    fn retry_dead_letter<'a>(&'a self, id: &'a str, payload: Option<Value>) -> Later<'a, ()> {
        let (host, id) = (self.clone(), id.to_owned());
        through(async move { host.retry_dead_letter(&id, payload).await })
    }
    fn retry_dead_letters<'a>(&'a self, query: &'a DeadLetterQuery) -> Later<'a, Taken> {
        let (host, query) = (self.clone(), query.clone());
        through(async move { host.retry_dead_letters(&query).await })
    }
    fn drop_dead_letter<'a>(&'a self, id: &'a str) -> Later<'a, ()> {
        let (host, id) = (self.clone(), id.to_owned());
        through(async move { host.drop_dead_letter(&id).await })
    }
    fn drop_dead_letters<'a>(&'a self, query: &'a DeadLetterQuery) -> Later<'a, Taken> {
        let (host, query) = (self.clone(), query.clone());
        through(async move { host.drop_dead_letters(&query).await })
    }
    fn replay(&self, request: ReplayRequest) -> Later<'_, Replay> {
        Box::pin(Host::replay(self, request))
    }
    fn replays(&self) -> Result<Vec<Replay>, HostError> {
        Host::replays(self)
    }
    fn cancel_replay<'a>(&'a self, id: &'a str) -> Later<'a, ()> {
        let (host, id) = (self.clone(), id.to_owned());
        through(async move { host.cancel_replay(&id).await })
    }
    fn quotas(&self) -> Vec<QuotaView> {
        Host::quotas(self)
    }
    fn set_quota(&self, name: String, of: Option<String>, value: Option<u64>) -> Later<'_, ()> {
        let host = self.clone();
        through(async move { host.set_quota(&name, of, value).await })
    }
    fn jobs(&self, query: &JobQuery) -> Result<JobsPage, HostError> {
        Host::jobs(self, query)
    }
    fn job(&self, id: &str, tenant: Option<&TenantId>) -> Result<JobView, HostError> {
        Host::job(self, id, tenant)
    }
    fn schedules(&self) -> Vec<ScheduleView> {
        Host::schedules(self)
    }
    fn run_job_now<'a>(&'a self, name: &'a str, tenant: Option<&'a TenantId>, args: Value) -> Later<'a, Vec<String>> {
        let (host, name, tenant) = (self.clone(), name.to_owned(), tenant.cloned());
        through(async move { host.run_job_now(&name, tenant.as_ref(), args).await })
    }
    fn cancel_job<'a>(&'a self, id: &'a str, tenant: Option<&'a TenantId>) -> Later<'a, ()> {
        let (host, id, tenant) = (self.clone(), id.to_owned(), tenant.cloned());
        through(async move { host.cancel_job(&id, tenant.as_ref()).await })
    }
    fn tenant_made<'a>(&'a self, tenant: &'a TenantId) -> Later<'a, ()> {
        Box::pin(Host::tenant_made(self, tenant))
    }
    fn tenant_erased<'a>(&'a self, tenant: &'a TenantId) -> Later<'a, ()> {
        Box::pin(Host::tenant_erased(self, tenant))
    }
    fn compact(&self) -> Later<'_, Compaction> {
        Box::pin(Host::compact(self))
    }
    fn facts(&self) -> Value {
        Host::facts(self)
    }
    fn metrics(&self) -> HostMetrics {
        Host::metrics(self)
    }
}

/// Does to its end what is of several steps, also when whoever asked for it goes away meanwhile.
fn through<T: Send + 'static>(work: impl Future<Output = Result<T, HostError>> + Send + 'static) -> Later<'static, T> {
    let work = tokio::spawn(work);
    Box::pin(
        async move { work.await.unwrap_or_else(|error| Err(HostError::new(ErrorCode::Internal, error.to_string()))) },
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use contract_model::PluginSlug;
    use daemon_frame::RouteOptions;
    use daemon_host::Route;
    use std::time::Duration;

    pub(crate) fn route(method: &str, path: &str) -> Route {
        Route {
            plugin: PluginSlug::new("ap").expect("slug"),
            index: 0,
            method: method.to_owned(),
            path: path.to_owned(),
            options: RouteOptions::default(),
            request: None,
            response: None,
            described: (None, None),
            deadline: Duration::from_secs(5),
            at: None,
        }
    }
}
