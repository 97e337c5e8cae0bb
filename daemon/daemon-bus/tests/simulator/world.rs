//! The world around a bus: log, store, handlers, operator and the faults of all of them, in virtual time.

use crate::dice::Dice;
use crate::oracle::{Kept, Logged, at, lane_of, wants};
use contract_model::manifest::{AfterRetries, RetryPolicy};
use contract_model::{EventHead, Millis, PluginSlug, Sequence, SubscriptionId, TenantId, TopicName, TopicPattern};
use daemon_bus::{Bus, Effect, Failure, Gauges, Input, RetryRules, Subscription};
use std::collections::{BTreeMap, BTreeSet};

/// Steps after which a world that does not come to rest is given up.
const STEPS_MAX: u64 = 200_000;
/// When the faults stop.
const FAULTS_END_MS: u64 = 4_000;
/// By when all has come to rest, whatever the clock says.
const REST_MS_MAX: u64 = FAULTS_END_MS + 60_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// After this a clock that was put back is noticed, also where nothing else happens.
const CLOCK_LOOK_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The negative control: handlers run whether or not the event has its mark.
    pub(crate) ignore_marks: bool,
    /// Many tenants, and limits so low that they are met.
    pub(crate) tight: bool,
}

/// How much real work a run did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) handled: u64,
    steps: u64,
    failures: u64,
    dead: u64,
    expired: u64,
    parks: u64,
    crashes: u64,
    undos: u64,
    kills: u64,
    delays: u64,
    redelivered: u64,
    repeated: u64,
    loads: u64,
    full: u64,
    passed_over: u64,
    jumps: u64,
    not_parked: u64,
    waits: u64,
}

impl Work {
    pub(crate) fn add(&mut self, other: &Work) {
        self.handled += other.handled;
        self.steps += other.steps;
        self.failures += other.failures;
        self.dead += other.dead;
        self.expired += other.expired;
        self.parks += other.parks;
        self.crashes += other.crashes;
        self.undos += other.undos;
        self.kills += other.kills;
        self.delays += other.delays;
        self.redelivered += other.redelivered;
        self.repeated += other.repeated;
        self.loads += other.loads;
        self.full += other.full;
        self.passed_over += other.passed_over;
        self.jumps += other.jumps;
        self.not_parked += other.not_parked;
        self.waits += other.waits;
    }

