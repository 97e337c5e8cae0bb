//! Making tenants and erasing them. What the daemon keeps of its own about either, such as tokens and a note of who did it,
//! goes into the same commit: a crash leaves both or neither.

use crate::decide::stage;
use crate::declare;
use crate::disk::Disk;
use crate::erase::{self, Erased, Sweep};
use crate::error::{Refused, StoreError};
use crate::head::Head;
use crate::overlay::Changes;
use crate::prepare::prepare;
use crate::reads::ReadSet;
use crate::registry::Registry;
use crate::state::{Admitted, State};
use crate::store::Store;
use crate::tenant::{Erasure, Scope, Tenant};
use crate::unit::{Synced, Unit, Write};
use contract_model::TenantId;
use std::sync::Arc;

/// Records of the daemon's own that are stored with a change of tenants, and what they were made from.
#[derive(Debug)]
pub struct Beside {
    /// The writes, in the system's scope.
    pub writes: Vec<Write>,
    /// What was read for them; the change is refused as a conflict where that no longer holds.
    pub reads: ReadSet,
    /// Milliseconds since 1970.
    pub time_ms: u64,
}

impl Store {
    /// Makes a tenant. Blocks until it is on disk.
    pub fn create_tenant(&self, id: &TenantId, name: &str) -> Result<Tenant, StoreError> {
        let (synced, tenant) = self.register(|state, _| declare::create_tenant(&state.registry, id, name))?;
        synced.map_or(Ok(()), Synced::wait)?;
        Ok(tenant)
    }

    /// Makes a tenant and stores what is said beside it, both or neither. Blocks until that is on disk.
    pub fn create_tenant_with(&self, id: &TenantId, name: &str, beside: Beside) -> Result<Tenant, Refused> {
        self.shared().lock().admit(Admitted { grows: true, ..Admitted::default() }, self.shared().disk.map_bytes)?;
        let (synced, tenant) = self.register_with(beside, |registry| declare::create_tenant(registry, id, name))?;
        synced.map_or(Ok(()), Synced::wait)?;
        Ok(tenant)
    }

    /// Erases a tenant: its records, what its events held, and all else that is kept of it, in many units. From the first
    /// one on nobody reaches it, and that one stores what is said beside it, also in a full store: erasing makes room.
    /// Blocks until all of it is on disk and none of it in the log.
    pub fn erase_tenant_with(&self, id: &TenantId, beside: Beside) -> Result<Erased, Refused> {
        let now_ms = beside.time_ms;
        let (synced, tenant) = self.register_with(beside, |registry| {
            let tenant = registry.tenant(id).ok_or_else(|| StoreError::TenantUnknown { tenant: id.to_string() })?;
            let (next, changes) = erase::mark(registry, tenant, Erasure { began_ms: now_ms, ended_ms: None })?;
            Ok((next, changes, tenant.clone()))
        })?;
        synced.map_or(Ok(()), Synced::wait)?;
        Ok(self.go_on_erasing(&tenant, now_ms, now_ms)?)
    }

    /// Goes on with what a process that ended had begun to erase.
    pub fn finish_erasures(&self, now_ms: u64) -> Result<Vec<Erased>, StoreError> {
        let registry = Arc::clone(&self.shared().lock().registry);
        let begun = registry.tenants_ever().filter_map(|tenant| Some((tenant, tenant.row().erasure?)));
        let begun = begun.filter(|(_, erasure)| erasure.ended_ms.is_none());
        begun.map(|(tenant, erasure)| self.go_on_erasing(tenant, erasure.began_ms, now_ms)).collect()
    }

