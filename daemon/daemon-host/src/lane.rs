//! Lanes: tasks that must run one after another, and which of them a worker takes next. Tenants take turns. Pure.

use contract_model::TenantId;
use std::collections::{HashMap, VecDeque};

/// What runs one after another: everything of a tenant with the same key. Tasks without a key have a
/// lane each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Shared by verbs and events of this key.
    Keyed(TenantId, String),
    /// Of one task alone.
    Single(TenantId, u64),
}

impl Lane {
    fn tenant(&self) -> &TenantId {
        let (Self::Keyed(tenant, _) | Self::Single(tenant, _)) = self;
        tenant
    }
}

/// What can wait in a lane.
pub(crate) trait Waits {
    /// Whether a client waits for its answer.
    fn has_client(&self) -> bool;
    /// Bytes that it takes in memory.
    fn weight(&self) -> u64;
    /// Whether it may take longer than a call usually may, as a report does.
    fn is_long(&self) -> bool;
}

/// Tasks waiting by lane. A lane is in exactly one state: absent, ready, or taken.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    waiting: HashMap<Lane, Queue<T>>,
    /// The lanes of each tenant that can be taken. Looked up, never walked.
    ready: HashMap<TenantId, VecDeque<Lane>>,
    /// The tenants that have such lanes, the next first.
    turns: VecDeque<TenantId>,
    ready_count: usize,
    /// The tasks that clients wait for, by tenant.
    calls: HashMap<TenantId, u64>,
    length: usize,
    singles: u64,
}

#[derive(Debug)]
struct Queue<T> {
    tasks: VecDeque<T>,
    is_taken: bool,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            ready: HashMap::new(),
            turns: VecDeque::new(),
            ready_count: 0,
            calls: HashMap::new(),
            length: 0,
            singles: 0,
        }
    }
}

impl<T: Waits> Lanes<T> {
    /// A lane for a task that shares nothing with others.
    pub(crate) fn single(&mut self, tenant: TenantId) -> Lane {
        self.singles += 1;
        Lane::Single(tenant, self.singles)
    }

    /// Adds a task at the end of its lane.
    pub(crate) fn push(&mut self, lane: Lane, task: T) {
        self.count_in(lane.tenant(), &task);
        if let Some(queue) = self.waiting.get_mut(&lane) {
            queue.tasks.push_back(task);
        } else {
            self.waiting.insert(lane.clone(), Queue { tasks: VecDeque::from([task]), is_taken: false });
            self.make_ready(lane);
        }
    }

    /// Takes up to `lanes_max` ready lanes with up to `tasks_max` tasks each, of one tenant after another, and no more
    /// than weigh so much together; a task that weighs more is taken alone. The lanes stay taken until they are released.
    pub(crate) fn take(&mut self, lanes_max: usize, tasks_max: usize, weight_max: u64) -> Vec<(Lane, T)> {
        let mut batch = Vec::new();
        let mut weight = 0_u64;
        for _ in 0..lanes_max {
            if !batch.is_empty() && weight.saturating_add(self.next_weight()) > weight_max {
                break;
            }
            let Some(lane) = self.next_lane() else { break };
            let Some(queue) = self.waiting.get_mut(&lane) else { continue };
            queue.is_taken = true;
            let mut fits = |(at, task): &(usize, &T)| {
                let with_it = weight.saturating_add(task.weight());
                let fits = with_it <= weight_max || (batch.is_empty() && *at == 0);
                weight = if fits { with_it } else { weight };
                fits
            };
            let count = queue.tasks.iter().take(tasks_max).enumerate().take_while(&mut fits).count();
            let tasks: Vec<T> = queue.tasks.drain(..count).collect();
            for task in tasks {
                self.count_out(lane.tenant(), &task);
                batch.push((lane.clone(), task));
            }
        }
        batch
    }

    /// Gives back tasks that were taken but not run, in the order they were taken, and frees all lanes
    /// of the batch.
    pub(crate) fn release(&mut self, taken: &[Lane], unrun: Vec<(Lane, T)>) {
        for (lane, task) in unrun.into_iter().rev() {
            self.count_in(lane.tenant(), &task);
            let empty = || Queue { tasks: VecDeque::new(), is_taken: true };
            self.waiting.entry(lane).or_insert_with(empty).tasks.push_front(task);
        }
        for lane in taken {
            let Some(queue) = self.waiting.get_mut(lane).filter(|queue| queue.is_taken) else { continue };
            queue.is_taken = false;
            if queue.tasks.is_empty() {
                self.waiting.remove(lane);
            } else {
                self.make_ready(lane.clone());
            }
        }
    }