    /// Those that only low limits lead to.
    pub(crate) fn tight(&self) -> [(&'static str, u64); 2] {
        [("keys that found no room to be parked", self.not_parked), ("reading that waited for tenants", self.waits)]
    }

    /// Branches that few seeds take and all together must.
    pub(crate) fn rare(&self) -> [(&'static str, u64); 12] {
        [
            ("dead letters", self.dead),
            ("expired events", self.expired),
            ("parked lanes", self.parks),
            ("crashes", self.crashes),
            ("undone flushes", self.undos),
            ("kills", self.kills),
            ("delayed events", self.delays),
            ("redeliveries", self.redelivered),
            ("repeated answers", self.repeated),
            ("full windows", self.full),
            ("events passed over", self.passed_over),
            ("jumps of the clock", self.jumps),
        ]
    }
}

#[derive(Debug, Clone)]
enum Action {
    Publish,
    Flush,
    Crash,
    Operator,
    Clock,
    Tick,
    /// The rest belong to one life of the bus and vanish with it.
    Run(u32, SubscriptionId, Vec<(Sequence, u32)>),
    Tell(u32, Input),
    Load(u32, SubscriptionId, u64, Option<TenantId>, Sequence, usize),
}

/// Which faults this seed has.
#[expect(clippy::struct_excessive_bools, reason = "each fault is on or off by itself")]
struct Faults {
    flaky: bool,
    poison: bool,
    slow: bool,
    crash: bool,
    undo: bool,
    kill: bool,
    uncounted: bool,
    fatal: bool,
    delay: bool,
    repeat: bool,
    redeliver: bool,
    expiry: bool,
    clock: bool,
}

pub(crate) struct World {
    /// Time as it passes.
    now_ms: u64,
    /// When the bus wanted something done last.
    busy_ms: u64,
    /// What the clock is ahead of it.
    ahead_ms: u64,
    options: Options,
    dice: Dice,
    faults: Faults,
    bus: Bus,
    life: u32,
    agenda: BTreeMap<(u64, u64), Action>,
    planned: u64,
    /// When the bus wants to be woken, and where that is planned.
    wake: Option<(u64, (u64, u64))>,
    specs: BTreeMap<SubscriptionId, Subscription>,
    log: Vec<Logged>,
    kept: BTreeMap<SubscriptionId, Kept>,
    synced: (usize, BTreeMap<SubscriptionId, Kept>),
    to_publish: u64,
    finals: BTreeSet<(SubscriptionId, Sequence)>,
    /// Dead letters on their way again.
    redelivering: BTreeSet<(SubscriptionId, Sequence)>,
    /// Events handed out and not answered, and the first of the batch of each.
    out: BTreeMap<(SubscriptionId, Sequence), Sequence>,
    work: Work,
}

impl World {
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let mut dice = Dice::new(seed);
        let mut coin = || dice.percent(40);
        let faults = Faults {
            flaky: coin(),
            poison: coin(),
            slow: coin(),
            crash: coin(),
            undo: coin(),
            kill: coin(),
            uncounted: coin(),
            fatal: coin(),
            delay: coin(),
            repeat: coin(),
            redeliver: coin(),
            expiry: coin(),
            clock: coin(),
        };
        let mut specs = specs(&mut dice);
        if options.tight {
            // Dice of their own, so that a seed means the same world without them.
            let mut dice = Dice::new(!seed);
            for spec in specs.values_mut() {
                tighten(&mut dice, spec);
            }
        }
        let kept: BTreeMap<_, _> = specs.keys().map(|id| (id.clone(), Kept::default())).collect();
        let to_publish = 20 + dice.below(60);
        let mut world = Self {
            now_ms: 0,
            busy_ms: 0,
            ahead_ms: 2 * DAY_MS,
            options,
            dice,
            faults,
            bus: Bus::new(seed),
            life: 0,
            agenda: BTreeMap::new(),
            planned: 0,
            wake: None,
            specs,
            log: Vec::new(),
            synced: (0, kept.clone()),
            kept,
            to_publish,
            finals: BTreeSet::new(),
            redelivering: BTreeSet::new(),
            out: BTreeMap::new(),
            work: Work::default(),
        };
        for action in [Action::Publish, Action::Flush, Action::Crash, Action::Operator, Action::Clock] {
            world.plan(1, action);
        }
        world
    }

    /// Runs until everything has come to rest. Gives the first broken promise.
    pub(crate) fn run(mut self) -> Result<Work, String> {
        self.subscribe()?;
        while let Some(((at_ms, _), action)) = self.agenda.pop_first() {
            self.now_ms = self.now_ms.max(at_ms);
            self.act(action)?;
            self.work.steps += 1;
            if self.work.steps > STEPS_MAX {
                return Err("it does not come to rest".to_owned());
            }
        }
        if self.busy_ms > REST_MS_MAX {
            return Err(format!("it comes to rest only after {} ms", self.busy_ms));
        }
        for (id, spec) in &self.specs {
            let gauges = self.bus.gauges(id).ok_or("a subscription is gone")?;
            self.kept[id].check_rest(spec, &self.log, gauges)?;
        }
        Ok(self.work)
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Publish => self.publish(),
            Action::Flush => self.flush(),
            Action::Crash => self.crash(),
            Action::Operator => self.operator(),
            Action::Clock => {
                self.jump();
                Ok(())
            }
            Action::Tick => self.tell(Input::Tick),
            Action::Run(life, id, batch) if life == self.life => self.run_batch(&id, &batch),
            Action::Tell(life, input) if life == self.life => self.hear(input),
            Action::Load(life, id, ticket, tenant, after, limit) if life == self.life => {
                self.load(id, ticket, tenant.as_ref(), after, limit);
                Ok(())
            }
            Action::Run(..) | Action::Tell(..) | Action::Load(..) => Ok(()),
        }
    }

