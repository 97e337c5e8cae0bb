//! Waiting for the reply of a request.

use contract_model::manifest::Replies;
use contract_model::{Event, TenantId, TopicName};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Whether a reply fulfils or refuses its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Error,
}

/// Judges an event as reply to a request with these reply topics.
pub(crate) fn verdict(replies: &Replies, topic: &TopicName) -> Option<Verdict> {
    if *topic == replies.ok.value {
        return Some(Verdict::Ok);
    }
    replies.error.as_ref().filter(|error| error.value == *topic).map(|_| Verdict::Error)
}

type Key = (TenantId, String);

/// A reply as it was decided; it may not be synced yet.
pub(crate) type Reply = (Verdict, Arc<Event>);

struct Waiter {
    replies: Replies,
    sender: oneshot::Sender<Reply>,
}

/// Everybody who waits for a reply, by tenant and request.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<HashMap<Key, Vec<Waiter>>>,
    // Read without the lock, so that an event nobody waits for costs one load.
    count: AtomicUsize,
}

impl Waiters {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, Vec<Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reply of a request. Register before looking whether it is there already.
    pub(crate) fn register(self: &Arc<Self>, tenant: &TenantId, request: &str, replies: &Replies) -> Waiting {
        let (sender, receiver) = oneshot::channel();
        let key = (tenant.clone(), request.to_owned());
        let mut waiting = self.waiting();
        waiting.entry(key.clone()).or_default().push(Waiter { replies: replies.clone(), sender });
        self.count.store(waiting.len(), Ordering::SeqCst);
        drop(waiting);
        Waiting { waiters: self.clone(), key, receiver: Some(receiver), found: None }
    }

    /// Gives an event to those who wait for it.
    pub(crate) fn offer(&self, event: &Arc<Event>) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let Some(request) = &event.causation else { return };
        let key = (event.tenant.clone(), request.clone());
        let mut waiting = self.waiting();
        let Some(waiters) = waiting.remove(&key) else { return };
        let (served, others): (Vec<Waiter>, Vec<Waiter>) =
            waiters.into_iter().partition(|waiter| verdict(&waiter.replies, &event.topic).is_some());
        for waiter in served {
            if let Some(verdict) = verdict(&waiter.replies, &event.topic) {
                // Whoever gave up waiting is gone, and that is fine.
                let _ = waiter.sender.send((verdict, event.clone()));
            }
        }
        if !others.is_empty() {
            waiting.insert(key, others);
        }
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// Forgets those who no longer wait for this request.
    fn forget(&self, key: &Key) {
        let mut waiting = self.waiting();
        if let Some(waiters) = waiting.get_mut(key) {
            waiters.retain(|waiter| !waiter.sender.is_closed());
            if waiters.is_empty() {
                waiting.remove(key);
            }
        }
        self.count.store(waiting.len(), Ordering::SeqCst);
    }
}

/// A place among those who wait. However the wait ends - a reply, a timeout, a client that has gone - the
/// place is given up with it.
pub(crate) struct Waiting {
    waiters: Arc<Waiters>,
    key: Key,
    receiver: Option<oneshot::Receiver<Reply>>,
    found: Option<Reply>,
}

impl Waiting {
    /// Ends the wait with a reply that was there already.
    pub(crate) fn find(&mut self, reply: Reply) {
        self.found = Some(reply);
    }

    /// The reply, when it is decided.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        if let Some(found) = self.found.take() {
            return Some(found);
        }
        self.receiver.as_mut()?.await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.receiver = None;
        self.waiters.forget(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::{Span, Spanned};

    #[test]
    fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let waiters = Arc::new(Waiters::default());
        let ok = TopicName::new("gl.journal.posted").expect("topic");
        let replies = Replies { ok: Spanned::new(ok, Span::default()), error: None };
        let tenant = TenantId::new("demo").expect("tenant");
        let one = waiters.register(&tenant, "r1", &replies);
        let two = waiters.register(&tenant, "r1", &replies);
        drop(one);
        assert_eq!(waiters.waiting().values().map(Vec::len).sum::<usize>(), 1);
        drop(two);
        assert!(waiters.waiting().is_empty());
        assert_eq!(waiters.count.load(Ordering::SeqCst), 0);
    }
}
