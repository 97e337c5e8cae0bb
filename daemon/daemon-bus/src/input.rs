//! What the bus is told.

use crate::subscription::{Lane, ParkedLane, StoredRetry, Subscription};
use contract_model::{EventHead, Sequence, SubscriptionId, TenantId};

/// One thing that happened. Inputs about a subscription or an event that the bus does not know are ignored,
/// so late answers do no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A subscription begins, new or with what the store knows of it. An older one of the same name ends.
    Subscribe {
        /// What it wants.
        subscription: Subscription,
        /// Everything up to here is done. For a new subscription: the log's end, or where it wants to start.
        cursor: Sequence,
        /// Its persisted retries.
        retries: Vec<StoredRetry>,
        /// Its parked lanes.
        parked: Vec<ParkedLane>,
    },
    /// A subscription ends; nothing more is delivered for it.
    Unsubscribe {
        /// Which.
        id: SubscriptionId,
    },
    /// A unit of work was decided and this event is now in the log. Every event, in the log's order.
    Appended {
        /// The event.
        head: EventHead,
        /// Subscriptions that hear its topic but do not want this event. They pass it over, as if it were done.
        unwanted: Vec<SubscriptionId>,
    },
    /// The answer to [`crate::Effect::Load`].
    Loaded {
        /// Whose.
        subscription: SubscriptionId,
        /// The ticket of the question.
        ticket: u64,
        /// Events the subscription hears and has not handled (neither done nor dead-lettered), in order; only of the
        /// tenant that was asked for, if one was.
        heads: Vec<EventHead>,
        /// The log was looked through up to here, at least to the last of `heads`.
        through: Sequence,
        /// Whether the log goes on after `through`.
        more: bool,
    },
    /// An event was handled; its mark is decided.
    Done {
        /// By whom.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
    },
    /// A handler failed.
    Failed {
        /// Whose.
        subscription: SubscriptionId,
        /// On which event.
        sequence: Sequence,
        /// Why, for the dead letter.
        error: String,
        /// What follows of it.
        failure: Failure,
    },
    /// A delivered event was not tried (behind a failure in its batch, or its worker was killed from outside).
    /// It comes again without having used up a try.
    NotRun {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        sequence: Sequence,
    },
    /// Time has passed, see [`crate::Effect::Wake`].
    Tick,
    /// A flush failed, and with it went every event with a larger sequence and every mark not yet synced.
    /// All deliveries in flight are void and the host reports nothing more of them. The bus reads again what the
    /// log and the marks say now. The host then subscribes everything anew, which brings back tries and parked
    /// lanes as they are stored; until it does, tries count from 1 and lanes stay parked.
    Undo {
        /// The last event that remains.
        after: Sequence,
    },
    /// An operator lets a parked lane go on.
    Unpark {
        /// Whose.
        subscription: SubscriptionId,
        /// Which.
        lane: Lane,
    },
    /// A tenant was erased, and with it what had parked its lanes.
    Erased {
        /// Which.
        tenant: TenantId,
    },
    /// An event that nobody has handled yet need wait for its time no longer, wherever it waits: here, or in the log.
    Due {
        /// To whom.
        subscription: SubscriptionId,
        /// Which; its due time is disregarded.
        head: EventHead,
    },
    /// An operator wants an event delivered again: a retried dead letter, or a replay. A retried dead letter that
    /// parked its lane lets the lane go on, itself first.
    Redeliver {
        /// To whom.
        subscription: SubscriptionId,
        /// Which; its due time is disregarded.
        head: EventHead,
    },
}

/// What a failure means for its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The try counts, and the retry policy decides.
    Counted,
    /// It was not the event's fault (such as a paused plugin): the same try again, after a wait.
    Uncounted,
    /// Trying again cannot help (such as the hop limit): dead letter at once.
    Final,
}