    fn faulty(&self) -> bool {
        self.now_ms < FAULTS_END_MS
    }

    /// Milliseconds since 1970, as the clock has it.
    fn clock_ms(&self) -> u64 {
        self.now_ms + self.ahead_ms
    }

    /// The clock is put forward or back by up to two days.
    fn jump(&mut self) {
        let last = !self.faulty();
        if !self.faults.clock || (last && !self.faults.delay) {
            return;
        }
        self.work.jumps += 1;
        // What waits for a time of day would wait for days: at last it is as late as it ever was.
        self.ahead_ms = if last { 4 * DAY_MS } else { self.dice.below(4 * DAY_MS) };
        self.plan(CLOCK_LOOK_MS, Action::Tick);
        if let Some((at_ms, _)) = self.wake {
            self.wake_at(at_ms);
        }
        if !last {
            let pause = 100 + self.dice.below(1_500);
            self.plan(pause, Action::Clock);
        }
    }

    fn plan(&mut self, in_ms: u64, action: Action) -> (u64, u64) {
        self.planned += 1;
        let place = (self.now_ms + in_ms, self.planned);
        self.agenda.insert(place, action);
        place
    }

    /// Plans the next tick in place of the one before.
    fn wake_at(&mut self, at_ms: u64) {
        if let Some((_, place)) = self.wake {
            self.agenda.remove(&place);
        }
        let wait_ms = at_ms.saturating_sub(self.clock_ms());
        self.wake = Some((at_ms, self.plan(wait_ms, Action::Tick)));
    }

    fn publish(&mut self) -> Result<(), String> {
        let sequence = Sequence(self.log.len() as u64 + 1);
        let topic = ["gl.a", "gl.b", "ap.a"][usize::try_from(self.dice.below(3)).expect("small")];
        let key = format!("k{}", self.dice.below(4));
        let tenant = match self.dice.percent(30) {
            true => "t10".to_owned(),
            false if self.options.tight => format!("t{}", self.dice.below(6)),
            false => "t1".to_owned(),
        };
        let delayed = self.faults.delay && self.dice.percent(25);
        let short_lived = self.faults.expiry && self.dice.percent(30);
        let head = EventHead {
            priority: i32::try_from(self.dice.below(3)).expect("small"),
            attempts_max: None,
            sequence,
            tenant: TenantId::new(&tenant).expect("tenant"),
            topic: TopicName::new(topic).expect("topic"),
            key,
            due_ms: delayed.then(|| self.clock_ms() + self.dice.below(3_000)),
            expires_ms: short_lived.then(|| self.clock_ms() + self.dice.below(400)),
        };
        self.work.delays += u64::from(delayed);
        let poison = self.faults.poison && self.dice.percent(8);
        self.log.push(Logged { head: head.clone(), poison });
        self.to_publish = self.to_publish.saturating_sub(1);
        if self.to_publish > 0 {
            let pause = if self.dice.percent(70) { self.dice.below(3) } else { self.dice.below(120) };
            self.plan(pause, Action::Publish);
        }
        let specs = self.specs.values().filter(|spec| spec.hears(&head.topic));
        let unwanted: Vec<_> = specs.filter(|spec| !wants(spec, &head)).map(|spec| spec.id.clone()).collect();
        self.work.passed_over += unwanted.len() as u64;
        self.tell(Input::Appended { head, unwanted })
    }

