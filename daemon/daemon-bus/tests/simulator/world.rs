//! The world around a bus: log, store, handlers, operator and the faults of all of them, in virtual time.

use crate::dice::Dice;
use crate::faults::Faults;
use crate::oracle::{Kept, Logged, at, wants};
use crate::specs::{specs, tighten};
use crate::work::Work;
use contract_model::{EventHead, Sequence, SubscriptionId, TenantId, TopicName};
use daemon_bus::{Bus, Effect, Gauges, Input, Subscription};
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

#[derive(Debug, Clone)]
pub(crate) enum Action {
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

pub(crate) struct World {
    /// Time as it passes.
    pub(crate) now_ms: u64,
    /// When the bus wanted something done last.
    pub(crate) busy_ms: u64,
    /// What the clock is ahead of it.
    pub(crate) ahead_ms: u64,
    pub(crate) options: Options,
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    pub(crate) bus: Bus,
    pub(crate) life: u32,
    pub(crate) agenda: BTreeMap<(u64, u64), Action>,
    pub(crate) planned: u64,
    /// When the bus wants to be woken, and where that is planned.
    pub(crate) wake: Option<(u64, (u64, u64))>,
    pub(crate) specs: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) log: Vec<Logged>,
    pub(crate) kept: BTreeMap<SubscriptionId, Kept>,
    pub(crate) synced: (usize, BTreeMap<SubscriptionId, Kept>),
    pub(crate) to_publish: u64,
    pub(crate) finals: BTreeSet<(SubscriptionId, Sequence)>,
    /// Dead letters on their way again.
    pub(crate) redelivering: BTreeSet<(SubscriptionId, Sequence)>,
    /// Events handed out and not answered, and the first of the batch of each.
    pub(crate) out: BTreeMap<(SubscriptionId, Sequence), Sequence>,
    pub(crate) work: Work,
}

impl World {
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let mut dice = Dice::new(seed);
        let faults = Faults::of(&mut dice);
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

    pub(crate) fn faulty(&self) -> bool {
        self.now_ms < FAULTS_END_MS
    }

    /// Milliseconds since 1970, as the clock has it.
    pub(crate) fn clock_ms(&self) -> u64 {
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

    pub(crate) fn plan(&mut self, in_ms: u64, action: Action) -> (u64, u64) {
        self.planned += 1;
        let place = (self.now_ms + in_ms, self.planned);
        self.agenda.insert(place, action);
        place
    }

    /// Plans the next tick in place of the one before.
    pub(crate) fn wake_at(&mut self, at_ms: u64) {
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
        let (wanted, clock_ms) = (self.faults.redeliver && self.faulty(), self.clock_ms());
        for (id, kept) in &mut self.kept {
            let mut under_way = |sequence: &Sequence| {
                kept.retries.contains_key(sequence) || !self.redelivering.insert((id.clone(), *sequence))
            };
            // As the host does: a letter for which there is no room stays a letter.
            let in_memory = self.bus.gauges(id).map_or(0, |gauges| gauges.pending + gauges.delayed);
            let next = kept.dead.keys().next().copied().filter(|_| wanted && in_memory < self.specs[id].window);
            if let Some(sequence) = next.filter(|sequence| !under_way(sequence)) {
                let head = at(&self.log, sequence).head.clone();
                kept.parked.retain(|_, by| *by != sequence);
                kept.failures.remove(&sequence);
                kept.retries.insert(sequence, (1, clock_ms));
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

    pub(crate) fn tell(&mut self, input: Input) -> Result<(), String> {
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
}
