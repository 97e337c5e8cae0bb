//! All subscriptions together: who hears what, and one timer for all.

use crate::effect::Effect;
use crate::input::Input;
use crate::jitter::Jitter;
use crate::member::Member;
use crate::subscription::Subscription;
use contract_model::{EventHead, Sequence, SubscriptionId, TopicName};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How often all subscriptions are looked at for their cursors, in events of the log.
const CURSOR_ROUND_EVENTS: u64 = 1_024;
/// Steps come from many threads, each with its own look at the clock. One that is further behind than this was put back.
const CLOCK_BACK_MS_MIN: u64 = 1_000;
/// Topics whose listeners are remembered.
const TOPICS_REMEMBERED_MAX: usize = 4_096;

/// All subscriptions and what they hold.
#[derive(Debug)]
pub struct Bus {
    members: BTreeMap<SubscriptionId, Member>,
    jitter: Jitter,
    /// The latest time it was told since the clock was put back last.
    now_ms: u64,
    /// The last event appended.
    log_end: Sequence,
    next_ticket: u64,
    /// Who hears a topic, highest priority first.
    listeners: HashMap<TopicName, Arc<[SubscriptionId]>>,
    wakes: BTreeSet<(u64, SubscriptionId)>,
    /// The wish last given out.
    announced_ms: Option<u64>,
}

/// How one subscription stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Events held in memory, in flight or not.
    pub pending: usize,
    /// Events handed out and not answered.
    pub in_flight: usize,
    /// Lanes that wait for a retry.
    pub retrying: usize,
    /// Events that wait for their due time.
    pub delayed: usize,
    /// Lanes that wait for an operator.
    pub parked: usize,
    /// Whether more waits in the log.
    pub behind: bool,
    /// Tenants that have left events in the log.
    pub tenants_behind: usize,
    /// Whether it stands still, since more lanes are parked than may be.
    pub halted: bool,
}

impl Bus {
    /// A bus without subscriptions. The seed decides the jitter of retries.
    pub fn new(seed: u64) -> Self {
        Self {
            members: BTreeMap::new(),
            jitter: Jitter::new(seed),
            now_ms: 0,
            log_end: Sequence(0),
            next_ticket: 1,
            listeners: HashMap::new(),
            wakes: BTreeSet::new(),
            announced_ms: None,
        }
    }

    /// Takes one input and gives what is to be done, in order. `now_ms` is milliseconds since 1970.
    pub fn step(&mut self, now_ms: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.keep_time(now_ms, &mut effects);
        for id in self.apply(now_ms, input, &mut effects).iter() {
            self.pump(now_ms, id, &mut effects);
        }
        self.announce(now_ms, &mut effects);
        effects
    }

    /// Notices a clock that was put back. Who waits for a while goes on waiting for what was left of it; who waits for a
    /// time of day waits until it is that again.
    fn keep_time(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let back_ms = self.now_ms.saturating_sub(now_ms);
        if back_ms < CLOCK_BACK_MS_MIN {
            self.now_ms = self.now_ms.max(now_ms);
            return;
        }
        self.now_ms = now_ms;
        self.announced_ms = None;
        self.members.values_mut().for_each(|member| member.put_back(back_ms));
        for id in self.by_priority(|_| true).iter() {
            self.pump(now_ms, id, effects);
        }
    }

    /// The last event that it knows to be in the log.
    pub fn log_end(&self) -> Sequence {
        self.log_end
    }

    /// How a subscription stands, if there is one of this name.
    pub fn gauges(&self, id: &SubscriptionId) -> Option<Gauges> {
        let member = self.members.get(id)?;
        Some(Gauges {
            pending: member.held.len(),
            in_flight: member.events_out,
            retrying: member.waiting.len(),
            delayed: member.delayed.len(),
            parked: member.parked.len(),
            behind: member.is_behind(),
            tenants_behind: member.shares.behind(),
            halted: member.halted,
        })
    }

    /// A subscription that stands still, as it was wanted.
    pub fn halted(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.members.get(id).filter(|member| member.halted).map(|member| &member.spec)
    }

    /// Whether an event was handed out to a subscription and not answered yet.
    pub fn is_in_flight(&self, id: &SubscriptionId, sequence: Sequence) -> bool {
        self.members.get(id).is_some_and(|member| member.is_out(sequence))
    }

    /// The names of all subscriptions, sorted.
    pub fn subscriptions(&self) -> impl Iterator<Item = &SubscriptionId> {
        self.members.keys()
    }