    fn go_on_erasing(&self, tenant: &Tenant, began_ms: u64, now_ms: u64) -> Result<Erased, StoreError> {
        let mut erased = Erased { tenant: tenant.id().clone(), entries: 0, events: 0 };
        // What somebody had in hand when the tenant was marked may come behind a sweep, so the last one finds nothing.
        loop {
            let (mut sweep, mut found) = (Sweep::default(), 0);
            while let Some((entries, events)) = self.erase_piece(tenant, &mut sweep)? {
                found += entries + events;
                erased.entries += entries;
                erased.events += events;
            }
            if found == 0 {
                break;
            }
        }
        self.mark_erased(tenant, Erasure { began_ms, ended_ms: Some(now_ms) })?;
        self.settle_into_map()?;
        Ok(erased)
    }

    pub(crate) fn mark_erased(&self, tenant: &Tenant, erasure: Erasure) -> Result<(), StoreError> {
        let (synced, ()) = self.register(|state, _| {
            let (next, changes) = erase::mark(&state.registry, tenant, erasure)?;
            Ok::<_, StoreError>((next, changes, ()))
        })?;
        synced.map_or(Ok(()), Synced::wait)
    }

    /// Erases a bounded piece and waits until that is on disk; nothing where nothing is left. A piece that has looked at
    /// others' entries alone is empty.
    pub(crate) fn erase_piece(&self, tenant: &Tenant, sweep: &mut Sweep) -> Result<Option<(u64, u64)>, StoreError> {
        let mut guard = self.shared().lock();
        let state = &mut *guard;
        if state.stopping {
            return Err(StoreError::Closed);
        }
        let (layers, _) = state.layers(&self.shared().disk)?;
        let piece = erase::next(layers, tenant, sweep)?;
        if piece.changes.is_empty() {
            return Ok((!sweep.is_over()).then_some((0, 0)));
        }
        let head = Head { position: state.head.position + 1, ..state.head };
        let (synced, _) = state.accept(head, piece.changes, true);
        drop(guard);
        self.shared().work.notify_one();
        synced.wait()?;
        self.shared().meter.compacted(piece.events);
        Ok(Some((piece.entries, piece.events)))
    }

    /// Changes the registry, and stores what is said beside it, as one unit.
    fn register_with<T>(
        &self,
        beside: Beside,
        change: impl FnOnce(&Registry) -> Result<(Registry, Changes, T), StoreError>,
    ) -> Result<(Option<Synced>, T), Refused> {
        let unit = Unit { writes: beside.writes, ..Unit::new(Scope::System, beside.time_ms) };
        let registry = Arc::clone(&self.shared().lock().registry);
        let mut prepared = prepare(&registry, unit)?;
        self.register(|state, disk| {
            state.check_reads(&beside.reads)?;
            let (next, mut changes, made) = change(&state.registry)?;
            let head = Head { position: state.head.position + 1, ..state.head };
            let (layers, registry) = state.layers(disk)?;
            changes.extend(stage(layers, registry, head, &mut prepared)?.changes);
            Ok::<_, Refused>((next, changes, made))
        })
    }

    /// Changes the registry as a unit of its own.
    pub(crate) fn register<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut State, &Disk) -> Result<(Registry, Changes, T), E>,
    ) -> Result<(Option<Synced>, T), E> {
        let mut guard = self.shared().lock();
        let state = &mut *guard;
        if state.stopping {
            return Err(StoreError::Closed.into());
        }
        let (next, changes, made) = change(state, &self.shared().disk)?;
        if changes.is_empty() {
            return Ok((None, made));
        }
        let head = Head { position: state.head.position + 1, ..state.head };
        let (synced, _) = state.accept(head, changes, true);
        state.registry = Arc::new(next);
        // Views of before know other indexes, so what they read by index cannot be checked any more.
        state.window.restart(head.position);
        drop(guard);
        self.shared().work.notify_one();
        Ok((Some(synced), made))
    }
}

#[cfg(test)]
impl Store {
    /// Erases a tenant of which nothing else is kept.
    pub(crate) fn erase_tenant(&self, id: &TenantId, time_ms: u64) -> Result<Erased, Refused> {
        self.erase_tenant_with(id, Beside { writes: Vec::new(), reads: ReadSet::default(), time_ms })
    }
}
