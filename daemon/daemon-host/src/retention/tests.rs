//! Retention against a model that knows nothing of how it works: whatever happens, nothing that is owed goes, and
//! whatever is owed no more goes in the end.

use super::*;
use crate::destination::{Handler, Route};
use crate::repeat;
use crate::replay::Replay;
use contract_model::{EventId, PluginSlug, TenantId};
use daemon_store::{DeadLetter, DeadLetterChange, Decided, NewEvent, Options, Retry, RetryChange, Tenant};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;
use tempfile::TempDir;

const MINUTE: u64 = 60_000;
const RETAIN_MS: u64 = 1_000;
const TIMEOUT_MS: u64 = 5_000;
const TOPICS: [&str; 4] = ["log.short.told", "log.ever.told", "gl.post.request", "gl.post.done"];
const REQUEST: &str = TOPICS[2];
const REPLY: &str = TOPICS[3];
const OUTCOME: &str = "jobs.ap.on-outcome.posted";
/// Who has a place in the log, what each hears, and whether it is in force.
const SUBSCRIPTIONS: [(&str, &str, bool); 4] = [
    ("gl/heard", "log.*.told", true),
    ("ap/away", "log.short.told", false),
    ("gl/post", REQUEST, true),
    ("ap/job:on-outcome.posted", OUTCOME, true),
];
const CONTINUES: usize = 3;

fn id(subscription: usize) -> SubscriptionId {
    SubscriptionId::from(SUBSCRIPTIONS[subscription].0.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).expect("a topic")
}

fn hears(subscription: usize, name: &str) -> bool {
    contract_model::TopicPattern::new(SUBSCRIPTIONS[subscription].1).expect("a pattern").matches(name)
}

/// What the model knows of an event.
#[derive(Debug, Clone, Default)]
struct Known {
    topic: &'static str,
    time_ms: u64,
    due_ms: Option<u64>,
    cause: Option<usize>,
    /// Of a continuation: its request.
    continues: Option<usize>,
    handled: BTreeSet<usize>,
    retried: BTreeSet<usize>,
    dead: BTreeSet<usize>,
    answered: bool,
    is_gone: bool,
}

