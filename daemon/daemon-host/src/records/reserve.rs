//! Reservations as clients make and end them: who may change a record may reserve of it.

use super::change::Draft;
use super::{Place, RecordCaller};
use crate::api::HostError;
use crate::clock;
use crate::hooks;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use crate::repeat::Keyed;
use crate::reservations::{self, give_back, set_field};
use contract_model::ErrorCode;
use contract_model::collection::Action;
use contract_model::event::rfc3339;
use contract_model::ids::ulid;
use contract_model::limits::UNIT_RERUNS_MAX;
use contract_model::reservation::{Reservation, Resource, State, id_of_user, take};
use daemon_frame::Reserved;
use daemon_store::{Refused, Scope, Unit};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What a client wants to reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveRequest {
    /// `<collection>/<record id>/<integer field>`.
    pub resource: String,
    /// How much, at least 1.
    pub amount: u64,
    /// The caller's own name for the reservation, which no other user's is.
    pub key: Option<String>,
    /// How long it is held, in milliseconds.
    pub ttl_ms: u64,
}

/// A reservation as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReservationView {
    /// Its id.
    pub id: String,
    /// The resource.
    pub resource: String,
    /// How much.
    pub amount: u64,
    /// `held`, `confirmed`, `released` or `expired`.
    pub state: State,
    /// Until when it is held, RFC 3339.
    pub expires: String,
    /// Whether it was so before.
    pub duplicate: bool,
}

impl ReservationView {
    fn of(id: String, reservation: Reservation, duplicate: bool) -> Self {
        let Reservation { resource, amount, state, expires, .. } = reservation;
        Self { id, resource, amount, state, expires: rfc3339(expires), duplicate }
    }
}

impl Host {
    /// Takes an amount out of a record's field for a time; on disk by the time it is told. Under a key of the caller's
    /// the same reservation is given again.
    pub async fn reserve(&self, by: &RecordCaller, wanted: &ReserveRequest) -> Result<ReservationView, HostError> {
        let resource = Resource::parse(&wanted.resource)
            .map_err(|error| HostError::new(ErrorCode::BodyInvalid, error.to_string()))?;
        let place = Place::find(&self.0, &resource.collection)?;
        self.in_turn(by, &wanted.resource, |inner| reserve(inner, &place, by, &resource, wanted)).await
    }

    /// Ends a reservation that is held: for good, or by giving the amount back. Ending it twice alike changes nothing.
    pub async fn end_reservation(&self, by: &RecordCaller, id: &str, end: State) -> Result<ReservationView, HostError> {
        let scope = Scope::Tenant(self.0.tenant(&by.tenant)?);
        let reserved = reservations::find(&self.0.view()?, &scope, id)?.ok_or_else(|| missing(id))?;
        let resource = reserved.reservation.resource;
        self.in_turn(by, &resource, |inner| finish(inner, by, id, end)).await
    }

    /// Tries until nobody else comes in between. Clients of one resource take turns, so that many at once do not meet.
    async fn in_turn(
        &self,
        by: &RecordCaller,
        resource: &str,
        work: impl Fn(&Arc<Inner>) -> Result<Step, HostError>,
    ) -> Result<ReservationView, HostError> {
        let mut turn = Keyed::of_resource(resource);
        turn.take_turn(&self.0, &by.tenant).await;
        for _ in 0..UNIT_RERUNS_MAX {
            match work(&self.0)? {
                Step::Known(view, epoch) => {
                    drop(turn);
                    self.0.synced_since(epoch).await?;
                    return Ok(view);
                }
                Step::Decided(Ok(decided), view) => {
                    // The next in turn sees what is decided; only this answer waits for the disk.
                    drop(turn);
                    decided.synced.await.map_err(|error| store_error(&error))?;
                    return Ok(view);
                }
                Step::Decided(Err(Refused::Conflict { .. }), _) => tokio::task::yield_now().await,
                Step::Decided(Err(other), _) => return Err(refused(&other)),
            }
        }
        let text = format!("the reservation met others {UNIT_RERUNS_MAX} times (UNIT_RERUNS_MAX); try again");
        Err(HostError::new(ErrorCode::Conflict, text))
    }
}

/// One attempt.
enum Step {
    /// Nothing is to be done; what is told was seen in this epoch.
    Known(ReservationView, u64),
    /// It was put to the store.
    Decided(Result<daemon_store::Decided, Refused>, ReservationView),
}

