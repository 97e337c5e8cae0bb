//! A rehearsal: the same host with a clock that stands still, chance that repeats itself, one handler at a time, and
//! deliveries that can be kept back, doubled and delayed. Tests of plugins drive it.
//!
//! The bus, the store and the workers are those of a service; only when and how often a delivery comes is played with.

use crate::api::{HostError, Published};
use crate::asks::append;
use crate::chance;
use crate::clock;
use crate::contracts::{Contracts, SuiteTerms};
use crate::host::{Host, Inner};
use crate::outside::Outside;
use crate::plugin::{load_frame, modules};
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use crate::stamp::{Cause, Wanted, stamp};
use crate::usage::Registration;
use contract_model::filter::Query;
use contract_model::ids::ulid;
use contract_model::topic::JOBS_NAMESPACE;
use contract_model::{ErrorCode, RecordId, Sequence, SubscriptionId, TenantId, TopicPattern};
use contract_parse::{ParsedPlugin, PluginSource, SourceFile, module_graph};
use daemon_bus::Lane;
use daemon_frame::ToWorker;
use daemon_store::{ReadSet, Record, Scope, Unit, Write};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Failures of handlers that are kept between two questions of a test.
const FAILED_MAX: usize = 100;

/// What a rehearsal begins with.
pub struct Rehearsal {
    /// Plugins whose contracts are known, but whose code takes no part.
    pub others: Vec<ParsedPlugin>,
    /// Where the clock stands, milliseconds since 1970.
    pub now_ms: u64,
    /// Decides ids and the jitter of retries.
    pub seed: u64,
    /// Stands for the hosts that plugins fetch from.
    pub outside: Arc<Outside>,
    /// Settings that an operator has set before anything starts, by the plugin's slug.
    pub settings: BTreeMap<String, Map<String, Value>>,
}

/// An event as another plugin would publish it.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The topic.
    pub topic: String,
    /// The payload; it must fit the topic's schema.
    pub payload: Value,
    /// The plugin that publishes it, or `rest:<user>`; else the topic's owner.
    pub from: Option<String>,
    /// The id of the event that it answers.
    pub reply_to: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its key, where it is not the contract's.
    pub key: Option<String>,
    /// Its idempotency key, where it is not the contract's.
    pub idempotency_key: Option<String>,
    /// Milliseconds before it is delivered.
    pub delay_ms: u64,
    /// Its headers.
    pub headers: Map<String, Value>,
}

/// What is done with deliveries of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Hold,
    Twice,
    Late(u64),
}

/// A delivery as the bus asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) subscription: SubscriptionId,
    pub(crate) lane: Arc<Lane>,
    pub(crate) batch: Vec<(Sequence, u32)>,
    pub(crate) again: bool,
}

/// What stands between the bus and the workers in a rehearsal.
pub(crate) struct Stage {
    turn: Semaphore,
    given_up: Notify,
    gate: Mutex<Gate>,
    pub(crate) others: Vec<ParsedPlugin>,
    pub(crate) outside: Arc<Outside>,
}

#[derive(Default)]
struct Gate {
    rules: Vec<(Option<TopicPattern>, Doing)>,
    /// Kept back until they are released, or until a time.
    kept: Vec<(Option<u64>, Delivery)>,
    /// What handlers of events failed with, until somebody takes it.
    failed: Vec<String>,
}

impl Stage {
    /// Sets the clock and chance of this process.
    pub(crate) fn set(rehearsal: Rehearsal) -> Self {
        let Rehearsal { others, now_ms, seed, outside, settings: _ } = rehearsal;
        clock::stand_at(now_ms);
        chance::repeat(seed);
        Self { turn: Semaphore::new(1), given_up: Notify::new(), gate: Mutex::default(), others, outside }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other worker runs: whoever asks first comes first.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turn.acquire().await.ok()
    }

    /// Takes note of a handler that failed.
    pub(crate) fn failed(&self, what: String) {
        let failed = &mut self.gate().failed;
        if failed.len() < FAILED_MAX {
            failed.push(what);
        }
    }

