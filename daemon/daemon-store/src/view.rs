//! A consistent snapshot of everything decided, and what was read from it.

mod allowance;
mod deliveries;
mod events;
mod find;
mod plan;
mod records;

pub(crate) use allowance::GivenUp;
pub use allowance::QueryLimits;
pub use events::EventFilter;
pub use find::Page;
pub use plan::Explained;

use crate::layers::{Layers, Overlay, ReadTxn};
use crate::reads::ReadSet;
use crate::registry::Registry;
use crate::state::{Head, Shared};
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
    reads: RefCell<ReadSet>,
    /// Bytes read for the question that is being answered.
    read_bytes: Cell<u64>,
}

impl View {
    pub(crate) fn new(shared: &Arc<Shared>) -> Result<Self, crate::StoreError> {
        // Overlay and transaction are taken under the lock that a finished move into the map takes to empty the overlay,
        // so together they are exactly the decided state.
        let state = shared.lock();
        let txn = shared.disk.read()?;
        let (head, epoch) = (state.head, state.epoch);
        let reads = RefCell::new(ReadSet { seen: Some((epoch, head.position)), ..ReadSet::default() });
        let (recent, moving, registry) = (state.recent.clone(), state.moving.clone(), Arc::clone(&state.registry));
        drop(state);
        Ok(Self {
            shared: Arc::clone(shared),
            registry,
            recent,
            moving,
            txn,
            head,
            epoch,
            reads,
            read_bytes: Cell::new(0),
        })
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
