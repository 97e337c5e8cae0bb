//! The flusher: one thread that owns all write transactions. A batch is whatever waits.

use crate::error::StoreError;
use crate::layers::Overlay;
use crate::state::{Base, Shared, head_entry};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

struct Batch {
    changes: Overlay,
    base: Base,
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// Runs until the store stops and nothing waits any more.
pub(crate) fn run(shared: &Shared) {
    let fence = Fence(shared);
    while let Some(batch) = next_batch(shared) {
        flush(shared, batch);
    }
    drop(fence);
}

fn next_batch(shared: &Shared) -> Option<Batch> {
    let mut state = shared.lock();
    while state.waiting.is_empty() {
        if state.stopping {
            return None;
        }
        state = shared.wait(state);
    }
    while let Some(most) = state.patience() {
        state = shared.wait_for(state, most);
    }
    state.waiting_since = None;
    state.awaited = false;
    let (key, value) = head_entry(state.head);
    state.young.insert(key, value);
    state.old = std::mem::take(&mut state.young);
    state.waiting_bytes = 0;
    state.flushing_units = state.waiting.len();
    Some(Batch {
        changes: state.old.clone(),
        base: Base { head: state.head, registry: Arc::clone(&state.registry) },
        waiting: std::mem::take(&mut state.waiting),
    })
}

fn flush(shared: &Shared, batch: Batch) {
    let began = Instant::now();
    match shared.disk.write(&batch.changes) {
        Ok(used_bytes) => {
            let head = batch.base.head;
            shared.anchor.note(head);
            shared.meter.flushed(batch.waiting.len(), began.elapsed());
            let settled = shared.lock().settle(batch.base, used_bytes);
            shared.flushed.send_modify(|flushed| {
                flushed.position = head.position;
                flushed.sequence = head.sequence;
            });
            batch.waiting.into_iter().for_each(|done| drop(done.send(Ok(()))));
            // Only now, outside the lock and after the good news: freeing many entries takes a while.
            drop(settled);
        }
        Err(error) => undo(shared, batch, &error),
    }
}

fn undo(shared: &Shared, batch: Batch, error: &StoreError) {
    shared.meter.undone();
    tracing::error!(units = batch.waiting.len(), %error, "a flush failed; what waited for it is undone");
    let (later, epoch) = {
        let mut state = shared.lock();
        (state.undo(), state.epoch)
    };
    shared.epochs.send_replace(epoch);
    // The sequence stays where it was: what was on disk is still there.
    shared.flushed.send_modify(|flushed| flushed.epoch = epoch);
    for done in batch.waiting.into_iter().chain(later) {
        let _ = done.send(Err(error.clone()));
    }
}

/// Whatever way the flusher ends, nobody is left waiting and nothing more is accepted.
struct Fence<'a>(&'a Shared);

impl Drop for Fence<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.stopping = true;
        // Dropping the senders resolves those who wait with `Closed`.
        state.waiting.clear();
    }
}
