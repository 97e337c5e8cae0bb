//! The flusher: one thread that writes the log. A batch is whatever waits.

use crate::error::StoreError;
use crate::state::{Base, Entry, Shared, State, Waiter};
use crate::wal::{LOG_MOVED_AT_BYTES, Wal};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

/// The longest that something synced lies beside the map while nothing else happens.
const MOVED_AFTER: Duration = Duration::from_secs(1);

struct Batch {
    entries: Vec<Entry>,
    base: Base,
    waiting: Vec<Waiter>,
}

/// Runs until the store stops and nothing waits any more.
pub(crate) fn run(shared: &Shared, wal: &mut Wal) {
    let fence = Fence(shared);
    while let Some(batch) = next_batch(shared, wal) {
        flush(shared, wal, batch);
    }
    if let Err(error) = wal.mend() {
        tracing::warn!(%error, "what was undone last may come back from the store's log");
    }
    drop(fence);
}

fn next_batch(shared: &Shared, wal: &mut Wal) -> Option<Batch> {
    let mut state = shared.lock();
    loop {
        let asked = shared.wants_measure.swap(false, Ordering::Relaxed) || state.wanted_in_map > 0;
        if wal.bytes() >= LOG_MOVED_AT_BYTES || asked || state.stopping {
            begin_move(shared, wal, &mut state);
        }
        let has_room = !wal.is_full() || state.stuck.is_some();
        match state.waiting.is_empty() {
            false if has_room => break,
            true if state.stopping => return None,
            _ => {}
        }
        state = wait(shared, wal, state);
    }
    while let Some(most) = state.patience() {
        state = shared.wait_for(state, most);
    }
    let (entries, waiting) = state.begin_flush();
    let base = Base { head: state.head, registry: Arc::clone(&state.registry) };
    Some(Batch { entries, base, waiting })
}

/// Waits for work. What is synced goes into the map when there is none for a while.
fn wait<'a>(shared: &'a Shared, wal: &mut Wal, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    if state.is_nothing_to_move() || !state.moving.is_empty() {
        return shared.wait(state);
    }
    let began = Instant::now();
    state = shared.wait_for(state, MOVED_AFTER);
    if began.elapsed() >= MOVED_AFTER && state.waiting.is_empty() {
        begin_move(shared, wal, &mut state);
    }
    state
}

/// Has the mover take what is synced, unless it still has something in hand, and goes on in the log's other file.
fn begin_move(shared: &Shared, wal: &mut Wal, state: &mut State) {
    if state.is_nothing_to_move() || !state.moving.is_empty() {
        return;
    }
    match wal.switch() {
        Ok(()) => {
            state.begin_move();
            shared.moves.notify_all();
        }
        Err(error) => tracing::error!(%error, "the store's log cannot change its file"),
    }
}

fn flush(shared: &Shared, wal: &mut Wal, batch: Batch) {
    let began = Instant::now();
    let head = batch.base.head;
    let no_room = if wal.is_full() { shared.lock().stuck.clone() } else { None };
    let appended = no_room.map_or_else(|| append(shared, wal, &batch), Err);
    #[cfg(test)]
    let appended = if shared.fails_next.swap(false, std::sync::atomic::Ordering::Relaxed) {
        wal.spoil();
        Err(StoreError::Full { why: "a test says so".to_owned() })
    } else {
        appended
    };
    match appended {
        Ok(bytes) => {
            shared.anchor.note(head);
            shared.meter.flushed(batch.waiting.len(), began.elapsed());
            let replaced = shared.lock().settle(batch.base, bytes);
            drop(replaced);
            shared.flushed.send_modify(|flushed| {
                flushed.position = head.position;
                flushed.sequence = head.sequence;
            });
            batch.waiting.into_iter().for_each(|done| drop(done.send(Ok(()))));
        }
        Err(error) => undo(shared, batch.waiting, &error),
    }
}

fn append(shared: &Shared, wal: &mut Wal, batch: &Batch) -> Result<u64, StoreError> {
    let entries = batch.entries.iter().map(|(key, value)| (key, value));
    wal.append(batch.base.head.position, entries).map_err(|error| shared.disk.failed("write its log", error))
}

fn undo(shared: &Shared, waiting: Vec<Waiter>, error: &StoreError) {
    shared.meter.undone();
    tracing::error!(units = waiting.len(), %error, "a flush failed; what waited for it is undone");
    let (later, epoch, position) = {
        let mut state = shared.lock();
        let later = state.undo(error);
        shared.epoch.store(state.epoch, Ordering::Release);
        (later, state.epoch, state.head.position)
    };
    shared.epochs.send_replace(epoch);
    // The sequence stays where it was: what was on disk is still there.
    shared.flushed.send_modify(|flushed| (flushed.epoch, flushed.position) = (epoch, position));
    shared.moves.notify_all();
    for done in waiting.into_iter().chain(later) {
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
