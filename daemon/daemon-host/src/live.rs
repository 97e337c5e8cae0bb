//! Events as they are synced, for those who listen.

use crate::host::Inner;
use contract_model::Event;
use contract_model::limits::REALTIME_CLIENT_QUEUE_MAX;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;

/// Fans events out to listeners. A listener that falls behind loses the oldest and is told so; it reads
/// them from the log instead.
pub(crate) struct Live {
    sender: async_broadcast::Sender<Arc<Event>>,
    /// Kept so that the channel stays open without listeners.
    _idle: async_broadcast::InactiveReceiver<Arc<Event>>,
    decided: Mutex<VecDeque<(u64, Arc<Event>)>>,
    /// Something was decided that waits for a flush, or the host is gone.
    waits: Arc<Notify>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.waits.notify_one();
    }
}

impl Live {
    pub(crate) fn new() -> Self {
        let (mut sender, receiver) =
            async_broadcast::broadcast(usize::try_from(REALTIME_CLIENT_QUEUE_MAX).unwrap_or(1_024));
        sender.set_overflow(true);
        Self { sender, _idle: receiver.deactivate(), decided: Mutex::default(), waits: Arc::default() }
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
        if !self.pass_on(synced) {
            self.waits.notify_one();
        }
    }

    /// Forgets what was decided and will never be synced.
    pub(crate) fn clear(&self) {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Passes on what is synced; gives whether that was all.
    fn pass_on(&self, synced: u64) -> bool {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        while decided.front().is_some_and(|(position, _)| *position <= synced) {
            if let Some((_, event)) = decided.pop_front() {
                // With overflow on and the channel open, sending cannot fail.
                let _ = self.sender.try_broadcast(event);
            }
        }
        decided.is_empty()
    }

    /// Passes events on after each flush that some wait for, until the host is gone. While nobody listens none do, and a
    /// flush wakes nobody here.
    pub(crate) async fn forward(inner: Weak<Inner>) {
        let Some((mut flushes, waits)) = inner.upgrade().map(|inner| (inner.store.flushes(), inner.live.waits.clone()))
        else {
            return;
        };
        loop {
            waits.notified().await;
            // A flush since the last look counts as news.
            loop {
                if flushes.changed().await.is_err() {
                    return;
                }
                let synced = flushes.borrow_and_update().position;
                let Some(inner) = inner.upgrade() else { return };
                if inner.live.pass_on(synced) {
                    break;
                }
            }
        }
    }
}
