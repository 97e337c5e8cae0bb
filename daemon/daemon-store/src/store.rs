//! The store itself: deciding, viewing, closing.

use crate::decide::stage;
use crate::declare;
use crate::error::{Refused, StoreError};
use crate::files::DATA_FILE;
use crate::flush;
use crate::folder::{self, STORE_FORMAT};
use crate::inspect::Commit;
use crate::key::Keyspace;
use crate::layers::Layers;
use crate::metrics::Metrics;
use crate::mover;
use crate::opening::{self, Opened};
use crate::options::Options;
use crate::pin::no_commit;
use crate::prepare::{Prepared, prepare};
use crate::reads::ReadSet;
use crate::record::document_key;
use crate::state::{Flushed, Shared, State};
use crate::tenant::{Scope, Tenant};
use crate::unit::{Decided, Synced, Unit};
use crate::verify::{VerifyReport, verify};
use crate::view::View;
use crate::wal;
use contract_model::collection::Collection;
use contract_model::{Event, Sequence, TenantId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// What the observer hears, in order.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// A unit with events was decided. They may still be undone: hold back effects outside the store until
    /// the unit is synced.
    Decided {
        /// The epoch.
        epoch: u64,
        /// The events, with their sequences.
        events: &'a [Arc<Event>],
    },
    /// Everything after `sequence` never happened.
    Undone {
        /// The epoch that begins.
        epoch: u64,
        /// The last event that remains.
        sequence: Sequence,
    },
}

/// How large the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The store's id.
    pub store: String,
    /// The format it is written in.
    pub format: u32,
    /// The id of the key it is encrypted with, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Events in the log.
    pub events: u64,
    /// Bytes of pages in use.
    pub used_bytes: u64,
    /// The most it may grow to.
    pub map_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of free pages that are kept for whoever still reads an older commit: backups, exports, walks.
    pub kept_bytes: u64,
    /// For how long the oldest of those keeps them, in milliseconds; 0 if nobody does.
    pub kept_ms: u64,
    /// Entries by keyspace, as far as they are on disk.
    pub entries: BTreeMap<&'static str, u64>,
}

/// The store. Clones are the same store; the folder is free again when the last clone and view are gone.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    looked_over: bool,
    /// The flusher and the mover.
    threads: Mutex<Option<[JoinHandle<()>; 2]>>,
}

