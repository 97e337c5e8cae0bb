//! What waits for the workers of a plugin. Reports and jobs that may take long never hold all of them at once: what
//! everybody else waits for goes on meanwhile. Pure.

use crate::lane::{Lane, Lanes, Waits};
use contract_model::TenantId;
use contract_model::limits::{LANE_BATCH_BYTES_MAX, LANE_BATCH_MAX};

/// Lanes with one task each that may travel to a worker together.
const LANES_PER_BATCH_MAX: usize = 16;

/// Tasks waiting by lane, those that may take long apart from the others.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    lanes: Lanes<T>,
    long: Lanes<T>,
    long_running: usize,
    long_max: usize,
}

/// Tasks that travel to a worker together.
pub(crate) struct Batch<T> {
    pub(crate) tasks: Vec<(Lane, T)>,
    pub(crate) taken: Taken,
}

/// The lanes that a batch holds until it is released.
pub(crate) struct Taken {
    lanes: Vec<Lane>,
    is_long: bool,
}

impl<T: Waits> Waiting<T> {
    /// For so many workers.
    pub(crate) fn new(workers_max: usize) -> Self {
        let long_max = workers_max.saturating_sub(1).max(1);
        Self { lanes: Lanes::default(), long: Lanes::default(), long_running: 0, long_max }
    }

    /// Adds a task behind those of its key; without one it waits for no other.
    pub(crate) fn push(&mut self, tenant: TenantId, key: Option<String>, task: T) {
        let lanes = if key.is_none() && task.is_long() { &mut self.long } else { &mut self.lanes };
        let lane = match key {
            Some(key) => Lane::Keyed(tenant, key),
            None => lanes.single(tenant),
        };
        lanes.push(lane, task);
    }

    /// Lanes that can be taken now.
    pub(crate) fn ready(&self) -> usize {
        self.lanes.ready() + self.long_ready()
    }

    fn long_ready(&self) -> usize {
        self.long.ready().min(self.long_max - self.long_running)
    }

    /// Tasks waiting.
    pub(crate) fn len(&self) -> usize {
        self.lanes.len() + self.long.len()
    }

    /// Tasks of a tenant waiting, for whose answer a client waits.
    pub(crate) fn calls_of(&self, tenant: &TenantId) -> u64 {
        self.lanes.calls_of(tenant) + self.long.calls_of(tenant)
    }

    /// The fair share of one of so many workers; one task alone where it is only to be seen whether it works.
    pub(crate) fn take(&mut self, workers: usize, is_probe: bool) -> Batch<T> {
        if self.long_ready() > 0 {
            self.long_running += 1;
            return Batch::of(self.long.take(1, 1, u64::MAX), true);
        }
        if is_probe {
            return Batch::of(self.lanes.take(1, 1, u64::MAX), false);
        }
        let share = (self.lanes.ready() / workers.max(1)).clamp(1, LANES_PER_BATCH_MAX);
        let tasks_max = usize::try_from(LANE_BATCH_MAX).unwrap_or(1);
        Batch::of(self.lanes.take(share, tasks_max, LANE_BATCH_BYTES_MAX), false)
    }

    /// Gives back tasks of a batch that were not run, in their order, and frees its lanes.
    pub(crate) fn release(&mut self, taken: &Taken, unrun: Vec<(Lane, T)>) {
        if taken.is_long {
            self.long_running -= 1;
            self.long.release(&taken.lanes, unrun);
        } else {
            self.lanes.release(&taken.lanes, unrun);
        }
    }

    /// Everything that waits in lanes that are not taken.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let mut all = self.lanes.drain();
        all.extend(self.long.drain());
        all
    }
}

impl<T> Batch<T> {
    fn of(tasks: Vec<(Lane, T)>, is_long: bool) -> Self {
        let lanes = tasks.iter().map(|(lane, _)| lane.clone()).collect();
        Self { tasks, taken: Taken { lanes, is_long } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(batch: &Batch<i32>) -> Vec<i32> {
        batch.tasks.iter().map(|(_, task)| *task).collect()
    }

    #[test]
    fn long_ones_leave_a_worker_for_the_others() {
        let tenant = || TenantId::new("t").expect("tenant");
        let mut waiting = Waiting::new(2);
        for task in [1_000, 1_001, 7] {
            waiting.push(tenant(), None, task);
        }
        assert_eq!((waiting.ready(), waiting.len()), (2, 3));
        let first = waiting.take(2, false);
        assert_eq!((took(&first), waiting.ready()), (vec![1_000], 1));
        let second = waiting.take(2, false);
        assert_eq!((took(&second), waiting.ready()), (vec![7], 0));
        waiting.release(&second.taken, vec![]);
        assert_eq!(waiting.ready(), 0);
        waiting.release(&first.taken, vec![]);
        assert_eq!(took(&waiting.take(2, false)), vec![1_001]);
    }

    #[test]
    fn one_worker_alone_takes_long_ones_too() {
        let mut waiting = Waiting::new(1);
        waiting.push(TenantId::new("t").expect("tenant"), None, 1_000);
        assert_eq!(took(&waiting.take(1, true)), vec![1_000]);
    }

    #[test]
    fn what_has_a_key_waits_for_those_before_it_however_long_it_may_take() {
        let tenant = || TenantId::new("t").expect("tenant");
        let mut waiting = Waiting::new(2);
        waiting.push(tenant(), Some("k".to_owned()), 1);
        waiting.push(tenant(), Some("k".to_owned()), 1_000);
        assert_eq!(took(&waiting.take(2, false)), vec![1, 1_000]);
    }
}