fn reserve(
    inner: &Arc<Inner>,
    place: &Place,
    by: &RecordCaller,
    resource: &Resource,
    wanted: &ReserveRequest,
) -> Result<Step, HostError> {
    let least = resource.least(place.collection()).map_err(|why| HostError::new(ErrorCode::BodyInvalid, why))?;
    let (draft, scope) = draft(inner, place, by)?;
    let plugin = &place.plugin.manifest.slug.value;
    let made_up = || ulid(draft.now_ms, rand::random());
    let id = wanted.key.as_ref().map_or_else(made_up, |key| id_of_user(plugin.as_str(), &by.identity.user, key));
    let record = draft.admitted(resource.record.as_str(), Action::Update, Some(&body(resource)))?;
    if let Some(known) = reservations::find(&draft.view, &scope, &id)? {
        if (known.reservation.resource.as_str(), known.reservation.amount) != (wanted.resource.as_str(), wanted.amount)
        {
            let (amount, of) = (known.reservation.amount, &known.reservation.resource);
            let text = format!("the key was used before for reservation `{id}`, of {amount} of `{of}`");
            return Err(HostError::new(ErrorCode::IdempotencyConflict, text));
        }
        return Ok(Step::Known(ReservationView::of(id, known.reservation, true), draft.view.epoch()));
    }
    let left = take(record.fields.get(&resource.field), least, wanted.amount).map_err(|there| {
        let text = format!("{} of `{}` are wanted, {there} are there", wanted.amount, wanted.resource);
        let details = json!({"resource": wanted.resource, "wanted": wanted.amount, "available": there});
        HostError::new(ErrorCode::NotEnough, text).with_details(details)
    })?;
    let reservation = Reservation {
        plugin: plugin.as_str().to_owned(),
        resource: wanted.resource.clone(),
        amount: wanted.amount,
        state: State::Held,
        expires: draft.now_ms + wanted.ttl_ms,
    };
    let cause = super::change::cause(by, draft.now_ms);
    let mut unit = Unit::new(scope, draft.now_ms);
    unit.writes.push(set_field(&draft.view, record, resource, left));
    unit.events = hooks::after(inner, &cause, &unit.writes)?;
    let reserved = Reserved { id: id.clone(), reservation: reservation.clone(), base_revision: 0 };
    reservations::add(inner, plugin, &cause, &mut unit, reserved)?;
    let decided = inner.decide_traced(cause.trace.as_deref(), unit, draft.view.into_reads());
    if decided.is_ok() {
        place.plugin.meter.reserved(State::Held);
    }
    Ok(Step::Decided(decided, ReservationView::of(id, reservation, false)))
}

fn finish(inner: &Arc<Inner>, by: &RecordCaller, id: &str, end: State) -> Result<Step, HostError> {
    let scope = Scope::Tenant(inner.tenant(&by.tenant)?);
    let found = reservations::find(&inner.view()?, &scope, id)?.ok_or_else(|| missing(id))?;
    let resource = Resource::parse(&found.reservation.resource).map_err(|_| missing(id))?;
    let place = Place::find(inner, &resource.collection)?;
    let (draft, scope) = draft(inner, &place, by)?;
    let mut reserved = reservations::find(&draft.view, &scope, id)?.ok_or_else(|| missing(id))?;
    // Of a record that is gone a reservation can still be ended; there is nothing left that rules could ask about.
    if draft.stored(resource.record.as_str())?.is_some() {
        draft.admitted(resource.record.as_str(), Action::Update, Some(&body(&resource)))?;
    }
    let state = reserved.reservation.state;
    let is_given_back = |state| matches!(state, State::Released | State::Expired);
    if state == end || (is_given_back(state) && is_given_back(end)) {
        return Ok(Step::Known(ReservationView::of(id.to_owned(), reserved.reservation, true), draft.view.epoch()));
    }
    if state != State::Held {
        let text = format!("reservation `{id}` is {} already", state.as_str());
        let details = json!({"id": id, "state": state});
        return Err(HostError::new(ErrorCode::ReservationEnded, text).with_details(details));
    }
    let cause = super::change::cause(by, draft.now_ms);
    let mut unit = Unit::new(scope.clone(), draft.now_ms);
    if end == State::Released {
        unit.writes.extend(give_back(&draft.view, &scope, &reserved.reservation)?);
    }
    unit.events = hooks::after(inner, &cause, &unit.writes)?;
    reserved.reservation.state = end;
    let view = ReservationView::of(id.to_owned(), reserved.reservation.clone(), false);
    reservations::add(inner, &place.plugin.manifest.slug.value, &cause, &mut unit, reserved)?;
    let decided = inner.decide_traced(cause.trace.as_deref(), unit, draft.view.into_reads());
    if decided.is_ok() {
        place.plugin.meter.reserved(end);
    }
    Ok(Step::Decided(decided, view))
}

fn draft<'a>(inner: &Inner, place: &'a Place, by: &'a RecordCaller) -> Result<(Draft<'a>, Scope), HostError> {
    let scope = Scope::Tenant(inner.tenant(&by.tenant)?);
    let draft = Draft { place, caller: by, view: inner.view()?, scope: scope.clone(), now_ms: clock::now_ms() };
    Ok((draft, scope))
}

/// What the change is, for rules that ask about the body.
fn body(resource: &Resource) -> Map<String, Value> {
    Map::from_iter([(resource.field.clone(), Value::Null)])
}

fn missing(id: &str) -> HostError {
    HostError::new(ErrorCode::NotFound, format!("there is no reservation `{id}`"))
}
