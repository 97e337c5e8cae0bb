//! Lanes: tasks that must run one after another, and which of them a worker takes next. Pure.

use contract_model::TenantId;
use std::collections::{HashMap, VecDeque};

/// What runs one after another: everything of a tenant with the same key. Tasks without a key have a
/// lane each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Shared by verbs and events of this key.
    Keyed(TenantId, String),
    /// Of one task alone.
    Single(u64),
}

/// Tasks waiting by lane. A lane is in exactly one state: absent, ready, or taken.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    waiting: HashMap<Lane, VecDeque<T>>,
    ready: VecDeque<Lane>,
    length: usize,
    singles: u64,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), ready: VecDeque::new(), length: 0, singles: 0 }
    }
}

impl<T> Lanes<T> {
    /// A lane for a task that shares nothing with others.
    pub(crate) fn single(&mut self) -> Lane {
        self.singles += 1;
        Lane::Single(self.singles)
    }

    /// Adds a task at the end of its lane.
    pub(crate) fn push(&mut self, lane: Lane, task: T) {
        self.length += 1;
        if let Some(queue) = self.waiting.get_mut(&lane) {
            queue.push_back(task);
        } else {
            self.waiting.insert(lane.clone(), VecDeque::from([task]));
            self.ready.push_back(lane);
        }
    }

    /// Takes up to `lanes_max` ready lanes with up to `tasks_max` tasks each. The lanes stay taken
    /// until they are released.
    pub(crate) fn take(&mut self, lanes_max: usize, tasks_max: usize) -> Vec<(Lane, T)> {
        let mut batch = Vec::new();
        for _ in 0..lanes_max {
            let Some(lane) = self.ready.pop_front() else { break };
            let Some(queue) = self.waiting.get_mut(&lane) else { continue };
            let count = queue.len().min(tasks_max);
            self.length -= count;
            batch.extend(queue.drain(..count).map(|task| (lane.clone(), task)));
        }
        batch
    }

    /// Gives back tasks that were taken but not run, in the order they were taken, and frees all lanes
    /// of the batch.
    pub(crate) fn release(&mut self, taken: &[Lane], unrun: Vec<(Lane, T)>) {
        for (lane, task) in unrun.into_iter().rev() {
            self.length += 1;
            self.waiting.entry(lane).or_default().push_front(task);
        }
        for lane in taken {
            match self.waiting.get(lane) {
                Some(queue) if queue.is_empty() => {
                    self.waiting.remove(lane);
                }
                Some(_) if !self.ready.contains(lane) => self.ready.push_back(lane.clone()),
                _ => {}
            }
        }
    }

    /// Everything that waits, emptied; lanes that are taken stay so.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let mut all = Vec::new();
        for lane in std::mem::take(&mut self.ready) {
            all.extend(self.waiting.remove(&lane).unwrap_or_default());
        }
        self.length = 0;
        all
    }

    /// Tasks waiting.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Lanes that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(key: &str) -> Lane {
        Lane::Keyed(TenantId::new("t").expect("tenant"), key.to_owned())
    }

    #[test]
    fn a_taken_lane_is_not_taken_again_until_released() {
        let mut lanes = Lanes::default();
        lanes.push(keyed("a"), 1);
        lanes.push(keyed("a"), 2);
        let batch = lanes.take(8, 1);
        assert_eq!(batch, vec![(keyed("a"), 1)]);
        lanes.push(keyed("a"), 3);
        assert!(lanes.take(8, 8).is_empty());
        lanes.release(&[keyed("a")], vec![]);
        assert_eq!(lanes.take(8, 8), vec![(keyed("a"), 2), (keyed("a"), 3)]);
    }

    #[test]
    fn unrun_tasks_come_first_again_in_order() {
        let mut lanes = Lanes::default();
        for task in 1..=4 {
            lanes.push(keyed("a"), task);
        }
        let batch = lanes.take(1, 3);
        lanes.release(&[keyed("a")], batch.into_iter().skip(1).collect());
        let again: Vec<i32> = lanes.take(1, 9).into_iter().map(|(_, task)| task).collect();
        assert_eq!(again, vec![2, 3, 4]);
        lanes.release(&[keyed("a")], vec![]);
        assert_eq!((lanes.len(), lanes.ready(), lanes.waiting.len()), (0, 0, 0));
    }
}
