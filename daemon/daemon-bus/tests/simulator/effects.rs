//! What the bus wants done, carried out on the store of the world and held against its promises.

use crate::oracle::{at, lane_of, wants};
use crate::world::{Action, World};
use contract_model::{EventHead, Sequence, SubscriptionId, TenantId};
use daemon_bus::{Effect, Input};
use std::collections::BTreeSet;

impl World {
    pub(crate) fn load(
        &mut self,
        id: SubscriptionId,
        ticket: u64,
        tenant: Option<&TenantId>,
        after: Sequence,
        limit: usize,
    ) {
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

    pub(crate) fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Deliver { subscription, batch, again, .. } => {
                let kept = &self.kept[&subscription];
                if let Some((sequence, _)) =
                    batch.iter().find(|(sequence, _)| kept.dead.contains_key(sequence) && !again)
                {
                    return Err(format!("{subscription}: event {sequence} was delivered as if it were new"));
                }
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
                self.kept.get_mut(&subscription).expect("known").retries.remove(&sequence);
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