    fn flush(&mut self) -> Result<(), String> {
        let fails = self.faulty() && self.faults.undo && self.dice.percent(4);
        if fails {
            self.work.undos += 1;
            self.lose_unsynced();
            self.tell(Input::Undo { after: Sequence(self.log.len() as u64) })?;
            self.subscribe()?;
        } else {
            self.synced = (self.log.len(), self.kept.clone());
        }
        if self.faulty() || self.to_publish > 0 {
            let pause = 1 + self.dice.below(40);
            self.plan(pause, Action::Flush);
        }
        Ok(())
    }

    fn crash(&mut self) -> Result<(), String> {
        if self.faulty() {
            let pause = 100 + self.dice.below(1_500);
            self.plan(pause, Action::Crash);
        }
        if !(self.faulty() && self.faults.crash) {
            return Ok(());
        }
        self.work.crashes += 1;
        self.lose_unsynced();
        if let Some((_, place)) = self.wake.take() {
            self.agenda.remove(&place);
        }
        self.bus = Bus::new(self.dice.below(1 << 40));
        self.subscribe()
    }

    fn lose_unsynced(&mut self) {
        self.life += 1;
        self.to_publish += (self.log.len() - self.synced.0) as u64 / 2;
        self.log.truncate(self.synced.0);
        self.kept = self.synced.1.clone();
        self.finals.clear();
        self.redelivering.clear();
        self.out.clear();
        if self.to_publish > 0 && !self.agenda.values().any(|action| matches!(action, Action::Publish)) {
            self.plan(1, Action::Publish);
        }
    }

    fn subscribe(&mut self) -> Result<(), String> {
        for (id, spec) in self.specs.clone() {
            let kept = &self.kept[&id];
            let (cursor, retries, parked) = (kept.cursor, kept.retries(&self.log), kept.parked());
            self.tell(Input::Subscribe { subscription: spec, cursor, retries, parked })?;
        }
        Ok(())
    }

    /// Lets parked lanes go on, and now and then wants a dead letter delivered again. Its changes are synced first.
    fn operator(&mut self) -> Result<(), String> {
        let mut inputs = Vec::new();
        let wanted = self.faults.redeliver && self.faulty();
        for (id, kept) in &mut self.kept {
            let mut under_way = |sequence: &Sequence| {
                kept.retries.contains_key(sequence) || !self.redelivering.insert((id.clone(), *sequence))
            };
            let next = kept.dead.keys().next().copied().filter(|_| wanted);
            if let Some(sequence) = next.filter(|sequence| !under_way(sequence)) {
                let head = at(&self.log, sequence).head.clone();
                kept.parked.retain(|_, by| *by != sequence);
                kept.failures.remove(&sequence);
                self.work.redelivered += 1;
                inputs.push(Input::Redeliver { subscription: id.clone(), head });
            } else if let Some((lane, _)) = kept.parked.pop_first() {
                inputs.push(Input::Unpark { subscription: id.clone(), lane });
            }
        }
        self.synced = (self.log.len(), self.kept.clone());
        if self.faulty() || !self.is_at_rest() || !inputs.is_empty() {
            let pause = 200 + self.dice.below(400);
            self.plan(pause, Action::Operator);
        }
        inputs.into_iter().try_for_each(|input| self.tell(input))
    }

    /// Nothing is under way, and the bus holds nothing. A wish to be woken may stand, for the bus takes none back.
    fn is_at_rest(&self) -> bool {
        self.agenda.values().all(|action| matches!(action, Action::Tick))
            && self.specs.keys().all(|id| self.bus.gauges(id) == Some(Gauges::default()))
    }

