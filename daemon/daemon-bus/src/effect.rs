//! What the bus wants done.

use crate::subscription::Lane;
use contract_model::{Sequence, SubscriptionId, TenantId};
use std::sync::Arc;

/// One thing to do. What is to be stored must reach the store's writer in the order the effects are given,
/// and before what later effects cause, for that is what keeps order over a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Hand these events to the handler, one after another. A later one is not tried when an earlier one fails.
    /// Each is answered by `Done`, `Failed` or `NotRun`; until all are, the lane rests.
    Deliver {
        /// To whom.
        subscription: SubscriptionId,
        /// Of which lane.
        lane: Arc<Lane>,
        /// Sequence and number of the try (from 1), in order.
        batch: Vec<(Sequence, u32)>,
        /// Whether it is one event, delivered again on an operator's wish or tried before: what is stored of its retry
        /// says how.
        again: bool,
    },
    /// Read events that the subscription hears and has not handled, after both `after` and its stored cursor.
    Load {
        /// Whose.
        subscription: SubscriptionId,
        /// To be given back in the answer.
        ticket: u64,
        /// Only those of this tenant.
        tenant: Option<TenantId>,
        /// Where to go on.
        after: Sequence,
        /// Most events wanted, at least 1.
        limit: usize,
    },
    /// Store that this event is tried again, replacing an earlier retry of it. Goes away with the event's mark.
    Retry {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
        /// The number of the try that comes next.
        attempt: u32,
        /// When it comes, milliseconds since 1970.
        due_ms: u64,
        /// Why the last one failed.
        error: String,
    },
    /// Store a dead letter, and the mark that this event is handled as far as the subscription goes. Comes after the
    /// last try, or without one when the event's time to live is over.
    DeadLetter {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
        /// All tries.
        attempts: u32,
        /// Why the last one failed.
        error: String,
        /// Whether its lane now waits for an operator. To be given back after a restart.
        parked: bool,
    },
    /// An event's tries are used up and its key would have to wait for an operator, but as many keys do as may. It is tried
    /// on, with the longest wait between tries.
    NotParked {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
    },
    /// As many tenants have left events in the log as may, so nothing more is read ahead until one of them is read on.
    ReadingWaits {
        /// Whose.
        subscription: SubscriptionId,
    },
    /// Store the cursor: every event up to here is done. Marks up to here may be forgotten.
    Cursor {
        /// Whose.
        subscription: SubscriptionId,
        /// Up to and with this one.
        through: Sequence,
    },
    /// There is no room for a redelivery; the dead letter stays as it is.
    Refused {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
    },
    /// Send `Tick` at this time, milliseconds since 1970. Replaces the wish before it.
    Wake {
        /// When.
        at_ms: u64,
    },
}
