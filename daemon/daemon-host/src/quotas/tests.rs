//! Quotas while tenants are erased: whatever falls between the steps of whom, nothing of one is left.

use super::*;
use daemon_store::{Beside, Options};

/// Takes a step of its own each time that it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    /// Takes events out of what the tenant may publish, and gives them back when the store has refused them.
    Publisher,
    /// Sets a quota for the tenant: reads what there is, stores it, and puts it in force.
    Operator,
    /// Erases the tenant in the store, then in memory.
    Eraser,
}

use Actor::{Eraser, Operator, Publisher};

/// Every order in which these steps can follow one another.
fn orders(publisher: usize, operator: usize, eraser: usize) -> Vec<Vec<Actor>> {
    let left = [(Publisher, publisher), (Operator, operator), (Eraser, eraser)];
    if left.iter().all(|(_, steps)| *steps == 0) {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (first, _) in left.iter().filter(|(_, steps)| *steps > 0) {
        let less = |actor| left.iter().find(|one| one.0 == actor).map_or(0, |one| one.1) - usize::from(actor == *first);
        let rest = orders(less(Publisher), less(Operator), less(Eraser));
        all.extend(rest.into_iter().map(|rest| [vec![*first], rest].concat()));
    }
    all
}

fn run(store: &Store, quotas: &Quotas, tenant: &TenantId, order: &[Actor]) {
    store.create_tenant(tenant, "").expect("made");
    quotas.forget(tenant);
    let wanted = Wanted { kind: Kind::TenantEvents, of: Some(tenant.to_string()), value: Some(3) };
    let mut drafted = None;
    let mut steps = [0; 3];
    for actor in order {
        let step = &mut steps[*actor as usize];
        *step += 1;
        match (actor, *step) {
            (Publisher, 1) => quotas.admit_events(store, tenant, None, 1).expect("there is room"),
            (Publisher, _) => quotas.give_back(tenant, None, 1),
            (Operator, 1) => drafted = wanted.draft(store).ok(),
            (Operator, 2) => {
                if let Some((unit, reads)) = drafted.take()
                    && let Err(refusal) = store.decide(unit, reads)
                {
                    assert!(matches!(refusal, Refused::Conflict { .. }), "{refusal}");
                    // As whoever stores it does: once more, and now the tenant is gone.
                    let refused = wanted.store(store).expect_err("nobody is there");
                    assert_eq!(refused.error.code, "NOT_FOUND", "{}", refused.error.message);
                }
            }
            (Operator, _) => quotas.renew(store).expect("read"),
            (Eraser, 1) => {
                let beside = Beside { writes: Vec::new(), reads: ReadSet::default(), time_ms: 1 };
                store.erase_tenant_with(tenant, beside).expect("erased");
            }
            (Eraser, _) => quotas.forget(tenant),
        }
    }
}

#[test]
fn nothing_is_left_of_a_tenant_that_is_erased_whatever_else_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("a store");
    let quotas = Quotas::default();
    let orders = orders(2, 3, 2);
    assert_eq!(orders.len(), 210);
    for (n, order) in orders.iter().enumerate() {
        let tenant = TenantId::new(&format!("tenant-{n}")).expect("a name");
        run(&store, &quotas, &tenant, order);
        let state = quotas.state();
        assert!(!state.tenants.contains_key(&tenant), "an allowance is left: {order:?}");
        assert_eq!(state.set, [], "a quota is left in force: {order:?}");
        drop(state);
        let left = store.view().expect("a view").meta(&tenant_meta(&tenant, KEY)).expect("read");
        assert_eq!(left, None, "a quota is left in the store: {order:?}");
    }
    assert_eq!(store.verify().expect("verified").findings, [""; 0]);
}

/// The same with threads, which also come in the midst of a step.
#[test]
fn an_allowance_is_not_made_again_for_a_tenant_that_is_being_erased() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), Options { map_bytes: 64 << 20, ..Options::default() }).expect("a store");
    let quotas = Quotas::default();
    for n in 0..20 {
        let tenant = TenantId::new(&format!("tenant-{n}")).expect("a name");
        store.create_tenant(&tenant, "").expect("made");
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ended.load(Relaxed) {
                        quotas.admit_events(&store, &tenant, Some("ap"), 1).expect("there is room");
                        quotas.give_back(&tenant, Some("ap"), 1);
                    }
                });
            }
            let beside = Beside { writes: Vec::new(), reads: ReadSet::default(), time_ms: 1 };
            store.erase_tenant_with(&tenant, beside).expect("erased");
            quotas.forget(&tenant);
            std::thread::yield_now();
            ended.store(true, Relaxed);
        });
        assert!(quotas.state().tenants.is_empty(), "round {n}");
    }
}