    /// Everything that waits in lanes that are not taken.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let mut all = Vec::new();
        while let Some(lane) = self.next_lane() {
            let Some(queue) = self.waiting.remove(&lane) else { continue };
            for task in queue.tasks {
                self.count_out(lane.tenant(), &task);
                all.push(task);
            }
        }
        all
    }

    /// Tasks waiting.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Tasks of a tenant waiting, for whose answer a client waits.
    pub(crate) fn calls_of(&self, tenant: &TenantId) -> u64 {
        self.calls.get(tenant).copied().unwrap_or(0)
    }

    /// Lanes that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.ready_count
    }

    fn make_ready(&mut self, lane: Lane) {
        self.ready_count += 1;
        if let Some(lanes) = self.ready.get_mut(lane.tenant()) {
            lanes.push_back(lane);
            return;
        }
        self.turns.push_back(lane.tenant().clone());
        self.ready.insert(lane.tenant().clone(), VecDeque::from([lane]));
    }

    /// What the first task weighs of the lane whose turn it is.
    fn next_weight(&self) -> u64 {
        let lane = self.turns.front().and_then(|tenant| self.ready.get(tenant)?.front());
        lane.and_then(|lane| self.waiting.get(lane)?.tasks.front()).map_or(0, Waits::weight)
    }

    /// The first lane of the tenant whose turn it is.
    fn next_lane(&mut self) -> Option<Lane> {
        let tenant = self.turns.pop_front()?;
        let lanes = self.ready.get_mut(&tenant)?;
        let lane = lanes.pop_front()?;
        self.ready_count -= 1;
        if lanes.is_empty() {
            self.ready.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        Some(lane)
    }

    fn count_in(&mut self, tenant: &TenantId, task: &T) {
        self.length += 1;
        if task.has_client() {
            *self.calls.entry(tenant.clone()).or_default() += 1;
        }
    }

    fn count_out(&mut self, tenant: &TenantId, task: &T) {
        self.length -= 1;
        if task.has_client()
            && let Some(calls) = self.calls.get_mut(tenant)
        {
            *calls -= 1;
            if *calls == 0 {
                self.calls.remove(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Waits for i32 {
        fn has_client(&self) -> bool {
            *self < 0
        }

        fn weight(&self) -> u64 {
            self.unsigned_abs().into()
        }

        fn is_long(&self) -> bool {
            *self >= 1_000
        }
    }

    fn keyed(key: &str) -> Lane {
        Lane::Keyed(TenantId::new("t").expect("tenant"), key.to_owned())
    }

    #[test]
    fn a_taken_lane_is_not_taken_again_until_released() {
        let mut lanes = Lanes::default();
        lanes.push(keyed("a"), 1);
        lanes.push(keyed("a"), 2);
        let batch = lanes.take(8, 1, 100);
        assert_eq!(batch, vec![(keyed("a"), 1)]);
        lanes.push(keyed("a"), 3);
        assert!(lanes.take(8, 8, 100).is_empty());
        lanes.release(&[keyed("a")], vec![]);
        assert_eq!(lanes.take(8, 8, 100), vec![(keyed("a"), 2), (keyed("a"), 3)]);
    }

    #[test]
    fn unrun_tasks_come_first_again_in_order() {
        let mut lanes = Lanes::default();
        for task in 1..=4 {
            lanes.push(keyed("a"), task);
        }
        let batch = lanes.take(1, 3, 100);
        lanes.release(&[keyed("a")], batch.into_iter().skip(1).collect());
        let again: Vec<i32> = lanes.take(1, 9, 100).into_iter().map(|(_, task)| task).collect();
        assert_eq!(again, vec![2, 3, 4]);
        lanes.release(&[keyed("a")], vec![]);
        assert_eq!((lanes.len(), lanes.ready(), lanes.waiting.len()), (0, 0, 0));
    }

    #[test]
    fn what_is_taken_together_weighs_no_more_than_it_may_and_the_heaviest_goes_alone() {
        let mut lanes = Lanes::default();
        for task in [3, 4, 5] {
            lanes.push(keyed("a"), task);
        }
        lanes.push(keyed("b"), 50);
        lanes.push(keyed("c"), 1);
        assert_eq!(lanes.take(8, 8, 10), vec![(keyed("a"), 3), (keyed("a"), 4)]);
        assert_eq!(lanes.take(8, 8, 10), vec![(keyed("b"), 50)]);
        lanes.release(&[keyed("a")], vec![]);
        assert_eq!(lanes.take(8, 8, 10), vec![(keyed("c"), 1), (keyed("a"), 5)]);
    }

    #[test]
    fn tenants_take_turns_however_many_lanes_one_of_them_has() {
        let mut lanes = Lanes::default();
        let tenant = |name: &str| TenantId::new(name).expect("tenant");
        for number in 1..=100 {
            let lane = lanes.single(tenant("loud"));
            lanes.push(lane, -number);
        }
        let lane = lanes.single(tenant("calm"));
        lanes.push(lane, 7);
        assert_eq!((lanes.calls_of(&tenant("loud")), lanes.calls_of(&tenant("calm"))), (100, 0));
        let batch: Vec<i32> = lanes.take(3, 32, 100).into_iter().map(|(_, task)| task).collect();
        assert_eq!(batch, [-1, 7, -2]);
        assert_eq!((lanes.calls_of(&tenant("loud")), lanes.len(), lanes.ready()), (98, 98, 98));
        assert_eq!(lanes.drain().len(), 98);
        assert_eq!((lanes.calls_of(&tenant("loud")), lanes.len(), lanes.ready()), (0, 0, 0));
    }
}