    /// Applies an input and gives the subscriptions it may have moved.
    fn apply(&mut self, now_ms: u64, input: Input, effects: &mut Vec<Effect>) -> Arc<[SubscriptionId]> {
        match input {
            Input::Subscribe { subscription, cursor, retries, parked } => {
                let id = subscription.id.clone();
                self.unsubscribe(&id);
                let mut member = Member::new(subscription, cursor);
                member.restore(now_ms, retries, parked);
                self.members.insert(id.clone(), member);
                [id].into()
            }
            Input::Unsubscribe { id } => {
                self.unsubscribe(&id);
                [].into()
            }
            Input::Appended { head, unwanted } => self.appended(now_ms, &head, &unwanted),
            Input::Tick => self.due(now_ms),
            Input::Undo { after } => {
                self.log_end = self.log_end.min(after);
                self.members.values_mut().for_each(Member::undo);
                self.by_priority(|_| true)
            }
            Input::Loaded { subscription, ticket, heads, through, more } => {
                let log_end = self.log_end;
                self.with(subscription, |member, _| member.loaded(now_ms, log_end, ticket, heads, through, more))
            }
            Input::Done { subscription, sequence } => {
                self.with(subscription, |member, _| member.done(now_ms, sequence))
            }
            Input::NotRun { subscription, sequence } => {
                self.with(subscription, |member, _| member.not_run(now_ms, sequence))
            }
            Input::Failed { subscription, sequence, error, failure } => self.with(subscription, |member, jitter| {
                effects.extend(member.failed(now_ms, jitter, sequence, error, failure));
            }),
            Input::Unpark { subscription, lane } => self.with(subscription, |member, _| member.unpark(now_ms, lane)),
            Input::Erased { tenant } => {
                self.members.values_mut().for_each(|member| member.unpark_all_of(now_ms, &tenant));
                self.by_priority(|_| true)
            }
            Input::Due { subscription, head } => self.with(subscription, |member, _| member.hurry(now_ms, head)),
            Input::Redeliver { subscription, head } => {
                let sequence = head.sequence;
                self.with(subscription, |member, _| {
                    if !member.redeliver(now_ms, head) {
                        effects.push(Effect::Refused { subscription: member.spec.id.clone(), sequence });
                    }
                })
            }
        }
    }

    fn with(&mut self, id: SubscriptionId, act: impl FnOnce(&mut Member, &mut Jitter)) -> Arc<[SubscriptionId]> {
        match self.members.get_mut(&id) {
            Some(member) => act(member, &mut self.jitter),
            None => return [].into(),
        }
        [id].into()
    }

    fn appended(&mut self, now_ms: u64, head: &EventHead, unwanted: &[SubscriptionId]) -> Arc<[SubscriptionId]> {
        let sequence = head.sequence;
        if sequence <= self.log_end {
            return [].into();
        }
        if sequence.0 > self.log_end.0 + 1 {
            self.read_over_gap(sequence);
        }
        self.log_end = sequence;
        let listeners = self.listeners(&head.topic);
        for id in listeners.iter().filter(|id| !unwanted.contains(id)) {
            if let Some(member) = self.members.get_mut(id) {
                member.appended(now_ms, head.clone());
            }
        }
        if sequence.0.is_multiple_of(CURSOR_ROUND_EVENTS) { self.by_priority(|_| true) } else { listeners }
    }

    /// Events before this one were never told of, so whoever has not read them reads on from the log.
    fn read_over_gap(&mut self, sequence: Sequence) {
        for member in self.members.values_mut().filter(|member| member.live) {
            member.through = member.through.max(self.log_end);
            member.live = member.through.0 + 1 >= sequence.0;
        }
    }

    fn listeners(&mut self, topic: &TopicName) -> Arc<[SubscriptionId]> {
        if let Some(known) = self.listeners.get(topic) {
            return known.clone();
        }
        let found = self.by_priority(|member| member.spec.hears(topic));
        if self.listeners.len() >= TOPICS_REMEMBERED_MAX {
            self.listeners.clear();
        }
        self.listeners.insert(topic.clone(), found.clone());
        found
    }

    fn by_priority(&self, wanted: impl Fn(&Member) -> bool) -> Arc<[SubscriptionId]> {
        let mut found: Vec<&Member> = self.members.values().filter(|member| wanted(member)).collect();
        found.sort_by_key(|member| std::cmp::Reverse(member.spec.priority));
        found.into_iter().map(|member| member.spec.id.clone()).collect()
    }

    fn due(&self, now_ms: u64) -> Arc<[SubscriptionId]> {
        self.by_priority(|member| member.wake_ms.is_some_and(|due| due <= now_ms))
    }

    fn unsubscribe(&mut self, id: &SubscriptionId) {
        self.listeners.clear();
        if let Some(wake_ms) = self.members.remove(id).and_then(|member| member.wake_ms) {
            self.wakes.remove(&(wake_ms, id.clone()));
        }
    }

    fn pump(&mut self, now_ms: u64, id: &SubscriptionId, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(id) else { return };
        let before = member.wake_ms;
        member.pump(now_ms, self.log_end, &mut self.next_ticket, effects);
        if before != member.wake_ms {
            before.map(|due| self.wakes.remove(&(due, id.clone())));
            member.wake_ms.map(|due| self.wakes.insert((due, id.clone())));
        }
    }

    fn announce(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(earliest) = self.wakes.first().map(|(due, _)| *due) else { return };
        if self.announced_ms.is_none_or(|announced| announced <= now_ms || earliest < announced) {
            self.announced_ms = Some(earliest);
            effects.push(Effect::Wake { at_ms: earliest });
        }
    }
}
