//! Storms of some tenants beside calm ones. What is measured is how many events of others begin to be handled between
//! the moment a calm tenant's event is in the log and the moment its own handling begins.

use crate::dice::Dice;
use contract_model::manifest::{AfterRetries, RetryPolicy};
use contract_model::{EventHead, Millis, PluginSlug, Sequence, SubscriptionId, TenantId, TopicName, TopicPattern};
use daemon_bus::{Bus, Effect, Failure, Input, RetryRules, Subscription};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Batches handled at the same time.
const SERVERS: usize = 2;
/// Events that the calm tenants publish, one after another.
const CALM_EVENTS: u64 = 20;
/// Events of each storm.
const STORM_EVENTS: u64 = 800;

/// What a run has shown.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// The most events of others that went before one of a calm tenant.
    pub(crate) longest: usize,
    /// How many may: twice the window, for what is in hand already and a turn of each other tenant.
    pub(crate) bound: usize,
    pub(crate) calm_handled: u64,
    pub(crate) storm_handled: u64,
}

pub(crate) struct Storm {
    now_ms: u64,
    dice: Dice,
    bus: Bus,
    subscription: SubscriptionId,
    window: usize,
    /// The negative control: the bus is told that all events are of one tenant.
    one_tenant: bool,
    keys: u64,
    fails_percent: u64,
    log: Vec<(EventHead, bool)>,
    handled: BTreeSet<Sequence>,
    queue: VecDeque<Vec<(Sequence, u32)>>,
    /// Batches in hand by the time when they end.
    in_hand: Vec<(u64, Vec<(Sequence, u32)>)>,
    wake_ms: Option<u64>,
    /// Calm events that wait, and how many of others have begun since.
    calm: BTreeMap<Sequence, usize>,
    waits: Waits,
}

impl Storm {
    pub(crate) fn new(seed: u64, one_tenant: bool) -> Self {
        let mut dice = Dice::new(seed);
        let plugin = PluginSlug::new("plugin").expect("a slug");
        let subscription = SubscriptionId::new(&plugin, "h");
        let window = 8 + usize::try_from(dice.below(56)).expect("small");
        let keys = if dice.percent(30) { 1 } else { 1 + dice.below(60) };
        let fails_percent = if dice.percent(40) { 20 } else { 0 };
        let mut spec = Subscription::new(subscription.clone(), vec![TopicPattern::new("**").expect("a pattern")]);
        spec.window = window;
        spec.concurrency = dice.percent(50).then(|| 1 + u32::try_from(dice.below(4)).expect("small"));
        let otherwise =
            RetryPolicy { attempts: 3, backoff: Millis(5), cap: Millis(50), then: AfterRetries::DeadLetter };
        spec.retry = RetryRules { rules: Vec::new(), otherwise };
        let mut storm = Self {
            now_ms: 0,
            dice,
            bus: Bus::new(seed),
            subscription,
            window,
            one_tenant,
            keys,
            fails_percent,
            log: Vec::new(),
            handled: BTreeSet::new(),
            queue: VecDeque::new(),
            in_hand: Vec::new(),
            wake_ms: None,
            calm: BTreeMap::new(),
            waits: Waits { bound: 2 * window, ..Waits::default() },
        };
        // Half of the storms are a backlog that lies in the log before anybody subscribes.
        let storms = 1 + storm.dice.below(3);
        let is_backlog = storm.dice.percent(50);
        let subscribe = Input::Subscribe { subscription: spec, cursor: Sequence(0), retries: vec![], parked: vec![] };
        if !is_backlog {
            storm.tell(subscribe.clone());
        }
        for _ in 0..STORM_EVENTS {
            for number in 0..storms {
                let head = storm.publish(&format!("storm{number}"), false);
                if !is_backlog {
                    storm.tell(Input::Appended { head, unwanted: vec![] });
                }
            }
        }
        if is_backlog {
            storm.publish("calm0", true);
            storm.tell(subscribe);
        }
        storm
    }

    /// Runs until everything is handled or dead.
    pub(crate) fn run(mut self) -> Result<Waits, String> {
        let mut calm_left = CALM_EVENTS;
        for _ in 0..1_000_000 {
            if self.calm.is_empty() && calm_left > 0 && self.dice.percent(10) {
                calm_left -= 1;
                let tenant = format!("calm{}", self.dice.below(2));
                let head = self.publish(&tenant, true);
                self.tell(Input::Appended { head, unwanted: vec![] });
            }
            self.serve();
            if calm_left == 0 && self.handled.len() == self.log.len() {
                return Ok(self.waits);
            }
            self.now_ms += 1;
            if self.wake_ms.is_some_and(|at| at <= self.now_ms) {
                self.wake_ms = None;
                self.tell(Input::Tick);
            }
        }
        Err(format!("{} of {} were handled, and nothing goes on", self.handled.len(), self.log.len()))
    }