    /// Delivers, or does what the rules say.
    pub(crate) fn deliver(&self, inner: &Arc<Inner>, delivery: Delivery) {
        match self.doing(inner, &delivery) {
            None => hand(inner, delivery),
            Some(Doing::Hold) => self.gate().kept.push((None, delivery)),
            Some(Doing::Late(by)) => self.gate().kept.push((Some(clock::now_ms().saturating_add(by)), delivery)),
            Some(Doing::Twice) => {
                hand(inner, delivery.clone());
                hand(inner, delivery);
            }
        }
    }

    /// The last rule that one of the delivery's events falls under.
    fn doing(&self, inner: &Arc<Inner>, delivery: &Delivery) -> Option<Doing> {
        let rules = self.gate().rules.clone();
        if rules.is_empty() {
            return None;
        }
        let events: Vec<_> = delivery.batch.iter().filter_map(|(sequence, _)| inner.event_at(*sequence)).collect();
        let falls = |topic: &Option<TopicPattern>| {
            topic.as_ref().is_none_or(|topic| events.iter().any(|event| topic.matches(event.topic.as_str())))
        };
        rules.iter().rev().find(|(topic, _)| falls(topic)).map(|(_, doing)| *doing)
    }

    fn kept_events(&self) -> usize {
        self.gate().kept.iter().map(|(_, delivery)| delivery.batch.len()).sum()
    }

    fn next_late(&self) -> Option<u64> {
        self.gate().kept.iter().filter_map(|(due, _)| *due).min()
    }

    fn take(&self, wanted: impl Fn(Option<u64>) -> bool) -> Vec<Delivery> {
        let mut gate = self.gate();
        let (taken, kept) = std::mem::take(&mut gate.kept).into_iter().partition(|(due, _)| wanted(*due));
        gate.kept = kept;
        let taken: Vec<(Option<u64>, Delivery)> = taken;
        taken.into_iter().map(|(_, delivery)| delivery).collect()
    }
}

fn hand(inner: &Arc<Inner>, delivery: Delivery) {
    let Delivery { subscription, lane, batch, again } = delivery;
    inner.deliver(&subscription, &lane.key, batch, again);
}

impl Inner {
    /// What is waited for, unless the waiting is given up.
    pub(crate) async fn in_time<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        let Some(stage) = &self.stage else { return Some(waiting.await) };
        tokio::select! {
            waited = waiting => Some(waited),
            () = stage.given_up.notified() => None,
        }
    }
}

impl Host {
    /// Ends the waiting for outcomes as their timeouts would, which are real time and nothing else is.
    pub fn give_up_waiting(&self) -> Result<(), HostError> {
        self.stage()?.given_up.notify_waiters();
        Ok(())
    }

    /// What handlers of events failed with since this was last asked, first ones first.
    pub fn take_failed(&self) -> Vec<String> {
        self.0.stage.as_ref().map(|stage| std::mem::take(&mut stage.gate().failed)).unwrap_or_default()
    }

    fn stage(&self) -> Result<&Stage, HostError> {
        let served = || HostError::new(ErrorCode::Internal, "a daemon that serves cannot be rehearsed with");
        self.0.stage.as_ref().ok_or_else(served)
    }

    /// Waits until everything that is due has been handled.
    pub async fn settled(&self) {
        let mut quiet = 0;
        while quiet < 3 {
            let due = |at: Option<u64>| at.is_some_and(|at| at <= clock::now_ms());
            if due(self.0.conductor.wake_at_ms()) {
                self.0.tick();
            }
            if let Some(stage) = &self.0.stage {
                for delivery in stage.take(due) {
                    hand(&self.0, delivery);
                }
            }
            quiet = if self.is_quiet() { quiet + 1 } else { 0 };
            tokio::time::sleep(Duration::from_micros(if quiet > 0 { 50 } else { 500 })).await;
        }
    }

    fn is_quiet(&self) -> bool {
        let kept = self.0.stage.as_ref().map_or(0, Stage::kept_events);
        let is_told = self.0.telling.load(Ordering::SeqCst) == 0;
        is_told && self.0.conductor.in_flight() <= kept && self.0.pools().iter().all(|pool| pool.is_resting())
    }

