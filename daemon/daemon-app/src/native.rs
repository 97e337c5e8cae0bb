//! What `bench` measures the bus by: `trunkline native-handler FOLDER`, a handler in Rust over the bus and the store.
//!
//! Asked line by line on standard input: `publish N` and `deliver N` do so many events, `state` tells what there is. Each
//! is answered by a line of JSON. What is said to be done is on disk, and never more than a window of it is not.

use anyhow::{Context, Result, bail, ensure};
use contract_model::{Event, EventId, PluginSlug, Sequence, SubscriptionId, TenantId, TopicName};
use daemon_bus::transport::{Commit, Committed, Note, PageWanted, Transport};
use daemon_bus::{Bus, Effect, Gauges, Input, Subscription};
use daemon_host::Embedded;
use daemon_store::{Options, Store};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const TENANT: &str = "bench";
const TOPIC: &str = "bench.item.added";
/// Events that are published or acknowledged before the disk is waited for.
const WINDOW: u64 = 256;
/// Events of a key are handled in order; so many keys go on beside each other.
const KEYS: u64 = 1_024;
const NOTE_BYTES: usize = 200;

/// Answers until the input ends.
pub(crate) fn run(folder: &Path, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut native = Native::open(folder).await?;
        let mut line = String::new();
        while input.read_line(&mut line)? > 0 {
            let answer = native.answer(line.trim()).await?;
            writeln!(out, "{answer}")?;
            out.flush()?;
            line.clear();
        }
        Ok(())
    })
}

struct Native {
    to: Embedded,
    tenant: TenantId,
    topic: TopicName,
    subscription: Subscription,
    bus: Bus,
    inputs: VecDeque<Input>,
    /// Handed out by the bus and not yet handled.
    waiting: VecDeque<Sequence>,
    /// What the handler makes of the events.
    amounts: u64,
}

impl Native {
    async fn open(folder: &Path) -> Result<Self> {
        let store = Store::open(folder, Options::default())?;
        let tenant = TenantId::new(TENANT)?;
        if store.tenant(&tenant).is_none() {
            store.create_tenant(&tenant, TENANT)?;
        }
        let topic = TopicName::new(TOPIC)?;
        let id = SubscriptionId::new(&PluginSlug::new("bench")?, "native");
        let subscription = Subscription::new(id, vec![topic.clone().into()]);
        let to = Embedded::new(store);
        let standing = to.standing(subscription.id.clone()).await?;
        let (cursor, retries) = (standing.cursor, standing.retries);
        let begin = Input::Subscribe { subscription: subscription.clone(), cursor, retries, parked: Vec::new() };
        let (bus, inputs, waiting) = (Bus::new(1), VecDeque::from([begin]), VecDeque::new());
        let mut native = Self { to, tenant, topic, subscription, bus, inputs, waiting, amounts: 0 };
        native.go_on().await?;
        Ok(native)
    }

    async fn answer(&mut self, asked: &str) -> Result<Value> {
        let begun = Instant::now();
        let count = match asked.split_once(' ') {
            None if asked == "state" => return self.state().await,
            Some(("publish", count)) => self.publish(count.parse()?).await?,
            Some(("deliver", count)) => self.deliver(count.parse()?).await?,
            _ => bail!("`{asked}` is not known; it is `publish N`, `deliver N` or `state`"),
        };
        Ok(json!({"events": count, "seconds": begun.elapsed().as_secs_f64()}))
    }

    async fn state(&self) -> Result<Value> {
        let Gauges { pending, behind, .. } = self.bus.gauges(&self.subscription.id).unwrap_or_default();
        let end = self.to.log_end().await?.0;
        let wanted = PageWanted {
            subscription: self.subscription.id.clone(),
            patterns: self.subscription.patterns.clone(),
            tenant: None,
            after: Sequence(0),
            limit: 1,
        };
        let open = self.to.page(wanted).await?.heads.first().map_or(0, |head| end - head.sequence.0 + 1);
        Ok(json!({"end": end, "open": open, "held": pending, "behind": behind, "own_mib": own_mib()?}))
    }