    fn publish(&mut self, tenant: &str, calm: bool) -> EventHead {
        let sequence = Sequence(self.log.len() as u64 + 1);
        let key = format!("k{}", self.dice.below(self.keys));
        let (tenant, key) =
            if self.one_tenant { ("all".to_owned(), format!("{tenant}/{key}")) } else { (tenant.to_owned(), key) };
        let head = EventHead {
            sequence,
            tenant: TenantId::new(&tenant).expect("a tenant"),
            topic: TopicName::new("gl.a").expect("a topic"),
            key,
            due_ms: None,
            expires_ms: None,
            // Storms are loud: their events want to be first.
            priority: if calm { 0 } else { 5 },
            attempts_max: None,
        };
        self.log.push((head.clone(), calm));
        if calm {
            self.calm.insert(sequence, 0);
        }
        head
    }

    /// Ends what has run long enough, and begins what waits.
    fn serve(&mut self) {
        let now = self.now_ms;
        let (ended, running): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.in_hand).into_iter().partition(|(ends, _)| *ends <= now);
        self.in_hand = running;
        for (_, batch) in ended {
            self.answer(batch);
        }
        while self.in_hand.len() < SERVERS
            && let Some(batch) = self.queue.pop_front()
        {
            for (sequence, _) in &batch {
                self.begin(*sequence);
            }
            self.in_hand.push((now + batch.len() as u64, batch));
        }
    }

    fn begin(&mut self, sequence: Sequence) {
        if let Some(waited) = self.calm.remove(&sequence) {
            self.waits.longest = self.waits.longest.max(waited);
        }
        self.calm.values_mut().for_each(|waited| *waited += 1);
    }

    fn answer(&mut self, batch: Vec<(Sequence, u32)>) {
        let mut failed = false;
        for (sequence, _) in batch {
            let subscription = self.subscription.clone();
            let calm = self.log[usize::try_from(sequence.0 - 1).expect("small")].1;
            if failed {
                self.tell(Input::NotRun { subscription, sequence });
                continue;
            }
            failed = !calm && self.dice.percent(self.fails_percent);
            if failed {
                let (error, failure) = ("no luck".to_owned(), Failure::Counted);
                self.tell(Input::Failed { subscription, sequence, error, failure });
                continue;
            }
            self.handled.insert(sequence);
            *(if calm { &mut self.waits.calm_handled } else { &mut self.waits.storm_handled }) += 1;
            self.tell(Input::Done { subscription, sequence });
        }
    }

    /// Reads of the log are answered at once, as by a host that reads faster than handlers run.
    fn tell(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.bus.step(self.now_ms, input) {
                match effect {
                    Effect::Deliver { batch, .. } => self.queue.push_back(batch),
                    Effect::Load { ticket, tenant, after, limit, .. } => {
                        inputs.push_back(self.load(ticket, tenant.as_ref(), after, limit));
                    }
                    Effect::DeadLetter { sequence, .. } => drop(self.handled.insert(sequence)),
                    Effect::Wake { at_ms } => self.wake_ms = Some(at_ms),
                    Effect::Retry { .. }
                    | Effect::Cursor { .. }
                    | Effect::Refused { .. }
                    | Effect::NotParked { .. }
                    | Effect::ReadingWaits { .. } => {}
                }
            }
            let pending = self.bus.gauges(&self.subscription).unwrap_or_default().pending;
            assert!(pending <= self.window, "{pending} events are held in a window of {}", self.window);
        }
    }

    fn load(&self, ticket: u64, tenant: Option<&TenantId>, after: Sequence, limit: usize) -> Input {
        let after_it = &self.log[usize::try_from(after.0).expect("small")..];
        let open = after_it.iter().map(|(head, _)| head).filter(|head| {
            tenant.is_none_or(|tenant| *tenant == head.tenant) && !self.handled.contains(&head.sequence)
        });
        let heads: Vec<_> = open.take(limit).cloned().collect();
        let more = heads.len() == limit;
        let end = Sequence(self.log.len() as u64);
        let through = heads.last().filter(|_| more).map_or(end, |head| head.sequence);
        Input::Loaded { subscription: self.subscription.clone(), ticket, heads, through, more }
    }
}
