//! A consistent snapshot of everything decided, and what was read from it.

mod charge;
mod count;
mod deliveries;
mod events;
mod find;
mod letters;
mod log_page;
mod plan;
mod records;
mod replies;
mod walk;

pub use events::EventFilter;
pub use find::Page;
pub use letters::{LetterPlace, LettersOf, LettersPage, LettersWanted, Unsettled};
pub use log_page::{EventsPage, EventsWanted};
pub use plan::Explained;
pub use replies::{NotedReply, UNNOTED_THROUGH};

use crate::allowance::Room;
use crate::head::Head;
use crate::layers::Layers;
use crate::overlay::{Overlay, ReadTxn};
use crate::reads::ReadSet;
use crate::registry::Registry;
use crate::state::Shared;
use contract_model::Sequence;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A consistent snapshot: everything decided up to a moment, on disk or not. It may move to another thread,
/// and notes what is read of records and idempotency keys, so that a unit of work based on it can be checked.
/// Reads of the log and of deliveries are not noted; units rely on them through the inbox.
///
/// A view keeps the pages it may read from being reused, so it should live no longer than one call.
pub struct View {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
    recent: Overlay,
    moving: Overlay,
    txn: ReadTxn,
    head: Head,
    epoch: u64,
    is_synced: bool,
    reads: RefCell<ReadSet>,
    /// Bytes read for the question that is being answered.
    read_bytes: Cell<u64>,
    /// What was found for it takes so much in memory.
    found_bytes: Cell<u64>,
    /// Where that is to find room.
    room: Option<Arc<dyn Room>>,
}

impl View {
    pub(crate) fn new(shared: &Arc<Shared>) -> Result<Self, crate::StoreError> {
        // Overlay and transaction are taken under the lock that a finished move into the map takes to empty the overlay,
        // so together they are exactly the decided state.
        let state = shared.lock();
        let txn = shared.disk.read()?;
        let (recent, moving, registry) = (state.recent.clone(), state.moving.clone(), Arc::clone(&state.registry));
        let (head, epoch) = (state.head, state.epoch);
        drop(state);
        Ok(Self::of(shared, txn, (recent, moving), registry, (head, epoch), false))
    }

    /// What is on disk and nothing else, so that no failed flush can undo what is seen.
    pub(crate) fn of_the_synced(shared: &Arc<Shared>) -> Result<Self, crate::StoreError> {
        let state = shared.lock();
        let txn = shared.disk.read()?;
        let (recent, moving) = (state.durable(), state.moving.clone());
        let (registry, head, epoch) = (Arc::clone(&state.synced.registry), state.synced.head, state.epoch);
        drop(state);
        Ok(Self::of(shared, txn, (recent, moving), registry, (head, epoch), true))
    }

    fn of(
        shared: &Arc<Shared>,
        txn: ReadTxn,
        (recent, moving): (Overlay, Overlay),
        registry: Arc<Registry>,
        (head, epoch): (Head, u64),
        is_synced: bool,
    ) -> Self {
        let reads = RefCell::new(ReadSet { seen: Some((epoch, head.position)), ..ReadSet::default() });
        let (shared, read_bytes, found_bytes) = (Arc::clone(shared), Cell::new(0), Cell::new(0));
        let room = None;
        Self { shared, registry, recent, moving, txn, head, epoch, is_synced, reads, read_bytes, found_bytes, room }
    }

    /// Whether all that it sees was on disk when it was taken.
    pub fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// The position of the last unit it sees.
    pub fn position(&self) -> u64 {
        self.head.position
    }

    /// The last event it sees.
    pub fn sequence(&self) -> Sequence {
        self.head.sequence
    }

    /// The epoch it was taken in.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What was read since the view was taken or this was last called.
    pub fn take_reads(&self) -> ReadSet {
        let fresh = ReadSet { seen: Some((self.epoch, self.head.position)), ..ReadSet::default() };
        let mut reads = self.reads.replace(fresh);
        reads.settle();
        reads
    }

    /// What was read, when the view is done with.
    pub fn into_reads(self) -> ReadSet {
        self.take_reads()
    }

    fn layers(&self) -> Layers<'_> {
        Layers { recent: &self.recent, moving: &self.moving, disk: &self.shared.disk, txn: &self.txn }
    }

    fn note_key(&self, key: crate::key::Key) {
        self.reads.borrow_mut().keys.insert(key);
    }

    fn note_range(&self, low: Vec<u8>, high: Vec<u8>) {
        if low < high {
            self.reads.borrow_mut().ranges.push((low, high));
        }
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("head", &self.head).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
