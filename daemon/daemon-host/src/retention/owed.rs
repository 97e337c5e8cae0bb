//! The one place that says which events are still owed to somebody. Nothing still owed is compacted.
//!
//! An event is owed
//!
//! - to a subscription that has a place in the log and has not handled it; to one that has, if it is to be delivered once
//!   more; and to an operator while it is a dead letter. Also to who is disabled or gone: its place says that it may come
//!   back. A subscription in force passes over what it does not hear;
//! - to a replay that has not come to it;
//! - as a request, or as what a request directly caused, its replies among that: to whoever continues with its outcome and
//!   has not done so, to whoever repeats a call that was answered with its outcome, and to all who may ask for the outcome
//!   until the request's `timeout`.
//!
//! What is found to be owed to nobody is a read of the unit that compacts, so whoever comes to need it at the same moment
//! makes that a conflict; and who comes to need an event that was there a moment ago names it to the store
//! ([`Unit::needed`](daemon_store::Unit::needed)).

use super::Terms;
use crate::api::HostError;
use crate::reader::store_error;
use crate::repeat;
use crate::replay::{self, Replay};
use contract_model::{Event, EventId, Sequence, SubscriptionId, TopicName, job};
use daemon_store::{Needed, Place, Tenant, View};
use serde::Serialize;

/// What an event is still owed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// A subscription has not handled it.
    Unhandled,
    /// It is to be delivered once more.
    Retry,
    /// It is a dead letter.
    DeadLetter,
    /// A replay will come to it.
    Replay,
    /// A plugin continues with the outcome that it is part of.
    Continuation,
    /// A repeated call is answered with the outcome that it is part of.
    Answer,
    /// The outcome that it is part of may be asked for, until the request's timeout.
    Outcome,
}

impl Claim {
    pub(super) const ALL: [Self; 7] =
        [Self::Unhandled, Self::Retry, Self::DeadLetter, Self::Replay, Self::Continuation, Self::Answer, Self::Outcome];

    /// As in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unhandled => "unhandled",
            Self::Retry => "retry",
            Self::DeadLetter => "dead-letter",
            Self::Replay => "replay",
            Self::Continuation => "continuation",
            Self::Answer => "answer",
            Self::Outcome => "outcome",
        }
    }
}

impl From<Needed> for Claim {
    fn from(needed: Needed) -> Self {
        match needed {
            Needed::Unhandled => Self::Unhandled,
            Needed::Retry => Self::Retry,
            Needed::DeadLetter => Self::DeadLetter,
        }
    }
}

/// Who may be owed events of a stretch of the log.
pub(super) struct Owed<'a> {
    terms: &'a Terms<'a>,
    view: &'a View,
    places: Vec<Place>,
    replays: Vec<Replay>,
    /// The topics that outcomes travel on, each with who hears them.
    outcomes: Vec<(TopicName, SubscriptionId)>,
}

impl<'a> Owed<'a> {
    pub(super) fn gather(
        terms: &'a Terms<'a>,
        view: &'a View,
        first: Sequence,
        last: Sequence,
    ) -> Result<Self, HostError> {
        let places = view.places(first, last).map_err(|error| store_error(&error))?;
        let of_outcomes = places.iter().filter_map(|place| place.subscription.as_ref());
        let outcomes = of_outcomes.filter_map(|id| Some((job::outcomes_of(id)?, id.clone()))).collect();
        Ok(Self { terms, view, replays: replay::stored(view)?, outcomes, places })
    }

    /// What an event is still owed for; nothing if it may go.
    pub(super) fn claim(&self, event: &Event) -> Result<Option<Claim>, HostError> {
        if let Some(needed) = self.needed(event)? {
            return Ok(Some(needed.into()));
        }
        if self.replays.iter().any(|replay| self.comes_to(replay, event)) {
            return Ok(Some(Claim::Replay));
        }
        // Of an erased tenant nobody is owed anything.
        let Some(tenant) = self.terms.store.tenant(&event.tenant) else { return Ok(None) };
        let request = event.causation.as_deref().into_iter().chain([event.id.as_str()]);
        for request in request {
            if let Some(claim) = self.claim_of_outcome(&tenant, request)? {
                return Ok(Some(claim));
            }
        }
        Ok(self.may_be_asked_for(&tenant, event)?.then_some(Claim::Outcome))
    }

    /// Why subscriptions need it: the rarest of their reasons.
    fn needed(&self, event: &Event) -> Result<Option<Needed>, HostError> {
        let mut rarest = None;
        for place in &self.places {
            let passes_over = place.subscription.as_ref().is_some_and(|id| self.passes_over(id, event));
            let needed = self.view.needs(place, event.sequence).map_err(|error| store_error(&error))?;
            rarest = rarest.max(needed.filter(|needed| *needed != Needed::Unhandled || !passes_over));
        }
        Ok(rarest)
    }

    /// Whether a subscription is in force and does not want it. Of one that is not, only the place is known.
    fn passes_over(&self, id: &SubscriptionId, event: &Event) -> bool {
        self.terms.in_force.get(id).is_some_and(|to| !to.wants(event))
    }

    fn comes_to(&self, replay: &Replay, event: &Event) -> bool {
        let is_ahead = replay.after < event.sequence && event.sequence <= replay.until;
        let is_its_tenants = replay.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant);
        is_ahead && is_its_tenants && !self.passes_over(&SubscriptionId::from(replay.subscription.clone()), event)
    }

    /// Who goes on with the outcome of a request.
    fn claim_of_outcome(&self, tenant: &Tenant, request: &str) -> Result<Option<Claim>, HostError> {
        let failed = |error| store_error(&error);
        for (topic, subscription) in &self.outcomes {
            let Some(known) = self.view.known(tenant, topic, request).map_err(failed)? else { continue };
            let is_over = self.view.is_handled(subscription, known.sequence).map_err(failed)?
                && self.view.dead_letter(subscription, known.sequence).map_err(failed)?.is_none();
            if !is_over {
                return Ok(Some(Claim::Continuation));
            }
        }
        let answered = self.view.meta(&repeat::awaited(tenant.id(), request)).map_err(failed)?;
        Ok(answered.map(|_| Claim::Answer))
    }

    /// Whether it is part of an outcome that clients may still ask for.
    fn may_be_asked_for(&self, tenant: &Tenant, event: &Event) -> Result<bool, HostError> {
        if self.is_awaited(event) {
            return Ok(true);
        }
        let cause = event.causation.as_deref().and_then(|cause| EventId::new(cause).ok());
        let Some(cause) = cause else { return Ok(false) };
        let request = self.view.event_by_id(tenant, &cause).map_err(|error| store_error(&error))?;
        Ok(request.is_some_and(|request| self.is_awaited(&request)))
    }

    fn is_awaited(&self, event: &Event) -> bool {
        let timeout_ms = (self.terms.timeout_ms)(&event.topic);
        timeout_ms.is_some_and(|timeout_ms| event.time_ms.saturating_add(timeout_ms) > self.terms.now_ms)
    }
}