    fn run_batch(&mut self, id: &SubscriptionId, batch: &[(Sequence, u32)]) -> Result<(), String> {
        let killed = self.faulty() && self.faults.kill && self.dice.percent(10);
        let stops_at = if killed { self.dice.below(batch.len() as u64) } else { u64::MAX };
        let (mut failed, mut answers) = (false, Vec::new());
        for (position, (sequence, _)) in (0..).zip(batch) {
            let (subscription, sequence) = (id.clone(), *sequence);
            if failed || position >= stops_at {
                answers.push(Input::NotRun { subscription, sequence });
                continue;
            }
            let answer = self.handle(id, sequence)?;
            failed = matches!(answer, Input::Failed { .. });
            answers.push(answer);
        }
        self.work.kills += u64::from(killed);
        let mut wait = 0;
        for answer in answers {
            wait += if self.faults.slow { self.dice.below(80) } else { self.dice.below(3) };
            if self.faulty() && self.faults.repeat && self.dice.percent(10) && matches!(answer, Input::Done { .. }) {
                self.work.repeated += 1;
                self.plan(wait + 1, Action::Tell(self.life, answer.clone()));
            }
            self.plan(wait, Action::Tell(self.life, answer));
        }
        Ok(())
    }

    /// One handler call with its unit of work: the effect and the mark, or nothing.
    fn handle(&mut self, subscription: &SubscriptionId, sequence: Sequence) -> Result<Input, String> {
        let kept = self.kept.get_mut(subscription).expect("known");
        let handled = kept.marks.contains(&sequence) && !kept.dead.contains_key(&sequence);
        if handled && !self.options.ignore_marks {
            return Ok(Input::Done { subscription: subscription.clone(), sequence });
        }
        if !self.options.ignore_marks {
            kept.check_try(&self.specs[subscription], &self.log, sequence)?;
        }
        if let Some(failure) = self.fails(sequence) {
            self.work.failures += 1;
            let error = "no luck".to_owned();
            return Ok(Input::Failed { subscription: subscription.clone(), sequence, error, failure });
        }
        let kept = self.kept.get_mut(subscription).expect("known");
        self.redelivering.remove(&(subscription.clone(), sequence));
        kept.marks.insert(sequence);
        kept.retries.remove(&sequence);
        kept.dead.remove(&sequence);
        let effects = kept.effects.entry(sequence).or_default();
        *effects += 1;
        if *effects > 1 {
            return Err(format!("{subscription}: event {sequence} took effect twice"));
        }
        self.work.handled += 1;
        Ok(Input::Done { subscription: subscription.clone(), sequence })
    }

    fn fails(&mut self, sequence: Sequence) -> Option<Failure> {
        if self.faulty() && self.faults.uncounted && self.dice.percent(8) {
            return Some(Failure::Uncounted);
        }
        if self.faulty() && self.faults.fatal && self.dice.percent(2) {
            return Some(Failure::Final);
        }
        let flaky = self.faulty() && self.faults.flaky && self.dice.percent(25);
        (flaky || at(&self.log, sequence).poison).then_some(Failure::Counted)
    }

    /// An answer reaches the bus. What the store counts is written in the same moment.
    fn hear(&mut self, input: Input) -> Result<(), String> {
        if let Input::Failed { subscription, sequence, failure, .. } = &input {
            let kept = self.kept.get_mut(subscription).expect("known");
            if *failure != Failure::Uncounted {
                *kept.failures.entry(*sequence).or_default() += 1;
            }
            if *failure == Failure::Final {
                self.finals.insert((subscription.clone(), *sequence));
            }
        }
        self.tell(input)
    }

    fn load(&mut self, id: SubscriptionId, ticket: u64, tenant: Option<&TenantId>, after: Sequence, limit: usize) {
        let (spec, kept) = (&self.specs[&id], &self.kept[&id]);
        let after = after.max(kept.cursor);
        let open = |head: &&EventHead| {
            let unmarked = self.options.ignore_marks || !kept.marks.contains(&head.sequence);
            let of_tenant = tenant.is_none_or(|tenant| *tenant == head.tenant);
            head.sequence > after && wants(spec, head) && unmarked && of_tenant
        };
        let heads: Vec<_> = self.log.iter().map(|logged| &logged.head).filter(open).take(limit).cloned().collect();
        let more = heads.len() == limit;
        let end = Sequence(self.log.len() as u64).max(after);
        let through = heads.last().filter(|_| more).map_or(end, |head| head.sequence);
        self.work.loads += 1;
        let wait = if self.faults.slow { self.dice.below(60) } else { self.dice.below(3) };
        self.plan(wait, Action::Tell(self.life, Input::Loaded { subscription: id, ticket, heads, through, more }));
    }

