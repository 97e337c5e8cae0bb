//! What the mutex guards: the decided state above the map, and who waits for the flush.

use crate::Notice;
use crate::allowance::QueryLimits;
use crate::anchor::Anchor;
use crate::disk::Disk;
use crate::error::{Refused, StoreError};
use crate::folder::FolderLock;
use crate::head::{Head, head_entry};
use crate::key::{Key, Keyspace};
use crate::layers::Layers;
use crate::metrics::Meter;
use crate::overlay::{Changes, Overlay, ReadTxn};
use crate::readers::Readers;
use crate::reads::{ReadSet, Stale, Window};
use crate::registry::Registry;
use crate::seal::Sealed;
use crate::unit::Synced;
use crate::wal::recover::Recovered;
use contract_model::Sequence;
use contract_model::limits::{STORE_HIGH_WATER_PERCENT, STORE_QUEUE_BYTES_MAX, STORE_QUEUE_UNITS_MAX};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// The longest that units lie before they are flushed while nobody waits for any of them.
pub const STORE_LINGER: Duration = Duration::from_millis(2);

/// Hears about decided and undone units, in order, while the store's lock is held.
pub(crate) type Observer = Box<dyn Fn(Notice<'_>) + Send + Sync>;

/// Shared by the store's clones, its views and its flusher.
pub(crate) struct Shared {
    pub(crate) disk: Disk,
    pub(crate) anchor: Anchor,
    state: Mutex<State>,
    /// Wakes the flusher.
    pub(crate) work: Condvar,
    /// Wakes the mover, and whoever waits for it.
    pub(crate) moves: Condvar,
    /// Somebody was refused for want of room, who may find some when what is synced is in the map. Set under the lock.
    pub(crate) wants_measure: AtomicBool,
    pub(crate) epochs: watch::Sender<u64>,
    /// The state's epoch, for who wants to know nothing else: it is asked for with every call, and the lock is the one
    /// thing that all calls want. Written under the lock.
    pub(crate) epoch: AtomicU64,
    pub(crate) flushed: watch::Sender<Flushed>,
    pub(crate) meter: Meter,
    pub(crate) readers: Readers,
    pub(crate) store_id: String,
    pub(crate) folder: PathBuf,
    pub(crate) query_limits: QueryLimits,
    /// Makes the next flush fail.
    #[cfg(test)]
    pub(crate) fails_next: std::sync::atomic::AtomicBool,
    /// Makes every move into the map fail.
    #[cfg(test)]
    pub(crate) fails_moves: std::sync::atomic::AtomicBool,
    /// The last to go, when the file is closed.
    _lock: FolderLock,
}

/// How far the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// Counts undone flushes.
    pub epoch: u64,
    /// Every unit up to this position that was not undone is on disk.
    pub position: u64,
    /// Every event up to this one that was not undone is on disk.
    pub sequence: Sequence,
}

/// What an undo goes back to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    pub(crate) head: Head,
    pub(crate) registry: Arc<Registry>,
}

/// An entry: what stands under a key, or none where it was deleted.
pub(crate) type Entry = (Key, Option<Sealed>);
/// Tells whoever waits for a unit that it is synced, or why it is not.
pub(crate) type Waiter = oneshot::Sender<Result<(), StoreError>>;

/// What something was laid over.
pub(crate) enum Replaced {
    Entry(Entry),
    /// There was nothing under this key above the map.
    Nothing(Key),
}

/// What is asked of a unit before it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Admitted {
    pub(crate) epoch: Option<u64>,
    pub(crate) grows: bool,
    pub(crate) must_pass: bool,
}

pub(crate) struct State {
    /// Everything decided that is neither in the map nor on its way there.
    pub(crate) recent: Overlay,
    /// What the next flush writes, in the order in which it was decided.
    pub(crate) pending: Vec<Entry>,
    /// What that took the place of, and what the flush at work did: an undo goes back by it.
    replaced: Vec<Replaced>,
    flushing: Vec<Replaced>,
    /// Synced, and being moved into the map. Kept until that is through, so that recent over moving over the map is
    /// always the whole.
    pub(crate) moving: Overlay,
    /// Bytes of the log that hold what is synced of `recent`, and those that hold `moving`.
    pub(crate) durable_bytes: u64,
    pub(crate) moving_bytes: u64,
    /// Position of the last unit in the map.
    pub(crate) moved: u64,
    /// Why nothing can be moved into the map at present.
    pub(crate) stuck: Option<StoreError>,
    /// Why the last flush that failed did.
    undone_by: Option<StoreError>,
    /// How many wait for all of it to be in the map.
    pub(crate) wanted_in_map: u32,
    /// For deciding; renewed after every move.
    txn: Option<ReadTxn>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) head: Head,
    pub(crate) synced: Base,
    pub(crate) epoch: u64,
    pub(crate) window: Window,
    pub(crate) waiting: Vec<Waiter>,
    pub(crate) waiting_bytes: usize,
    /// Since when the first of those has been waiting.
    pub(crate) waiting_since: Option<Instant>,
    /// Whether somebody waits for one of them to be synced.
    pub(crate) awaited: bool,
    pub(crate) flushing_units: usize,
    pub(crate) used_bytes: u64,
    pub(crate) stopping: bool,
    /// Nothing more comes into the log.
    pub(crate) log_is_closed: bool,
    pub(crate) observer: Option<Observer>,
}

