//! Events as they are synced, for those who listen.

use crate::host::Inner;
use contract_model::Event;
use contract_model::limits::REALTIME_CLIENT_QUEUE_MAX;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Fans events out to listeners. A listener that falls behind loses the oldest and is told so; it reads
/// them from the log instead.
pub(crate) struct Live {
    sender: async_broadcast::Sender<Arc<Event>>,
    /// Kept so that the channel stays open without listeners.
    _idle: async_broadcast::InactiveReceiver<Arc<Event>>,
    decided: Mutex<VecDeque<(u64, Arc<Event>)>>,
}

impl Live {
    pub(crate) fn new() -> Self {
        let (mut sender, receiver) =
            async_broadcast::broadcast(usize::try_from(REALTIME_CLIENT_QUEUE_MAX).unwrap_or(1_024));
        sender.set_overflow(true);
        Self { sender, _idle: receiver.deactivate(), decided: Mutex::default() }
    }

    pub(crate) fn listen(&self) -> async_broadcast::Receiver<Arc<Event>> {
        self.sender.new_receiver()
    }

    /// Takes a decided event; it is passed on when it is synced.
    pub(crate) fn offer(&self, event: &Arc<Event>, position: u64, synced: u64) {
        if self.sender.receiver_count() == 0 {
            return;
        }
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).push_back((position, event.clone()));
        // The flush may have been quicker than we; the next one may be long in coming.
        self.pass_on(synced);
    }

    /// Forgets what was decided and will never be synced.
    pub(crate) fn clear(&self) {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn pass_on(&self, synced: u64) {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        while decided.front().is_some_and(|(position, _)| *position <= synced) {
            if let Some((_, event)) = decided.pop_front() {
                // With overflow on and the channel open, sending cannot fail.
                let _ = self.sender.try_broadcast(event);
            }
        }
    }

    /// Passes events on after each flush, until the host is gone.
    pub(crate) async fn forward(inner: Weak<Inner>) {
        let Some(mut flushes) = inner.upgrade().map(|inner| inner.store.flushes()) else { return };
        while flushes.changed().await.is_ok() {
            let synced = flushes.borrow_and_update().position;
            let Some(inner) = inner.upgrade() else { return };
            inner.live.pass_on(synced);
        }
    }
}
