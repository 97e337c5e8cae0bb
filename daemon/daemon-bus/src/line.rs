//! The line of lanes that can be served: tenants take turns, and within a tenant it goes by priority, first come, first
//! served among equals.

use crate::subscription::Lane;
use contract_model::TenantId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// One tenant's lanes, the highest priority first, and among equals the one that joined first.
type Places = BTreeMap<(Reverse<i32>, u64), Arc<Lane>>;

#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Looked up, never walked.
    lanes: HashMap<TenantId, Places>,
    /// The tenants that have lanes here, the next first.
    turns: VecDeque<TenantId>,
    joined: u64,
}

impl Line {
    /// Joins its tenant's line behind all of at least its priority.
    pub(crate) fn push(&mut self, priority: i32, lane: Arc<Lane>) {
        let place = (Reverse(priority), self.joined);
        self.joined += 1;
        if let Some(lanes) = self.lanes.get_mut(&lane.tenant) {
            lanes.insert(place, lane);
            return;
        }
        self.turns.push_back(lane.tenant.clone());
        self.lanes.insert(lane.tenant.clone(), BTreeMap::from([(place, lane)]));
    }

    /// Takes the first lane of the tenant whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<Arc<Lane>> {
        let tenant = self.turns.pop_front()?;
        let lanes = self.lanes.get_mut(&tenant)?;
        let lane = lanes.pop_first().map(|(_, lane)| lane);
        if lanes.is_empty() {
            self.lanes.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(line: &mut Line, priority: i32, tenant: &str, key: &str) {
        let tenant = TenantId::new(tenant).expect("a tenant");
        line.push(priority, Arc::new(Lane { tenant, key: key.to_owned() }));
    }

    fn order(line: &mut Line) -> Vec<String> {
        std::iter::from_fn(|| line.pop()).map(|lane| lane.key.clone()).collect()
    }

    #[test]
    fn the_highest_priority_is_first_and_equals_keep_their_order() {
        let mut line = Line::default();
        for (priority, key) in [(0, "a"), (5, "b"), (0, "c"), (i32::MIN, "d"), (5, "e")] {
            push(&mut line, priority, "demo", key);
        }
        assert_eq!(order(&mut line), ["b", "e", "a", "c", "d"]);
    }

    #[test]
    fn tenants_take_turns_whatever_their_priorities() {
        let mut line = Line::default();
        for (tenant, priority, key) in [
            ("loud", 9, "l1"),
            ("loud", 9, "l2"),
            ("loud", 9, "l3"),
            ("calm", 0, "c1"),
            ("calm", 1, "c2"),
            ("meek", -9, "m1"),
        ] {
            push(&mut line, priority, tenant, key);
        }
        assert_eq!(order(&mut line), ["l1", "c2", "m1", "l2", "c1", "l3"]);
    }
}
