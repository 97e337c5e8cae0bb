//! The line of lanes that can be served: by priority, and first come, first served among equals.

use crate::subscription::Lane;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Line {
    lanes: BTreeMap<(Reverse<i32>, u64), Arc<Lane>>,
    joined: u64,
}

impl Line {
    /// Joins the line behind all of at least its priority.
    pub(crate) fn push(&mut self, priority: i32, lane: Arc<Lane>) {
        self.lanes.insert((Reverse(priority), self.joined), lane);
        self.joined += 1;
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<Arc<Lane>> {
        self.lanes.pop_first().map(|(_, lane)| lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::TenantId;

    #[test]
    fn the_highest_priority_is_first_and_equals_keep_their_order() {
        let tenant = TenantId::new("demo").expect("a tenant");
        let mut line = Line::default();
        for (priority, key) in [(0, "a"), (5, "b"), (0, "c"), (i32::MIN, "d"), (5, "e")] {
            line.push(priority, Arc::new(Lane { tenant: tenant.clone(), key: key.to_owned() }));
        }
        let order: Vec<String> = std::iter::from_fn(|| line.pop()).map(|lane| lane.key.clone()).collect();
        assert_eq!(order, ["b", "e", "a", "c", "d"]);
    }
}