    async fn publish(&mut self, count: u64) -> Result<u64> {
        let first = self.to.log_end().await?.0;
        for number in 1..=count {
            let event = self.event(first + number)?;
            let commit = Commit { tenant: Some(self.tenant.clone()), events: vec![event.clone()], ..Commit::default() };
            let Committed::Done(sequences) = self.to.commit(commit).await? else { bail!("an event is there already") };
            let heads = sequences.into_iter().map(|sequence| Event { sequence, ..event.clone() }.head());
            self.inputs.extend(heads.map(|head| Input::Appended { head, unwanted: Vec::new() }));
            self.go_on().await?;
            if number.is_multiple_of(WINDOW) {
                self.to.synced().await?;
            }
        }
        self.to.synced().await?;
        Ok(count)
    }

    async fn deliver(&mut self, count: u64) -> Result<u64> {
        for number in 1..=count {
            let sequence =
                self.waiting.pop_front().with_context(|| format!("nothing is left after {number} events"))?;
            let event = self.to.event(sequence).await?.with_context(|| format!("event {sequence} is gone"))?;
            self.handle(&event);
            let subscription = self.subscription.id.clone();
            let commit = Commit { handled: Some((subscription.clone(), sequence)), ..Commit::default() };
            ensure!(self.to.commit(commit).await? == Committed::Done(Vec::new()), "{sequence} was handled before");
            self.inputs.push_back(Input::Done { subscription, sequence });
            self.go_on().await?;
            if number.is_multiple_of(WINDOW) {
                self.to.synced().await?;
            }
        }
        self.to.synced().await?;
        Ok(count)
    }

    /// As little as a handler can do that reads its event.
    fn handle(&mut self, event: &Event) {
        self.amounts = self.amounts.wrapping_add(event.payload["amount"].as_u64().unwrap_or(0));
    }

    /// Steps the bus until it has nothing more to say.
    async fn go_on(&mut self) -> Result<()> {
        while let Some(input) = self.inputs.pop_front() {
            for effect in self.bus.step(now_ms(), input) {
                self.carry_out(effect).await?;
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<()> {
        match effect {
            Effect::Deliver { batch, .. } => self.waiting.extend(batch.into_iter().map(|(sequence, _)| sequence)),
            Effect::Load { subscription, ticket, tenant, after, limit } => {
                let patterns = self.subscription.patterns.clone();
                let wanted = PageWanted { subscription: subscription.clone(), patterns, tenant, after, limit };
                let page = self.to.page(wanted).await?;
                let (heads, through, more) = (page.heads, page.through, page.more);
                self.inputs.push_back(Input::Loaded { subscription, ticket, heads, through, more });
            }
            Effect::Cursor { subscription, through } => {
                let notes = vec![Note::Cursor(subscription, through)];
                self.to.commit(Commit { notes, ..Commit::default() }).await?;
            }
            Effect::Retry { .. } | Effect::DeadLetter { .. } | Effect::NotParked { .. } | Effect::Refused { .. } => {
                bail!("nothing fails here")
            }
            // What it would be woken for is a cursor; the events to come move that, too.
            Effect::Wake { .. } | Effect::ReadingWaits { .. } => {}
        }
        Ok(())
    }

    fn event(&self, number: u64) -> Result<Event> {
        let note = "x".repeat(NOTE_BYTES);
        Ok(Event {
            id: EventId::new(&format!("item-{number}"))?,
            sequence: Sequence(0),
            topic: self.topic.clone(),
            tenant: self.tenant.clone(),
            publisher: "rest:bench".to_owned(),
            actor: String::new(),
            roles: Vec::new(),
            time_ms: now_ms(),
            correlation: format!("item-{number}"),
            causation: None,
            hops: 0,
            key: (number % KEYS).to_string(),
            idempotency_key: None,
            trace: None,
            due_ms: None,
            expires_ms: None,
            headers: serde_json::Map::new(),
            payload: json!({"id": format!("{number:08}"), "amount": number, "note": note}),
        })
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Memory in MiB that is this process's own: without what it maps of the store's file, which the system takes back when
/// it needs the room.
fn own_mib() -> Result<f64> {
    let sums = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = sums.lines().find_map(|line| line.strip_prefix("Anonymous:")).context("Anonymous in smaps_rollup")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes / 1024.0)
}