impl Shared {
    pub(crate) fn new(
        disk: Disk,
        anchor: Anchor,
        state: State,
        store_id: String,
        folder: PathBuf,
        query_limits: QueryLimits,
        lock: FolderLock,
    ) -> Self {
        let flushed = Flushed { epoch: state.epoch, position: state.head.position, sequence: state.head.sequence };
        let epoch = state.epoch;
        Self {
            disk,
            anchor,
            state: Mutex::new(state),
            work: Condvar::new(),
            moves: Condvar::new(),
            wants_measure: AtomicBool::new(false),
            epochs: watch::Sender::new(0),
            epoch: AtomicU64::new(epoch),
            flushed: watch::Sender::new(flushed),
            meter: Meter::default(),
            readers: Readers::default(),
            store_id,
            folder,
            query_limits,
            #[cfg(test)]
            fails_next: std::sync::atomic::AtomicBool::default(),
            #[cfg(test)]
            fails_moves: std::sync::atomic::AtomicBool::default(),
            _lock: lock,
        }
    }

    /// Nothing under the lock panics half-way through a change, so a poisoned lock guards a sound state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait<'a>(&self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.work.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_for<'a>(&self, guard: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        self.work.wait_timeout(guard, most).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    pub(crate) fn new(head: Head, registry: Registry, used_bytes: u64, moved: u64, log: Recovered) -> Self {
        let registry = Arc::new(registry);
        let mut window = Window::default();
        window.restart(head.position);
        Self {
            recent: log.recent,
            pending: Vec::new(),
            replaced: Vec::new(),
            flushing: Vec::new(),
            moving: log.moving,
            durable_bytes: log.recent_bytes,
            moving_bytes: log.moving_bytes,
            moved,
            stuck: None,
            undone_by: None,
            wanted_in_map: 0,
            txn: None,
            registry: Arc::clone(&registry),
            head,
            synced: Base { head, registry },
            epoch: 0,
            window,
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_since: None,
            awaited: false,
            flushing_units: 0,
            used_bytes,
            stopping: false,
            log_is_closed: false,
            observer: None,
        }
    }

    /// The newest decided state.
    pub(crate) fn layers<'a>(&'a mut self, disk: &'a Disk) -> Result<(Layers<'a>, &'a Registry), StoreError> {
        if self.txn.is_none() {
            self.txn = Some(disk.read()?);
        }
        let txn = self.txn.as_ref().ok_or(StoreError::Closed)?;
        Ok((Layers { recent: &self.recent, moving: &self.moving, disk, txn }, &self.registry))
    }

    /// Whether a unit may be looked at at all.
    pub(crate) fn admit(&self, unit: Admitted, map_bytes: u64) -> Result<(), Refused> {
        let Admitted { epoch, grows, must_pass } = unit;
        if self.stopping {
            return Err(StoreError::Closed.into());
        }
        if epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(Refused::conflict("its cause, which was undone before it reached the disk"));
        }
        let units = (self.waiting.len() + self.flushing_units) as u64;
        if !must_pass && units >= STORE_QUEUE_UNITS_MAX {
            return Err(Refused::Overloaded { limit: "STORE_QUEUE_UNITS_MAX" });
        }
        if !must_pass && self.waiting_bytes as u64 >= STORE_QUEUE_BYTES_MAX {
            return Err(Refused::Overloaded { limit: "STORE_QUEUE_BYTES_MAX" });
        }
        if let Some(stuck) = self.stuck.as_ref().filter(|_| grows) {
            return Err(stuck.clone().into());
        }
        // What is not in the map yet will be.
        let used_bytes = self.used_bytes + self.durable_bytes + self.moving_bytes + self.waiting_bytes as u64;
        if grows && used_bytes >= map_bytes / 100 * STORE_HIGH_WATER_PERCENT {
            return Err(Refused::Full { used_bytes, map_bytes });
        }
        Ok(())
    }

    /// Whether everything that was read is still as it was read.
    pub(crate) fn check_reads(&self, reads: &ReadSet) -> Result<(), Refused> {
        let Some((epoch, position)) = reads.seen else { return Ok(()) };
        if epoch != self.epoch {
            return Err(Refused::conflict("what it read, which was undone before it reached the disk"));
        }
        self.window.check(position, reads).map_err(|stale| match stale {
            Stale::TooOld => Refused::conflict("a view that is too old to be checked"),
            Stale::Written(key) => Refused::conflict(self.registry.describe(Keyspace::of(&key), &key[1..])),
        })
    }

    /// Takes a unit's changes into the decided state and queues them for the flush. Says, too, whether that is news to a
    /// flusher that waits: it knows by itself when what has waited for long is due.
    pub(crate) fn accept(&mut self, head: Head, changes: Changes, awaited: bool) -> (Synced, bool) {
        let (is_first, was_due) = (self.waiting.is_empty(), self.is_due());
        self.head = head;
        self.awaited |= awaited;
        self.waiting_since.get_or_insert_with(Instant::now);
        self.window.add(head.position, changes.keys());
        for (key, value) in changes {
            self.waiting_bytes += key.len() + value.as_ref().map_or(0, |sealed| sealed.len());
            self.lay(key, value);
        }
        let (done, synced) = oneshot::channel();
        self.waiting.push(done);
        (Synced(synced), is_first || (!was_due && self.is_due()))
    }

    /// Whether what waits is to be flushed however short it has waited.
    fn is_due(&self) -> bool {
        self.awaited || self.stopping || self.waiting_bytes as u64 >= STORE_QUEUE_BYTES_MAX / 4
    }

    /// How long the flush may still be put off; none if it is due, or if there is nothing to flush.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let lain = self.waiting_since?.elapsed();
        STORE_LINGER.checked_sub(lain).filter(|_| !self.is_due())
    }

    /// Lays an entry over what there is, and has the next flush write it.
    fn lay(&mut self, key: Key, value: Option<Sealed>) {
        let before = self.recent.insert(Arc::clone(&key), value.clone());
        self.replaced.push(match before {
            Some(before) => Replaced::Entry((Arc::clone(&key), before)),
            None => Replaced::Nothing(Arc::clone(&key)),
        });
        self.pending.push((key, value));
    }

    /// Hands everything that waits to the flusher: the entries, and who waits for them.
    pub(crate) fn begin_flush(&mut self) -> (Vec<Entry>, Vec<Waiter>) {
        self.waiting_since = None;
        self.awaited = false;
        let (key, value) = head_entry(self.head);
        self.lay(key, value);
        self.waiting_bytes = 0;
        self.flushing_units = self.waiting.len();
        self.flushing = std::mem::take(&mut self.replaced);
        (std::mem::take(&mut self.pending), std::mem::take(&mut self.waiting))
    }

    /// The flush is through: the log now holds what was recent when it began. Gives what is to be dropped, which takes a
    /// while and needs no lock.
    pub(crate) fn settle(&mut self, synced: Base, bytes: u64) -> Vec<Replaced> {
        self.synced = synced;
        self.durable_bytes += bytes;
        self.flushing_units = 0;
        std::mem::take(&mut self.flushing)
    }

    /// As much of `recent` as is synced.
    pub(crate) fn durable(&self) -> Overlay {
        let mut durable = self.recent.clone();
        for replaced in self.flushing.iter().chain(&self.replaced).rev() {
            match replaced {
                Replaced::Entry((key, before)) => drop(durable.insert(Arc::clone(key), before.clone())),
                Replaced::Nothing(key) => drop(durable.remove(key)),
            }
        }
        durable
    }

    /// Whether the log holds nothing but what is on its way into the map.
    pub(crate) fn is_nothing_to_move(&self) -> bool {
        self.durable_bytes == 0
    }

    /// Sets what is synced on its way into the map, where nothing else is. What was decided since the last flush stays.
    pub(crate) fn begin_move(&mut self) {
        debug_assert!(self.flushing.is_empty(), "the flusher begins a move between two flushes");
        self.moving = self.durable();
        self.moving_bytes = std::mem::take(&mut self.durable_bytes);
        self.recent = Overlay::new();
        self.replaced.clear();
        for (key, value) in std::mem::take(&mut self.pending) {
            self.lay(key, value);
        }
    }

    /// Whether nothing is above the map.
    pub(crate) fn is_all_in_map(&self) -> bool {
        self.waiting.is_empty() && self.flushing_units == 0 && self.is_nothing_to_move() && self.moving.is_empty()
    }

    /// The map now holds what was on its way there.
    pub(crate) fn end_move(&mut self, position: u64, used_bytes: u64) -> Overlay {
        self.txn = None;
        self.stuck = None;
        self.used_bytes = used_bytes;
        self.moved = position;
        self.moving_bytes = 0;
        std::mem::take(&mut self.moving)
    }

    /// Why something of an earlier epoch never was.
    pub(crate) fn undone(&self) -> StoreError {
        let unsaid = || StoreError::io("keep what this answer was based on", std::io::Error::other("a flush failed"));
        self.undone_by.clone().unwrap_or_else(unsaid)
    }

    /// The flush failed: everything that is not synced is undone. Gives those who waited for it.
    pub(crate) fn undo(&mut self, why: &StoreError) -> Vec<Waiter> {
        self.undone_by = Some(why.clone());
        self.recent = self.durable();
        self.pending.clear();
        self.replaced.clear();
        self.flushing.clear();
        self.waiting_since = None;
        self.awaited = false;
        self.waiting_bytes = 0;
        self.flushing_units = 0;
        // Positions are never used twice.
        self.head = Head { position: self.head.position, ..self.synced.head };
        self.registry = Arc::clone(&self.synced.registry);
        self.window.restart(self.head.position);
        self.epoch += 1;
        if let Some(observer) = &self.observer {
            observer(Notice::Undone { epoch: self.epoch, sequence: self.head.sequence });
        }
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests;