    fn tell(&mut self, input: Input) -> Result<(), String> {
        if let Input::Done { subscription, sequence }
        | Input::NotRun { subscription, sequence }
        | Input::Failed { subscription, sequence, .. } = &input
        {
            self.out.remove(&(subscription.clone(), *sequence));
        }
        let effects = self.bus.step(self.clock_ms(), input);
        if effects.iter().any(|effect| !matches!(effect, Effect::Wake { .. })) {
            self.busy_ms = self.now_ms;
        }
        for effect in effects {
            self.carry_out(effect)?;
        }
        for (id, spec) in &self.specs {
            let Some(gauges) = self.bus.gauges(id) else { continue };
            if gauges.parked > spec.parked_max || gauges.tenants_behind > spec.tenants_behind_max || gauges.halted {
                let limits = (spec.parked_max, spec.tenants_behind_max);
                return Err(format!("{id}: {limits:?} parked keys and tenants behind exceeded: {gauges:?}"));
            }
            if gauges.pending > spec.window || gauges.delayed > spec.window {
                return Err(format!("{id}: window {} exceeded: {gauges:?}", spec.window));
            }
            self.work.full += u64::from(gauges.pending == spec.window);
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Deliver { subscription, batch, .. } => {
                let kept = &self.kept[&subscription];
                batch.iter().try_for_each(|(sequence, _)| kept.check_alive(&self.log, *sequence, self.clock_ms()))?;
                self.hand_out(&subscription, &batch)?;
                let wait = if self.faults.slow { self.dice.below(200) } else { self.dice.below(5) };
                self.plan(wait, Action::Run(self.life, subscription, batch));
            }
            Effect::Load { subscription, ticket, tenant, after, limit } => {
                let behind = self.bus.gauges(&subscription).unwrap_or_default().tenants_behind;
                if tenant.is_none() && behind >= self.specs[&subscription].tenants_behind_max {
                    return Err(format!("{subscription}: it reads ahead past the {behind} tenants that lag"));
                }
                let wait = self.dice.below(5);
                self.plan(wait, Action::Load(self.life, subscription, ticket, tenant, after, limit));
            }
            Effect::Retry { subscription, sequence, attempt, due_ms, .. } => {
                let kept = self.kept.get_mut(&subscription).expect("known");
                kept.retries.insert(sequence, (attempt, due_ms));
            }
            Effect::DeadLetter { subscription, sequence, attempts, parked, error } => {
                let expired = error.starts_with("EVENT_EXPIRED");
                self.bury(&subscription, sequence, attempts, parked, expired)?;
            }
            Effect::Cursor { subscription, through } => {
                let kept = self.kept.get_mut(&subscription).expect("known");
                kept.check_cursor(&self.specs[&subscription], &self.log, through)?;
                kept.cursor = through;
            }
            Effect::Refused { subscription, sequence } => {
                self.redelivering.remove(&(subscription, sequence));
            }
            Effect::Wake { at_ms } => self.wake_at(at_ms),
            Effect::NotParked { subscription, sequence } => self.not_parked(&subscription, sequence)?,
            Effect::ReadingWaits { .. } => self.work.waits += 1,
        }
        Ok(())
    }