    /// Lets time go by, stopping at each moment at which something comes due.
    pub async fn advance(&self, by_ms: u64) -> Result<u64, HostError> {
        let stage = self.stage()?;
        let until = clock::now_ms().saturating_add(by_ms);
        self.settled().await;
        loop {
            let next = [self.0.conductor.wake_at_ms(), stage.next_late()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            clock::stand_at(next.max(clock::now_ms()));
            self.settled().await;
        }
        clock::stand_at(until);
        self.settled().await;
        Ok(until)
    }

    /// Milliseconds since 1970, as handlers are told.
    pub fn now_ms(&self) -> u64 {
        clock::now_ms()
    }

    /// How far everything stored has come: it is another after each change.
    pub fn position(&self) -> Result<u64, HostError> {
        Ok(self.0.view()?.position())
    }

    /// Whether any topic of the suite, or of the daemon's own, falls under a pattern.
    pub fn has_topic(&self, pattern: &TopicPattern) -> bool {
        let (contracts, first) = (self.0.contracts(), pattern.as_str().split('.').next());
        first == Some(JOBS_NAMESPACE) || contracts.names().any(|name| pattern.matches(name.as_str()))
    }

    /// Keeps deliveries of a topic back from now on; of all topics without one.
    pub fn hold(&self, topic: Option<TopicPattern>) -> Result<(), HostError> {
        self.rule(topic, Doing::Hold)
    }

    /// Delivers each event of a topic twice from now on.
    pub fn duplicate(&self, topic: Option<TopicPattern>) -> Result<(), HostError> {
        self.rule(topic, Doing::Twice)
    }

    /// Delivers events of a topic so much later from now on.
    pub fn slow(&self, topic: Option<TopicPattern>, by_ms: u64) -> Result<(), HostError> {
        self.rule(topic, Doing::Late(by_ms))
    }

    fn rule(&self, topic: Option<TopicPattern>, doing: Doing) -> Result<(), HostError> {
        self.stage()?.gate().rules.push((topic, doing));
        Ok(())
    }

    /// Delivers what is kept back, the last lane first where it is to be reversed, and keeps nothing back any more.
    /// Gives how many deliveries it were.
    pub fn release(&self, reversed: bool) -> Result<usize, HostError> {
        let stage = self.stage()?;
        stage.gate().rules.retain(|(_, doing)| *doing != Doing::Hold);
        let mut held = stage.take(|due| due.is_none());
        if reversed {
            held.reverse();
        }
        let count = held.len();
        for delivery in held {
            hand(&self.0, delivery);
        }
        Ok(count)
    }

    /// Everything that the plugins have registered, with their slugs.
    pub fn registrations(&self) -> Vec<(String, Vec<Registration>)> {
        let one = |pool: &Arc<Pool>| {
            (pool.plugin.slug().to_owned(), pool.plugin.meter.usage.registrations(pool.registered()))
        };
        self.0.pools().iter().map(one).collect()
    }

    /// Publishes an event on behalf of another plugin.
    pub fn give(&self, tenant: &TenantId, given: Given) -> Result<Published, HostError> {
        let inner = &self.0;
        let now_ms = clock::now_ms();
        let id = given.id.unwrap_or_else(|| ulid(now_ms, chance::number()));
        let owner = given.topic.split('.').next().unwrap_or_default().to_owned();
        let from = given.from.unwrap_or(owner);
        let publisher = if from.starts_with("rest:") { from } else { format!("plugin:{from}") };
        let mut cause = Cause {
            tenant: tenant.clone(),
            publisher,
            actor: "test".to_owned(),
            roles: Vec::new(),
            correlation: id.clone(),
            causation: None,
            hops: 0,
            trace: None,
            now_ms,
        };
        if let Some(asked) = &given.reply_to {
            let missing = || HostError::new(ErrorCode::NotFound, format!("there is no event `{asked}` to reply to"));
            let request = inner.stored_event(tenant, asked)?.ok_or_else(missing)?;
            (cause.correlation, cause.causation) = (request.correlation, Some(asked.clone()));
            cause.hops = request.hops + 1;
        }
        let wanted = Wanted {
            id,
            topic: given.topic,
            payload: given.payload,
            key: given.key,
            idempotency_key: given.idempotency_key,
            delay_ms: given.delay_ms,
            headers: given.headers,
        };
        let event = stamp(&inner.contracts(), &cause, wanted)?;
        append(inner, &inner.tenant(tenant)?, event, false)
    }

    /// Stores a record as it is given, whoever may not: with its defaults, and held against its collection.
    pub fn put_record(
        &self,
        tenant: &TenantId,
        collection: &str,
        mut fields: Map<String, Value>,
    ) -> Result<Value, HostError> {
        let invalid = |why: String| HostError::new(ErrorCode::RecordInvalid, format!("{collection}: {why}"));
        let declared =
            self.0.store.collection(collection).ok_or_else(|| invalid("there is no such collection".to_owned()))?;
        let id = match fields.remove("id") {
            Some(Value::String(id)) => id,
            Some(other) => return Err(invalid(format!("the id must be a text, not {other}"))),
            None => ulid(clock::now_ms(), chance::number()),
        };
        for name in contract_model::collection::AUTOMATIC_FIELDS {
            fields.remove(name);
        }
        declared
            .validate(&mut fields)
            .map_err(|errors| invalid(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        let scope = Scope::Tenant(self.0.tenant(tenant)?);
        let failed = |error| store_error(&error);
        let stored = self.0.view()?.get(&scope, collection, &id).map_err(failed)?.map(Record::into_value);
        let base_revision = stored.and_then(|record| record["revision"].as_u64()).unwrap_or(0);
        let record_id = RecordId::new(&id).map_err(|error| invalid(error.to_string()))?;
        let mut unit = Unit::new(self.0.tenant(tenant)?, clock::now_ms());
        unit.writes.push(Write::Put {
            collection: collection.to_owned(),
            id: record_id,
            record: fields,
            base_revision,
        });
        self.0.decide(unit, ReadSet::default()).map_err(|error| refused(&error))?;
        let stored = self.0.view()?.get(&scope, collection, &id).map_err(failed)?;
        Ok(stored.map_or(Value::Null, Record::into_value))
    }

    /// Records of any collection.
    pub fn find_records(&self, tenant: &TenantId, collection: &str, query: &Query) -> Result<Vec<Value>, HostError> {
        let scope = Scope::Tenant(self.0.tenant(tenant)?);
        let page = self.0.view()?.find(&scope, collection, query).map_err(|error| store_error(&error))?;
        Ok(page.items.into_iter().map(Record::into_value).collect())
    }
}

/// The frame that loads a file of tests of one of these plugins into a worker.
pub fn file_of_tests(plugins: &[ParsedPlugin], slug: &str, file: &str) -> Result<Vec<u8>, HostError> {
    let invalid = |why: String| HostError::new(ErrorCode::PluginInvalid, why);
    let own = |plugin: &&ParsedPlugin| plugin.manifest.as_ref().is_some_and(|it| it.slug.value.as_str() == slug);
    let parsed = plugins.iter().find(own).ok_or_else(|| invalid(format!("there is no plugin `{slug}`")))?;
    let manifest = parsed.manifest.as_ref().ok_or_else(|| invalid(format!("`{slug}` has no readable plugin.yaml")))?;
    let contracts = Contracts::gather(plugins, SuiteTerms::default())?;
    let mut load = load_frame(parsed, manifest, &contracts, &crate::settings::Said::default())?;
    let files = parsed.texts.iter().map(|(path, text)| SourceFile { path: path.clone(), text: text.clone() });
    let source = PluginSource { folder: parsed.folder.clone(), files: files.collect() };
    load.modules = modules(parsed, &module_graph(&source, file))?;
    file.clone_into(&mut load.entry);
    load.rehearses = true;
    // What the code promised of its topics is no promise of its tests.
    (load.promised_publishes, load.promised_consumes) = (None, None);
    daemon_frame::encode(&ToWorker::Load(Box::new(load))).map_err(|error| invalid(error.to_string()))
}