struct World {
    _folder: TempDir,
    store: Store,
    tenant: Tenant,
    now_ms: u64,
    events: Vec<Known>,
    replays: Vec<(usize, usize, usize)>,
    compacted: usize,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("a store");
        let tenant = store.create_tenant(&TenantId::new("demo").expect("a name"), "Demo").expect("a tenant");
        let world = Self {
            _folder: folder,
            store,
            tenant,
            now_ms: 1_000_000,
            events: Vec::new(),
            replays: Vec::new(),
            compacted: 0,
        };
        let mut unit = world.unit();
        unit.cursors = (0..SUBSCRIPTIONS.len()).map(|of| (id(of), Sequence(0))).collect();
        world.decide(unit);
        world
    }

    fn unit(&self) -> Unit {
        let mut unit = Unit::new(self.tenant.clone(), self.now_ms);
        unit.awaited = false;
        unit
    }

    fn decide(&self, unit: Unit) -> Decided {
        self.store.decide(unit, ReadSet::none()).expect("decided")
    }

    fn terms(&self) -> Terms<'_> {
        let in_force = (0..SUBSCRIPTIONS.len()).filter(|of| SUBSCRIPTIONS[*of].2).map(|of| {
            let pattern = contract_model::TopicPattern::new(SUBSCRIPTIONS[of].1).expect("a pattern");
            let route = Route { handler: Handler::Subscription(0), pattern, when: None, deadline: Duration::ZERO };
            let plugin = PluginSlug::new("any").expect("a slug");
            (id(of), Destination { plugin, routes: [route].into(), is_group: false })
        });
        Terms {
            store: &self.store,
            now_ms: self.now_ms,
            in_force: in_force.collect(),
            retain_ms: Box::new(|topic| (topic.as_str() != "log.ever.told").then_some(RETAIN_MS)),
            timeout_ms: Box::new(|topic| (topic.as_str() == REQUEST).then_some(TIMEOUT_MS)),
        }
    }

    fn publish(&mut self, known: Known) -> usize {
        let at = self.events.len();
        let mut event = event(at, &known, self.now_ms);
        event.idempotency_key = known.continues.map(|request| format!("e{request}"));
        let mut unit = self.unit();
        let unique_until = known.continues.map(|_| id(CONTINUES));
        unit.events.push(NewEvent { event, payload_hash: String::new(), unique_until });
        self.decide(unit);
        self.events.push(Known { time_ms: self.now_ms, ..known });
        at
    }

    /// The nth of the events that are such.
    fn nth(&self, n: usize, wanted: impl Fn(&Known) -> bool) -> Option<usize> {
        let such: Vec<usize> = (0..self.events.len()).filter(|at| wanted(&self.events[*at])).collect();
        (!such.is_empty()).then(|| such[n % such.len()])
    }

    fn settle(&mut self, of: usize, n: usize, ends_as: Settled) {
        let open = |known: &Known| {
            hears(of, known.topic) && (!known.handled.contains(&of) || known.retried.contains(&of)) && !known.is_gone
        };
        let Some(at) = self.nth(n, open) else { return };
        let (mut unit, sequence) = (self.unit(), Sequence(at as u64 + 1));
        unit.handled = Some((id(of), sequence));
        let known = &mut self.events[at];
        known.handled.insert(of);
        known.retried.remove(&of);
        if ends_as == Settled::Dead {
            known.dead.insert(of);
            unit.scope = Scope::System;
            unit.retries.push(RetryChange::Clear(id(of), sequence));
            unit.dead_letters.push(DeadLetterChange::Put(Box::new(letter(of, at, known))));
        }
        self.decide(unit);
    }

    /// A dead letter is taken away, to be tried again or for good.
    fn take_up(&mut self, of: usize, n: usize, again: bool) {
        let Some(at) = self.nth(n, |known| known.dead.contains(&of)) else { return };
        let (mut unit, sequence) = (self.unit(), Sequence(at as u64 + 1));
        unit.dead_letters.push(DeadLetterChange::Remove(id(of), sequence));
        self.events[at].dead.remove(&of);
        if again {
            unit.retries.push(RetryChange::Put(id(of), retry(sequence)));
            self.events[at].retried.insert(of);
        }
        self.decide(unit);
    }

    /// An operator wants one delivered once more.
    fn wish(&mut self, of: usize, n: usize) {
        let Some(at) = self.nth(n, |known| known.handled.contains(&of) && !known.is_gone) else { return };
        let (mut unit, sequence) = (self.unit(), Sequence(at as u64 + 1));
        unit.retries.push(RetryChange::Put(id(of), retry(sequence)));
        self.events[at].retried.insert(of);
        self.decide(unit);
    }

    /// The cursor goes as far as all is done.
    fn move_cursor(&mut self, of: usize) {
        let is_done = |known: &Known| !hears(of, known.topic) || known.handled.contains(&of);
        let through = self.events.iter().take_while(|known| is_done(known)).count();
        let mut unit = self.unit();
        unit.cursors.push((id(of), Sequence(through as u64)));
        self.decide(unit);
        for known in &mut self.events[..through] {
            known.handled.insert(of);
        }
    }

    fn ask(&mut self, continues: bool) {
        let request = self.publish(Known { topic: REQUEST, ..Known::default() });
        if continues {
            self.publish(Known {
                topic: OUTCOME,
                due_ms: Some(self.now_ms + TIMEOUT_MS),
                continues: Some(request),
                ..Known::default()
            });
        }
    }

    fn reply(&mut self, n: usize) {
        if let Some(cause) = self.nth(n, |known| known.topic == REQUEST) {
            self.publish(Known { topic: REPLY, cause: Some(cause), ..Known::default() });
        }
    }

    fn answer(&mut self, n: usize, is_kept: bool) {
        let such = |known: &Known| known.topic == REQUEST && !known.is_gone && known.answered != is_kept;
        let Some(at) = self.nth(n, such) else { return };
        self.events[at].answered = is_kept;
        let mut unit = self.unit();
        let name = repeat::awaited(self.tenant.id(), &format!("e{at}"));
        unit.meta.push((name, is_kept.then(|| json!(self.now_ms))));
        self.decide(unit);
    }

    fn replay(&mut self, change: impl FnOnce(&mut Vec<(usize, usize, usize)>)) {
        change(&mut self.replays);
        let replays: Vec<Replay> = self.replays.iter().map(|(of, after, until)| replay(*of, *after, *until)).collect();
        let mut unit = self.unit();
        unit.meta.push((crate::replay::KEY.to_owned(), Some(json!(replays))));
        self.decide(unit);
    }

    /// What the model says of an event: the definition in words, over what it knows.
    fn is_owed(&self, at: usize) -> bool {
        let known = &self.events[at];
        let wants = |of: usize| !SUBSCRIPTIONS[of].2 || hears(of, known.topic);
        let to_somebody = (0..SUBSCRIPTIONS.len()).any(|of| {
            (wants(of) && !known.handled.contains(&of)) || known.retried.contains(&of) || known.dead.contains(&of)
        });
        let to_a_replay =
            self.replays.iter().any(|(of, after, until)| (after + 1..=*until).contains(&(at + 1)) && wants(*of));
        let of_outcome = [Some(at), known.cause].into_iter().flatten().any(|request| {
            let goes_on = |one: &Known| {
                let is_open = !one.handled.contains(&CONTINUES)
                    || one.dead.contains(&CONTINUES)
                    || one.retried.contains(&CONTINUES);
                one.continues == Some(request) && is_open
            };
            let asked = &self.events[request];
            let is_awaited = asked.topic == REQUEST && asked.time_ms + TIMEOUT_MS > self.now_ms;
            self.events.iter().any(goes_on) || asked.answered || is_awaited
        });
        to_somebody || to_a_replay || of_outcome
    }

    fn is_old(&self, at: usize) -> bool {
        let known = &self.events[at];
        known.topic != "log.ever.told" && known.due_ms.unwrap_or(0).max(known.time_ms) + RETAIN_MS <= self.now_ms
    }

    fn pass(&mut self, which: Which) -> Compaction {
        let mut done = Compaction::default();
        let terms = self.terms();
        for topic in terms.view().expect("a view").topics().expect("topics") {
            let Some(mut walk) = Walk::begin(&terms, &topic, which).expect("begun") else { continue };
            while walk.step(&terms, &mut done).expect("looked at") {}
            walk.end(&terms).expect("noted");
        }
        drop(terms);
        let view = self.store.view().expect("a view");
        for at in 0..self.events.len() {
            if self.events[at].is_gone || !view.is_compacted(Sequence(at as u64 + 1)).expect("read") {
                continue;
            }
            assert!(!self.is_owed(at), "event {at} is owed and was compacted: {:?}", self.events[at]);
            assert!(self.is_old(at), "event {at} is too young: {:?}", self.events[at]);
            self.events[at].is_gone = true;
            self.compacted += 1;
        }
        done
    }

    /// Nothing is left that is old and owed to nobody.
    fn all_gone(&self) {
        for at in 0..self.events.len() {
            let stays = self.events[at].is_gone || self.is_owed(at) || !self.is_old(at);
            assert!(stays, "event {at} is old and owed to nobody, and is there: {:?}", self.events[at]);
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Publish(what, delay) => {
                let due_ms = (delay > 0).then_some(self.now_ms + delay);
                self.publish(Known { topic: TOPICS[what], due_ms, ..Known::default() });
            }
            Act::Settle(of, n, ends_as) => self.settle(of, n, ends_as),
            Act::TakeUp(of, n, again) => self.take_up(of, n, again),
            Act::Wish(of, n) => self.wish(of, n),
            Act::Cursor(of) => self.move_cursor(of),
            Act::Ask(continues) => self.ask(continues),
            Act::Reply(n) => self.reply(n),
            Act::Answer(n, is_kept) => self.answer(n, is_kept),
            Act::Replay(of, n) => {
                let end = self.events.len();
                self.replay(|replays| replays.push((of, n.min(end), end)));
            }
            Act::ReplayEnds => self.replay(|replays| {
                replays.pop();
            }),
            Act::Time(ms) => self.now_ms += ms,
            Act::Pass => drop(self.pass(Which::Due)),
            Act::Compact => {
                self.pass(Which::All);
                self.all_gone();
            }
        }
    }

    /// Everybody does what is left to do.
    fn release(&mut self) {
        for of in 0..SUBSCRIPTIONS.len() {
            for n in 0..2 * self.events.len() {
                self.take_up(of, n, false);
                self.settle(of, 0, Settled::Handled);
            }
            self.move_cursor(of);
        }
        while self.nth(0, |known| known.answered).is_some() {
            self.answer(0, false);
        }
        self.replay(Vec::clear);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Settled {
    Handled,
    Dead,
}

#[derive(Debug, Clone)]
enum Act {
    Publish(usize, u64),
    Settle(usize, usize, Settled),
    TakeUp(usize, usize, bool),
    Wish(usize, usize),
    Cursor(usize),
    Ask(bool),
    Reply(usize),
    Answer(usize, bool),
    Replay(usize, usize),
    ReplayEnds,
    Time(u64),
    Pass,
    Compact,
}

fn act() -> impl Strategy<Value = Act> {
    let of = || 0..SUBSCRIPTIONS.len();
    let n = || 0..40_usize;
    let ends_as = prop_oneof![4 => Just(Settled::Handled), 1 => Just(Settled::Dead)];
    prop_oneof![
        6 => (0..TOPICS.len(), prop_oneof![3 => Just(0_u64), 1 => 1..20_000_u64]).prop_map(|(what, delay)| Act::Publish(what, delay)),
        12 => (of(), n(), ends_as).prop_map(|(of, n, ends_as)| Act::Settle(of, n, ends_as)),
        2 => (of(), n(), any::<bool>()).prop_map(|(of, n, again)| Act::TakeUp(of, n, again)),
        1 => (of(), n()).prop_map(|(of, n)| Act::Wish(of, n)),
        4 => of().prop_map(Act::Cursor),
        4 => any::<bool>().prop_map(Act::Ask),
        3 => n().prop_map(Act::Reply),
        2 => (n(), any::<bool>()).prop_map(|(n, is_kept)| Act::Answer(n, is_kept)),
        1 => (of(), n()).prop_map(|(of, n)| Act::Replay(of, n)),
        2 => Just(Act::ReplayEnds),
        5 => prop_oneof![1..6_000_u64, Just(2 * MINUTE)].prop_map(Act::Time),
        5 => Just(Act::Pass),
        2 => Just(Act::Compact),
    ]
}

fn event(at: usize, known: &Known, now_ms: u64) -> Event {
    Event {
        id: EventId::new(&format!("e{at}")).expect("an id"),
        sequence: Sequence(0),
        topic: topic(known.topic),
        tenant: TenantId::new("demo").expect("a tenant"),
        publisher: "daemon".to_owned(),
        actor: String::new(),
        roles: Vec::new(),
        time_ms: now_ms,
        correlation: "story".to_owned(),
        causation: known.cause.map(|cause| format!("e{cause}")),
        hops: 0,
        key: String::new(),
        idempotency_key: None,
        trace: None,
        due_ms: known.due_ms,
        expires_ms: None,
        headers: serde_json::Map::new(),
        payload: json!({}),
    }
}

fn retry(sequence: Sequence) -> Retry {
    Retry { sequence, attempts: 1, due_ms: 0, error: String::new(), replay: true, payload: None }
}

fn letter(of: usize, at: usize, known: &Known) -> DeadLetter {
    DeadLetter {
        subscription: id(of),
        sequence: Sequence(at as u64 + 1),
        tenant: TenantId::new("demo").expect("a tenant"),
        event: EventId::new(&format!("e{at}")).expect("an id"),
        topic: topic(known.topic),
        attempts: 1,
        code: String::new(),
        reason: String::new(),
        stack: Vec::new(),
        version: String::new(),
        time_ms: 0,
        replay: false,
        payload: None,
    }
}

fn replay(of: usize, after: usize, until: usize) -> Replay {
    Replay {
        id: "r".to_owned(),
        subscription: SUBSCRIPTIONS[of].0.to_owned(),
        tenant: None,
        after: Sequence(after as u64),
        until: Sequence(until as u64),
        rate: 1,
        events: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_still_owed_is_compacted_and_all_else_is(acts in prop::collection::vec(act(), 20..160)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        world.release();
        // What had to wait is found again by itself.
        for _ in 0..2 {
            world.now_ms += 24 * 60 * MINUTE + TIMEOUT_MS;
            world.pass(Which::Due);
        }
        world.all_gone();
        prop_assert!(world.store.verify().expect("verified").is_sound());
    }
}

/// The case that this was found by: of a request whose outcome somebody still waits for, and that everybody has handled
/// long ago, neither request nor reply goes.
#[test]
fn a_request_stays_until_its_continuation_has_run() {
    let mut world = World::new();
    world.ask(true);
    world.settle(2, 0, Settled::Handled);
    world.reply(0);
    for _ in 0..3 {
        world.move_cursor(0);
        world.move_cursor(1);
        world.move_cursor(2);
        world.now_ms += 60 * MINUTE;
        let done = world.pass(Which::All);
        assert_eq!((done.compacted, done.owed[&Claim::Continuation]), (0, 2), "{done:?}");
    }
    world.settle(CONTINUES, 0, Settled::Handled);
    assert_eq!(world.pass(Which::All).compacted, 3);
}

#[test]
fn a_pass_costs_what_has_come_of_age_and_what_is_owed_is_looked_at_ever_less_often() {
    let mut world = World::new();
    for _ in 0..300 {
        world.publish(Known { topic: TOPICS[0], ..Known::default() });
    }
    let mut looked_at = 0;
    // For a day nobody hears them.
    for _ in 0..24 * 60 {
        world.now_ms += MINUTE;
        let done = world.pass(Which::Due);
        assert_eq!(done.compacted, 0);
        looked_at += done.looked_at;
    }
    assert!((300..=300 * 12).contains(&looked_at), "looked at {looked_at}");
    world.settle(0, 299, Settled::Handled);
    while world.nth(0, |known| !known.handled.contains(&0)).is_some() {
        world.settle(0, 0, Settled::Handled);
    }
    while world.nth(0, |known| !known.handled.contains(&1)).is_some() {
        world.settle(1, 0, Settled::Handled);
    }
    let (mut compacted, mut minutes) = (0, 0);
    while compacted < 300 {
        world.now_ms += MINUTE;
        minutes += 1;
        compacted += world.pass(Which::Due).compacted;
        assert!(minutes <= 24 * 60, "only {compacted} of 300 were found again");
    }
    for _ in 0..5 {
        world.now_ms += MINUTE;
        assert_eq!(world.pass(Which::Due), Compaction::default());
    }
    // What is new is looked at once.
    world.publish(Known { topic: TOPICS[0], ..Known::default() });
    world.settle(0, 0, Settled::Handled);
    world.settle(1, 0, Settled::Handled);
    world.now_ms += MINUTE;
    let done = world.pass(Which::Due);
    assert_eq!((done.looked_at, done.compacted), (1, 1));
}
