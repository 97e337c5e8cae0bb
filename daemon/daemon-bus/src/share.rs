//! What each tenant holds of a subscription's window, and which tenants have events left in the log and whose turn it is
//! to be read on. A tenant may hold a fair part only, so that no storm of one keeps the events of others out.

use contract_model::{Sequence, TenantId};
use std::collections::{BTreeMap, VecDeque};

/// Tenants that hold something or have left something. Others are not kept.
#[derive(Debug)]
pub(crate) struct Shares {
    window: usize,
    behind_max: usize,
    held: usize,
    tenants: BTreeMap<TenantId, Share>,
    /// Those that have left something; the first was read on longest ago.
    turns: VecDeque<TenantId>,
}

#[derive(Debug, Default)]
struct Share {
    /// Its events in memory.
    held: usize,
    /// Its events from here on are in the log only.
    left: Option<Sequence>,
}

impl Shares {
    pub(crate) fn new(window: usize, behind_max: usize) -> Self {
        Self { window, behind_max: behind_max.max(1), held: 0, tenants: BTreeMap::new(), turns: VecDeque::new() }
    }

    /// A tenant holds one event more.
    pub(crate) fn took(&mut self, tenant: &TenantId) {
        self.held += 1;
        match self.tenants.get_mut(tenant) {
            Some(share) => share.held += 1,
            None => drop(self.tenants.insert(tenant.clone(), Share { held: 1, left: None })),
        }
    }

    /// A tenant holds one event less.
    pub(crate) fn gave(&mut self, tenant: &TenantId) {
        self.held -= 1;
        if let Some(share) = self.tenants.get_mut(tenant) {
            share.held -= 1;
            self.forget_if_done(tenant);
        }
    }

    /// Whether a tenant may hold one event more.
    pub(crate) fn has_room(&self, tenant: &TenantId) -> bool {
        let share = self.tenants.get(tenant);
        let others = self.tenants.len() - usize::from(share.is_some());
        self.held < self.window && share.map_or(0, |share| share.held) < self.part(others + 1)
    }

    /// What each of so many tenants may hold. There is always one part more than tenants, for who comes next.
    fn part(&self, tenants: usize) -> usize {
        (self.window / (tenants + 1)).max(1)
    }

    /// Whether an event is one of those that its tenant has left in the log.
    pub(crate) fn has_left(&self, tenant: &TenantId, sequence: Sequence) -> bool {
        self.left(tenant).is_some_and(|first| first <= sequence)
    }

    /// From where on a tenant's events are in the log only.
    pub(crate) fn left(&self, tenant: &TenantId) -> Option<Sequence> {
        self.tenants.get(tenant).and_then(|share| share.left)
    }

    /// How many tenants have left something.
    pub(crate) fn behind(&self) -> usize {
        self.turns.len()
    }

    /// Whether no further tenant may leave something.
    pub(crate) fn is_crowded(&self) -> bool {
        self.turns.len() >= self.behind_max
    }

    /// Whether a tenant may leave something: it has already, or one more may.
    pub(crate) fn may_leave(&self, tenant: &TenantId) -> bool {
        self.left(tenant).is_some() || !self.is_crowded()
    }

    /// A tenant's events from this one on are left in the log until it is their turn.
    pub(crate) fn leave(&mut self, tenant: &TenantId, from: Sequence) {
        let share = self.tenants.entry(tenant.clone()).or_default();
        if share.left.is_none() {
            self.turns.push_back(tenant.clone());
        }
        share.left = Some(share.left.map_or(from, |first| first.min(from)));
    }

    /// A tenant was read on as far as before `next`, or up to where all new events come by themselves. Others have
    /// their turn before it is read on again.
    pub(crate) fn read_on(&mut self, tenant: &TenantId, next: Option<Sequence>) {
        let Some(share) = self.tenants.get_mut(tenant) else { return };
        share.left = next;
        self.turns.retain(|other| other != tenant);
        if next.is_some() {
            self.turns.push_back(tenant.clone());
        }
        self.forget_if_done(tenant);
    }

    /// The tenant to be read on, from where, and how many of its events: the one that holds least, and of several the
    /// one whose turn it is. None while those who have left something hold most of their part.
    pub(crate) fn next(&self) -> Option<(TenantId, Sequence, usize)> {
        let part = self.part(self.tenants.len());
        let room = self.window.saturating_sub(self.held).min(part);
        let waiting = self.turns.iter().filter_map(|tenant| Some((tenant, self.tenants.get(tenant)?)));
        let (tenant, share) = waiting.min_by_key(|(_, share)| share.held)?;
        let wanted = room > 0 && share.held <= part / 2;
        wanted.then(|| Some((tenant.clone(), share.left?, room.min(part - share.held).max(1))))?
    }

    /// The first event that any tenant has left.
    pub(crate) fn first_left(&self) -> Option<Sequence> {
        self.turns.iter().filter_map(|tenant| self.left(tenant)).min()
    }

    fn forget_if_done(&mut self, tenant: &TenantId) {
        if self.tenants.get(tenant).is_some_and(|share| share.held == 0 && share.left.is_none()) {
            self.tenants.remove(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a tenant")
    }

    #[test]
    fn a_tenant_alone_leaves_room_for_the_next() {
        let mut shares = Shares::new(8, 9);
        let (loud, calm) = (tenant("loud"), tenant("calm"));
        let mut taken = 0;
        while shares.has_room(&loud) {
            shares.took(&loud);
            taken += 1;
        }
        assert_eq!(taken, 4);
        assert!(shares.has_room(&calm));
    }

    #[test]
    fn who_holds_least_is_read_on_first_and_equals_take_turns() {
        let mut shares = Shares::new(12, 9);
        for name in ["a", "b", "c"] {
            shares.leave(&tenant(name), Sequence(5));
        }
        shares.took(&tenant("a"));
        let next = |shares: &Shares| shares.next().map(|(tenant, _, _)| tenant.as_str().to_owned());
        assert_eq!(next(&shares).as_deref(), Some("b"));
        shares.read_on(&tenant("b"), Some(Sequence(9)));
        assert_eq!(next(&shares).as_deref(), Some("c"));
        shares.read_on(&tenant("c"), None);
        assert_eq!(next(&shares).as_deref(), Some("b"));
        assert_eq!(shares.first_left(), Some(Sequence(5)));
        shares.leave(&tenant("b"), Sequence(7));
        assert!(shares.has_left(&tenant("b"), Sequence(8)) && !shares.has_left(&tenant("b"), Sequence(6)));
    }

    #[test]
    fn a_tenant_with_nothing_is_forgotten() {
        let mut shares = Shares::new(4, 9);
        shares.took(&tenant("a"));
        shares.leave(&tenant("a"), Sequence(2));
        shares.gave(&tenant("a"));
        shares.read_on(&tenant("a"), None);
        assert!(shares.tenants.is_empty() && shares.turns.is_empty() && shares.next().is_none());
    }
}