    /// No more lanes are in hand at the same time than the subscription says.
    fn hand_out(&mut self, id: &SubscriptionId, batch: &[(Sequence, u32)]) -> Result<(), String> {
        let first = batch.first().map(|(sequence, _)| *sequence).ok_or("an empty batch")?;
        self.out.extend(batch.iter().map(|(sequence, _)| ((id.clone(), *sequence), first)));
        let lanes: BTreeSet<Sequence> =
            self.out.iter().filter(|((of, _), _)| of == id).map(|(_, first)| *first).collect();
        match self.specs[id].concurrency {
            Some(most) if lanes.len() as u64 > u64::from(most) => {
                Err(format!("{id}: {} lanes are in hand, and {most} may be", lanes.len()))
            }
            _ => Ok(()),
        }
    }

    /// As many keys wait for an operator as may, so the try that failed is not its last.
    fn not_parked(&mut self, id: &SubscriptionId, sequence: Sequence) -> Result<(), String> {
        let (most, gauges) = (self.specs[id].parked_max, self.bus.gauges(id).unwrap_or_default());
        if gauges.parked < most {
            return Err(format!("{id}: event {sequence} was not parked, but {} of {most} keys are", gauges.parked));
        }
        let kept = self.kept.get_mut(id).expect("known");
        self.finals.remove(&(id.clone(), sequence));
        kept.failures.entry(sequence).and_modify(|failures| *failures -= 1);
        self.work.not_parked += 1;
        Ok(())
    }

    fn bury(
        &mut self,
        id: &SubscriptionId,
        sequence: Sequence,
        attempts: u32,
        parked: bool,
        expired: bool,
    ) -> Result<(), String> {
        let now_ms = self.clock_ms();
        let kept = self.kept.get_mut(id).expect("known");
        let head = &at(&self.log, sequence).head;
        let granted = self.specs[id].retry.of(&head.topic).attempts;
        let last = self.finals.remove(&(id.clone(), sequence)) || expired;
        if expired && (parked || head.expires_ms.is_none_or(|expires| expires > now_ms)) {
            return Err(format!("{id}: event {sequence} was given up before its time to live was over"));
        }
        kept.check_dead(sequence, attempts, granted, last)?;
        self.redelivering.remove(&(id.clone(), sequence));
        kept.marks.insert(sequence);
        kept.retries.remove(&sequence);
        kept.dead.insert(sequence, attempts);
        self.work.dead += 1;
        self.work.expired += u64::from(expired);
        if parked {
            self.work.parks += 1;
            kept.parked.insert(lane_of(head), sequence);
        }
        Ok(())
    }
}

fn tighten(dice: &mut Dice, spec: &mut Subscription) {
    let mut low = |most| 1 + usize::try_from(dice.below(most)).expect("small");
    (spec.parked_max, spec.tenants_behind_max) = (low(2), low(3));
    spec.window = 2 + low(6);
    if dice.percent(60) {
        spec.retry.otherwise.then = AfterRetries::Park;
    }
}

fn specs(dice: &mut Dice) -> BTreeMap<SubscriptionId, Subscription> {
    let patterns = ["gl.*", "**", "ap.a"];
    let count = 1 + dice.below(3);
    let plugin = PluginSlug::new("plugin").expect("a slug");
    (0..count)
        .map(|number| {
            let id = SubscriptionId::new(&plugin, &format!("h{number}"));
            let pattern = patterns[usize::try_from(dice.below(3)).expect("small")];
            let mut spec = Subscription::new(id.clone(), vec![TopicPattern::new(pattern).expect("pattern")]);
            spec.window = 2 + usize::try_from(dice.below(24)).expect("small");
            spec.concurrency = dice.percent(40).then(|| 1 + u32::try_from(dice.below(3)).expect("small"));
            spec.priority = i32::try_from(dice.below(3)).expect("small");
            let then = if dice.percent(30) { AfterRetries::Park } else { AfterRetries::DeadLetter };
            let attempts = 1 + u32::try_from(dice.below(5)).expect("small");
            let otherwise = RetryPolicy { attempts, backoff: Millis(10), cap: Millis(400), then };
            spec.retry = RetryRules { rules: Vec::new(), otherwise };
            (id, spec)
        })
        .collect()
}