impl Store {
    /// Opens the store in a folder, or makes one there.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "how a store is opened is said once, and is the store's from then on"
    )]
    pub fn open(folder: &Path, options: Options) -> Result<Self, StoreError> {
        let lock = folder::lock(folder)?;
        let Opened { disk, anchor, store_id, head, registry, looked_over, mut wal, log, moved } =
            opening::open(folder, &options)?;
        let state = State::new(head, registry, disk.used_at_open()?, moved, log);
        let shared = Shared::new(disk, anchor, state, store_id, folder.to_owned(), options.query_limits, lock);
        let shared = Arc::new(shared);
        let flusher = thread("store-flusher", &shared, move |shared| flush::run(shared, &mut wal))?;
        let mover = thread("store-mover", &shared, mover::run)?;
        Ok(Self(Arc::new(Handle { shared, looked_over, threads: Mutex::new(Some([flusher, mover])) })))
    }

    /// Decides a unit of work: checks that what it read still holds and stores all of it, or refuses it.
    /// Takes microseconds; later views see the unit at once. It is durable when [`Decided::synced`] says so.
    pub fn decide(&self, unit: Unit, reads: ReadSet) -> Result<Decided, Refused> {
        self.decide_prepared(&mut self.prepare(unit)?, reads)
    }

    /// The first half of [`Store::decide`]: encodes a unit and checks what hangs on nothing but itself. Whoever decides
    /// under a lock of its own does this before it takes it.
    pub fn prepare(&self, unit: Unit) -> Result<Prepared, Refused> {
        let registry = Arc::clone(&self.shared().lock().registry);
        prepare(&registry, unit)
    }

    /// What the log holds counts in full until it is in the map, also where it makes room. So whoever is refused for want
    /// of room has it moved there.
    fn measure(&self) {
        self.shared().wants_measure.store(true, Ordering::Relaxed);
        self.shared().work.notify_one();
    }

    /// The second half. What is refused keeps its events, for [`Prepared::into_events`], and is good for nothing else.
    #[expect(clippy::needless_pass_by_value, reason = "what was read is good for one unit, not for a second one")]
    pub fn decide_prepared(&self, prepared: &mut Prepared, reads: ReadSet) -> Result<Decided, Refused> {
        let Prepared { admitted, awaited, .. } = *prepared;
        let mut guard = self.shared().lock();
        let state = &mut *guard;
        if let Err(refusal) = state.admit(admitted, self.shared().disk.map_bytes) {
            if matches!(refusal, Refused::Full { .. }) {
                self.measure();
            }
            return Err(refusal);
        }
        state.check_reads(&reads)?;
        let mut head = state.head;
        head.position += 1;
        let (layers, registry) = state.layers(&self.shared().disk)?;
        let outcome = stage(layers, registry, head, prepared)?;
        head.sequence.0 += outcome.events.len() as u64;
        head.link = outcome.link.unwrap_or(head.link);
        let (synced, is_news) = state.accept(head, outcome.changes, awaited);
        let epoch = state.epoch;
        if let Some(observer) = state.observer.as_ref().filter(|_| !outcome.events.is_empty()) {
            observer(Notice::Decided { epoch, events: &outcome.events });
        }
        drop(guard);
        self.shared().meter.compacted(outcome.compacted);
        if is_news {
            self.shared().work.notify_one();
        }
        Ok(Decided { position: head.position, epoch, events: outcome.events, revisions: outcome.revisions, synced })
    }

    /// Adds to what a unit relies on: records of a scope that it did not read from its view, each as it was at a
    /// position of this epoch. A unit that has read nothing else gives an empty set.
    pub fn rely<'a>(
        &self,
        mut reads: ReadSet,
        epoch: u64,
        scope: &Scope,
        records: impl IntoIterator<Item = (&'a str, &'a str, u64)>,
    ) -> Result<ReadSet, StoreError> {
        let (registry, head) = {
            let state = self.shared().lock();
            (Arc::clone(&state.registry), state.head)
        };
        // Of two epochs one is over, and what was read in it with it: the set then never holds.
        reads.seen.get_or_insert((epoch, head.position)).0 = epoch;
        for (collection, id, position) in records {
            let declared = registry.collection(collection)?;
            reads.earlier.insert(document_key(scope.number(), declared.number, id), position);
        }
        Ok(reads)
    }

    /// Whether everything that was read is still as it was read.
    pub fn holds(&self, reads: &ReadSet) -> Result<(), Refused> {
        self.shared().lock().check_reads(reads)
    }

    /// A consistent snapshot of everything decided.
    pub fn view(&self) -> Result<View, StoreError> {
        View::new(self.shared())
    }

    /// A consistent snapshot of what is on disk. It costs more than [`Store::view`] and sees less; it is for who was
    /// told that what it saw was undone, and must not see such things again.
    pub fn synced_view(&self) -> Result<View, StoreError> {
        View::of_the_synced(self.shared())
    }

    /// Declares collections; what is already declared like this costs nothing. A changed definition replaces
    /// the one of the same name, and its indexes are rebuilt before this returns. Blocks until it is on disk.
    pub fn declare(&self, collections: Vec<Collection>) -> Result<(), StoreError> {
        let (synced, ()) = self.register(|state, disk| {
            let (layers, registry) = state.layers(disk)?;
            let (next, changes) = declare::declare(layers, registry, collections)?;
            Ok::<_, StoreError>((next, changes, ()))
        })?;
        synced.map_or(Ok(()), Synced::wait)
    }

    /// Whether collections could be declared as things stand. Nothing is.
    pub fn check_declarable(&self, collections: Vec<Collection>) -> Result<(), StoreError> {
        let mut state = self.shared().lock();
        if state.stopping {
            return Err(StoreError::Closed);
        }
        let (layers, registry) = state.layers(&self.shared().disk)?;
        declare::declare(layers, registry, collections).map(drop)
    }

    /// The definition of a collection, if one is declared.
    pub fn collection(&self, name: &str) -> Option<Collection> {
        self.shared().lock().registry.declared(name).map(|declared| declared.definition.clone())
    }

    /// The tenant of this name.
    pub fn tenant(&self, id: &TenantId) -> Option<Tenant> {
        self.shared().lock().registry.tenant(id).cloned()
    }

    /// The most that its pages in use may come to.
    pub fn bytes_max(&self) -> u64 {
        self.shared().disk.map_bytes
    }

    /// All tenants, by name.
    pub fn tenants(&self) -> Vec<Tenant> {
        self.shared().lock().registry.tenants().cloned().collect()
    }

    /// Counts undone flushes. Whatever was seen in an older epoch may not have happened.
    pub fn epoch(&self) -> u64 {
        self.shared().epoch.load(Ordering::Acquire)
    }

    /// Tells when the epoch changes.
    pub fn epochs(&self) -> watch::Receiver<u64> {
        self.shared().epochs.subscribe()
    }

    /// Tells how far the disk is, after every flush.
    pub fn flushes(&self) -> watch::Receiver<Flushed> {
        self.shared().flushed.subscribe()
    }

    /// Resolves when everything that a view of this epoch and position has seen is on disk, or with an error
    /// when a failed flush has undone some of it.
    pub async fn synced_at(&self, epoch: u64, position: u64) -> Result<(), StoreError> {
        self.reached(epoch, |flushed| flushed.position >= position).await
    }

    /// Resolves when every event up to this one, as it was decided in this epoch, is on disk, or with an error when a
    /// failed flush has undone some of them. It waits for no later unit's flush.
    pub async fn synced_through(&self, epoch: u64, sequence: Sequence) -> Result<(), StoreError> {
        self.reached(epoch, |flushed| flushed.sequence >= sequence).await
    }

    async fn reached(&self, epoch: u64, is_there: impl Fn(&Flushed) -> bool) -> Result<(), StoreError> {
        let mut flushes = self.flushes();
        if !is_there(&flushes.borrow()) {
            // It may be lying there with nobody waiting for it.
            self.shared().lock().awaited = true;
            self.shared().work.notify_one();
        }
        let reached = flushes.wait_for(|flushed| flushed.epoch != epoch || is_there(flushed)).await;
        match reached.map(|flushed| flushed.epoch == epoch) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.shared().lock().undone()),
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Resolves when everything decided until now is on disk, or with an error when a flush has failed since that
    /// epoch: whoever takes the epoch before it decides or looks, and asks this before it answers, tells nothing
    /// that was undone meanwhile.
    pub async fn synced_since(&self, epoch: u64) -> Result<(), StoreError> {
        let (now, position) = {
            let state = self.shared().lock();
            (state.epoch, state.head.position)
        };
        if now != epoch {
            return Err(self.shared().lock().undone());
        }
        self.synced_at(epoch, position).await
    }

    /// Moves everything decided until now from the log into the map, and blocks until it is there: whoever copies the
    /// map alone then copies all of it.
    pub(crate) fn settle_into_map(&self) -> Result<(), StoreError> {
        let shared = self.shared();
        let mut state = shared.lock();
        let (epoch, position) = (state.epoch, state.head.position);
        state.wanted_in_map += 1;
        let outcome = loop {
            if state.moved >= position || state.is_all_in_map() {
                break Ok(());
            }
            if state.epoch != epoch {
                break Err(state.undone());
            }
            if state.log_is_closed {
                break Err(StoreError::Closed);
            }
            if let Some(stuck) = &state.stuck {
                break Err(stuck.clone());
            }
            state.awaited = true;
            shared.work.notify_one();
            state = shared.moves.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.wanted_in_map -= 1;
        outcome
    }

    /// Sets who hears of decided events and undone flushes, in order. It is called under the store's lock by
    /// whoever decides: it must only hand on, and must not call the store.
    pub fn observe(&self, observer: impl Fn(Notice<'_>) + Send + Sync + 'static) {
        self.shared().lock().observer = Some(Box::new(observer));
    }

    /// What the flusher has done.
    pub fn metrics(&self) -> Metrics {
        let state = self.shared().lock();
        let queue = (state.waiting.len() + state.flushing_units) as u64;
        let log_bytes = state.durable_bytes + state.moving_bytes;
        drop(state);
        self.shared().meter.read(queue, log_bytes)
    }

    /// How large the store is.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let state = self.shared().lock();
        let (events, used_bytes) = (state.synced.head.sequence.0, state.used_bytes);
        drop(state);
        let disk = &self.shared().disk;
        let txn = disk.read()?;
        let oldest = disk.readers.as_ref().and_then(|table| self.shared().readers.oldest(table));
        let kept = oldest.and_then(|oldest| {
            let commit = Commit::of(&self.shared().folder, txn.id() as u64)?;
            Some(commit.kept_bytes(oldest.transaction))
        });
        let count = |keyspace: Keyspace| disk.count(&txn, keyspace).map(|count| (keyspace.name(), count));
        Ok(Stats {
            store: self.shared().store_id.clone(),
            format: STORE_FORMAT,
            key: disk.vault.key().map(|key| key.id().to_string()),
            events,
            used_bytes,
            map_bytes: disk.map_bytes,
            file_bytes: disk.file_bytes()?,
            kept_bytes: kept.unwrap_or(0),
            kept_ms: oldest.map_or(0, |oldest| u64::try_from(oldest.keeps.as_millis()).unwrap_or(u64::MAX)),
            entries: Keyspace::ALL.into_iter().map(count).collect::<Result<_, _>>()?,
        })
    }

    /// Walks the whole store and reports everything that is wrong with it.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        let state = self.shared().lock();
        let (head, registry) = (state.head, Arc::clone(&state.registry));
        let (recent, moving) = (state.recent.clone(), state.moving.clone());
        let txn = self.shared().disk.read()?;
        // Under the lock, which the mover takes after each commit, so that this one is not two commits old.
        let commit = Commit::of(&self.shared().folder, txn.id() as u64);
        drop(state);
        let pages = commit.ok_or_else(|| no_commit(&self.shared().folder))?.inspect(&self.shared().disk.vault);
        let layers = Layers { recent: &recent, moving: &moving, disk: &self.shared().disk, txn: &txn };
        verify(pages, layers, &registry, head)
    }

    /// Whether the whole file was looked over when it was opened. If not, it is to be walked with
    /// [`verify_folder`](crate::verify_folder) in a process of its own while it is served.
    pub fn is_looked_over(&self) -> bool {
        self.0.looked_over
    }

    /// From now on a fault in the mapped file, as when its disk fails or the file is cut, ends this process with an
    /// exit code and a word on stderr, where it would else be ended by a signal.
    pub fn end_on_fault(&self, exit_code: i32) -> Result<(), StoreError> {
        crate::fault::guard(&self.folder().join(DATA_FILE), exit_code)
    }

    /// The folder it lies in.
    pub fn folder(&self) -> PathBuf {
        self.shared().folder.clone()
    }

    /// Writes what waits and stops. Later units are refused; the folder is free when all clones are gone.
    pub fn close(&self) {
        self.0.close();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

#[cfg(test)]
impl Store {
    /// A backup as a process beside this one would write it: LMDB lets no process open a file twice.
    pub(crate) fn back_up(&self, now_ms: u64, out: &mut dyn std::io::Write) -> Result<crate::Backup, StoreError> {
        crate::backup::framed(out, |writer| {
            let state = self.shared().lock();
            // What is decided and not synced may still be undone.
            let (recent, moving) = (state.durable(), state.moving.clone());
            let txn = self.shared().disk.read()?;
            drop(state);
            let layers = Layers { recent: &recent, moving: &moving, disk: &self.shared().disk, txn: &txn };
            let patience = crate::Patience::from(std::time::Duration::from_hours(1));
            crate::backup::write(layers, STORE_FORMAT, now_ms, patience, writer)
        })
    }

    /// The number that a collection's keys go by.
    pub(crate) fn number_of(&self, collection: &str) -> u32 {
        self.shared().lock().registry.declared(collection).expect("declared").number
    }

    /// All keys of a keyspace that are on disk.
    pub(crate) fn keys_of(&self, keyspace: Keyspace) -> Vec<crate::key::Key> {
        let disk = &self.shared().disk;
        let txn = disk.read().expect("a transaction");
        let entries = disk.entries(&txn, keyspace, &[], std::ops::Bound::Unbounded, false).expect("entries");
        entries.map(|entry| [&[keyspace as u8], entry.expect("an entry").0].concat().into()).collect()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.shared().folder).finish()
    }
}

impl Handle {
    fn close(&self) {
        let Some([flusher, mover]) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        self.shared.lock().stopping = true;
        self.shared.work.notify_one();
        let mut ended = flusher.join();
        self.shared.lock().log_is_closed = true;
        self.shared.moves.notify_all();
        ended = mover.join().and(ended);
        if ended.is_err() {
            tracing::error!("a thread of the store panicked; what it had not written is undone");
            return;
        }
        let state = self.shared.lock();
        let is_moved = state.moved == state.synced.head.position;
        drop(state);
        if !is_moved {
            // The log stays, and a start reads it. Only of the map alone can it be said that nothing more was written.
            return;
        }
        if let Err(error) = wal::remove(&self.shared.folder) {
            tracing::warn!(%error, "the store's log, which is in its map, stays beside it");
        }
        self.shared.anchor.close();
    }
}

fn thread(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce(&Shared) + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let shared = Arc::clone(shared);
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
    started.map_err(|e| StoreError::io("start its threads", e))
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
