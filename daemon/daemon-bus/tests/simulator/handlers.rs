//! Handlers at work, and what becomes of their answers.

use crate::oracle::at;
use crate::world::{Action, World};
use contract_model::{Sequence, SubscriptionId};
use daemon_bus::{Failure, Input};

impl World {
    pub(crate) fn run_batch(&mut self, id: &SubscriptionId, batch: &[(Sequence, u32)]) -> Result<(), String> {
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
    pub(crate) fn hear(&mut self, input: Input) -> Result<(), String> {
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
}
