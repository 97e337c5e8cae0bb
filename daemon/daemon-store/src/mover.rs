//! The mover: one thread that moves what the log holds into the map, many units in one commit.

use crate::error::StoreError;
use crate::head::{head_key, read_head};
use crate::key::Keyspace;
use crate::overlay::Overlay;
use crate::seal::unseal;
use crate::state::Shared;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Between a move that failed and the next try.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs until the flusher is gone and nothing is left to move, or cannot be moved.
pub(crate) fn run(shared: &Shared) {
    while let Some(moving) = next(shared) {
        if let Err(error) = move_into_map(shared, &moving) {
            tracing::error!(%error, "the store's log cannot be moved into its map; it stays in the log");
            let mut state = shared.lock();
            state.stuck = Some(error);
            // Whoever waits for room in the log learns why there is none.
            shared.work.notify_one();
            shared.moves.notify_all();
            if state.log_is_closed {
                return;
            }
            drop(shared.moves.wait_timeout(state, AGAIN_AFTER).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn next(shared: &Shared) -> Option<Overlay> {
    let mut state = shared.lock();
    loop {
        if !state.moving.is_empty() {
            return Some(state.moving.clone());
        }
        if state.log_is_closed {
            if state.is_nothing_to_move() {
                return None;
            }
            state.begin_move();
            continue;
        }
        state = shared.moves.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

fn move_into_map(shared: &Shared, moving: &Overlay) -> Result<(), StoreError> {
    #[cfg(test)]
    if shared.fails_moves.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(StoreError::Full { why: "a test says so".to_owned() });
    }
    let began = Instant::now();
    // A backup or export that was killed must not keep its pages until the next start.
    if let Err(error) = shared.disk.forget_dead_readers() {
        tracing::warn!(%error, "the store's table of readers cannot be looked through");
    }
    let used_bytes = shared.disk.write(moving)?;
    if let Some(table) = &shared.disk.readers {
        shared.readers.committed(table);
    }
    shared.meter.moved(moving.len(), began.elapsed());
    let position = position_of(moving);
    let mut state = shared.lock();
    let position = position.unwrap_or(state.moved);
    let moved = state.end_move(position, used_bytes);
    drop(state);
    shared.work.notify_one();
    shared.moves.notify_all();
    // Only now, outside the lock and after the good news: freeing many entries takes a while.
    drop(moved);
    Ok(())
}

/// The position that the entries bring the map to.
fn position_of(moving: &Overlay) -> Option<u64> {
    let key = head_key();
    let sealed = moving.get(&key)?.as_deref()?;
    unseal(Keyspace::Meta, &key[1..], sealed).ok().and_then(read_head).map(|head| head.position)
}
